"""What a new version of the live pair model must show before it may decide matches."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from online_models.learning.verdicts import Rejected, VersionFigures, finite
from online_models.pairs.pair_weights import PairWeights
from online_models.quality.paired_loss import PairedLoss, paired_loss


class MatchGateRules(Struct, frozen=True):
    """How much must be known before a version decides. Counts are installs."""

    matches_min: int = 100
    """Installs with a known match that a version must have learned: events that happened, whatever
    the number of pairs that did not match."""
    installs_min: int = 300
    """Installs that it must have been judged on before it learned them."""


class MatchTrial(NamedTuple):
    """Losses on one install, before anything learned from it, in nats. NaN: no version decides."""

    learner: float
    rules: float  # of the weights in the rule file
    live: float  # of the version that decides


class MatchEvidence(NamedTuple):
    """Over the last installs, the same for both sides of each comparison."""

    installs: int
    log_loss: float
    over_rules: PairedLoss
    over_live: PairedLoss
    live_over_rules: PairedLoss

    def figures(self, matches: int) -> VersionFigures:
        """What is reported; `matches`: learned since the beginning."""
        compared = {"rules": self.over_rules, "live": self.over_live}
        ends = {
            f"loss_over_{name}_{end}": value
            for name, loss in compared.items()
            for end, value in (("low", loss.low), ("high", loss.high))
        }
        counted = {"positives": matches, "installs": self.installs, "log_loss": self.log_loss}
        return finite(counted | ends)


def match_evidence(trials: Iterable[MatchTrial]) -> MatchEvidence:
    """Evidence over these trials."""
    rows = list(trials)
    beside = [one for one in rows if not math.isnan(one.live)]
    return MatchEvidence(
        installs=len(rows),
        log_loss=math.fsum(one.learner for one in rows) / len(rows) if rows else math.nan,
        over_rules=paired_loss((one.learner - one.rules, 1) for one in rows),
        over_live=paired_loss((one.learner - one.live, 1) for one in beside),
        live_over_rules=paired_loss((one.live - one.rules, 1) for one in beside),
    )


def gate_match(
    candidate: PairWeights, matches: int, evidence: MatchEvidence, rules: MatchGateRules
) -> Rejected | None:
    """None: the candidate may be published. `matches`: installs with a match that it learned.

    A candidate that is not shown worse than what decides now is let through: it is fresher.
    """
    if not candidate.is_finite or candidate.calibration.slope <= 0.0:
        return Rejected("weights are not finite, or turn scores round")
    if matches < rules.matches_min:
        return Rejected(f"{matches} matches learned, at least {rules.matches_min} are needed")
    if evidence.installs < rules.installs_min:
        return Rejected(f"judged on {evidence.installs} installs, fewer than {rules.installs_min}")
    for name, loss in (
        ("the weights of the rules", evidence.over_rules),
        ("the version published last", evidence.over_live),
    ):
        if loss.is_shown_worse:
            return Rejected(f"shown worse than {name}: {loss.low:.4f} to {loss.high:.4f} nats")
    return None
