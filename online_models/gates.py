"""What a new version of a model must show before it may score live traffic."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from online_models.payer import Scorer, log_loss


class GateRules(Struct, frozen=True):
    """Limits as fractions; logit shifts as absolute log odds."""

    entropy_over_champion: float = 0.01
    entropy_over_base: float = 1.02
    suspend_over_base: float = 1.10
    logit_shift: float = 1.0
    young_logit_shift: float = 4.0
    young_examples: int = 20_000
    """A version that has seen fewer examples may be left further behind."""


class Trial(NamedTuple):
    """One example, as everyone predicted it before anyone learned from it."""

    label: bool
    learner: float
    base: float
    champion: float  # NaN: there was none


class Evidence(Struct, frozen=True):
    """Prequential quality over the last matured rows. Losses in nats per row.

    Normalised entropy is log loss over that of predicting the rate of each landmark.
    """

    rows: int
    positives: int
    log_loss: float
    base_log_loss: float
    normalised_entropy: float
    calibration: float
    """Sum of predictions over number of positives; NaN without positives."""
    champion_entropy: float
    """NaN: no champion on any of these rows."""
    own_entropy_beside_champion: float
    """The learner's, on the rows that the champion scored."""


class Rejected(NamedTuple):
    reason: str


def evidence_of(trials: Iterable[Trial]) -> Evidence:
    rows = list(trials)
    beside = [row for row in rows if not math.isnan(row.champion)]
    own, base = _losses(rows)
    own_beside, base_beside = _losses(beside)
    champion = math.fsum(log_loss(row.label, row.champion) for row in beside)
    positives = sum(row.label for row in rows)
    return Evidence(
        rows=len(rows),
        positives=positives,
        log_loss=_ratio(own, len(rows)),
        base_log_loss=_ratio(base, len(rows)),
        normalised_entropy=_ratio(own, base),
        calibration=_ratio(math.fsum(row.learner for row in rows), positives),
        champion_entropy=_ratio(champion, base_beside),
        own_entropy_beside_champion=_ratio(own_beside, base_beside),
    )


def gate(
    candidate: Scorer,
    previous: Scorer | None,
    evidence: Evidence,
    golden: list[dict[str, float]],
    rules: GateRules,
) -> Rejected | None:
    """None: the candidate may be published. `golden` are features of recent rows.

    `previous` is the version tried last, published or not. Compared with the live one, a model
    that has rightly moved away would move further each time, and never pass again.
    """
    if not _is_finite(candidate):
        return Rejected("weights are not finite")
    if not evidence.normalised_entropy <= rules.entropy_over_base:
        return Rejected(
            f"normalised entropy {evidence.normalised_entropy:.4f} "
            f"is above {rules.entropy_over_base:.4f}"
        )
    limit = evidence.champion_entropy * (1 + rules.entropy_over_champion)
    if evidence.own_entropy_beside_champion > limit:
        return Rejected(
            f"normalised entropy {evidence.own_entropy_beside_champion:.4f} is above that of the "
            f"live version, {evidence.champion_entropy:.4f}, by more than allowed"
        )
    return None if previous is None else _leap(candidate, previous, golden, rules)


def deserves_suspension(evidence: Evidence, rules: GateRules) -> bool:
    """The live version is clearly worse than a simple rate."""
    return evidence.champion_entropy > rules.suspend_over_base


def _leap(
    candidate: Scorer, previous: Scorer, golden: list[dict[str, float]], rules: GateRules
) -> Rejected | None:
    shift = shift_p99(candidate, previous, golden)
    is_young = previous.examples_seen < rules.young_examples
    limit = rules.young_logit_shift if is_young else rules.logit_shift
    if shift <= limit:
        return None
    return Rejected(f"log odds of known rows moved by {shift:.2f}, more than {limit:.2f}")


def shift_p99(candidate: Scorer, previous: Scorer, golden: list[dict[str, float]]) -> float:
    """99th percentile of how far the log odds of the golden rows moved; 0 without rows."""
    shifts = sorted(abs(candidate.logit(row) - previous.logit(row)) for row in golden)
    return shifts[int(0.99 * (len(shifts) - 1))] if shifts else 0.0


def _losses(rows: list[Trial]) -> tuple[float, float]:
    own = math.fsum(log_loss(row.label, row.learner) for row in rows)
    return own, math.fsum(log_loss(row.label, row.base) for row in rows)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _is_finite(scorer: Scorer) -> bool:
    return math.isfinite(scorer.intercept) and all(map(math.isfinite, scorer.weights.values()))
