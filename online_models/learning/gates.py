"""What a new version of a model must show before it may score live traffic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from online_models.hazard.packed import PackedAsk
from online_models.hazard.rules import CHANCE_MIN, Numbers
from online_models.hazard.scorer import HazardScorer
from online_models.learning.evidence import Evidence
from online_models.learning.verdicts import Rejected

SCORE_BINS = 10
"""Of the population stability index, of equal mass under the earlier version."""


class GateRules(Struct, frozen=True):
    """Limits as fractions; logit shifts as absolute log odds."""

    entropy_over_champion: float = 0.01
    entropy_over_rates: float = 1.005
    """A model that is worse than shrunk rates, by more than chance, does not go live: rates answer
    instead."""
    suspend_over_base: float = 1.10
    calibration_min: float = 0.5
    calibration_max: float = 2.0
    calibration_positives: int = 50
    """Fewer positives say nothing of calibration."""
    logit_shift: float = 0.5
    stability: float = 0.2
    """Limit of the population stability index: 0.1 is a shift, 0.2 a large one."""
    young_logit_shift: float = 4.0
    young_rows: int = 50_000
    """A version that has learned fewer rows may be left further behind, and unstable."""


class Shift(NamedTuple):
    """How far scores of the golden rows moved between two versions."""

    log_odds_p99: float
    stability: float  # population stability index


def gate_target(
    candidate: HazardScorer,
    evidence: Evidence,
    shift: Shift | None,
    rules: GateRules,
    *,
    is_young: bool,
) -> Rejected | None:
    """None: the candidate may be published. `shift` is since the version tried last."""
    if not is_finite(candidate):
        return Rejected("weights are not finite")
    return (
        _entropy(evidence, rules)
        or _calibration(evidence, rules)
        or (_leap(shift, rules, is_young=is_young) if shift else None)
    )


def deserves_suspension(evidence: Evidence, rules: GateRules) -> bool:
    """The version published last is clearly worse than one rate for everybody."""
    return evidence.champion_entropy > rules.suspend_over_base


def shift_of(
    candidate: HazardScorer, previous: HazardScorer, golden: Sequence[PackedAsk]
) -> Shift | None:
    """None without a row that both can score.

    `previous` is the version tried last, published or not. Compared with the live one, a model
    that has rightly moved away would move further each time, and never pass again.
    """
    before, after = _log_odds(previous, golden), _log_odds(candidate, golden)
    usable = np.isfinite(before) & np.isfinite(after)
    before, after = before[usable], after[usable]
    if not len(before):
        return None
    moved = np.sort(np.abs(after - before))
    return Shift(float(moved[int(0.99 * (len(moved) - 1))]), _stability(before, after))


def is_finite(scorer: HazardScorer) -> bool:
    return all(bool(np.isfinite(numbers).all()) for numbers in scorer.weights)


def _entropy(evidence: Evidence, rules: GateRules) -> Rejected | None:
    if not evidence.entropy_over_rates <= rules.entropy_over_rates:
        return Rejected(
            f"log loss is {evidence.entropy_over_rates:.4f} of that of shrunk rates, "
            f"limit {rules.entropy_over_rates:.4f}"
        )
    limit = evidence.champion_entropy * (1 + rules.entropy_over_champion)
    if evidence.own_entropy_beside_champion > limit:
        return Rejected(
            f"normalised entropy {evidence.own_entropy_beside_champion:.4f} is above that of the "
            f"version published last, {evidence.champion_entropy:.4f}, by more than allowed"
        )
    return None


def _calibration(evidence: Evidence, rules: GateRules) -> Rejected | None:
    if evidence.positives < rules.calibration_positives:
        return None
    if rules.calibration_min <= evidence.calibration <= rules.calibration_max:
        return None
    return Rejected(
        f"predicted {evidence.calibration:.2f} times what came, allowed "
        f"{rules.calibration_min:.2f} to {rules.calibration_max:.2f}"
    )


def _leap(shift: Shift, rules: GateRules, *, is_young: bool) -> Rejected | None:
    limit = rules.young_logit_shift if is_young else rules.logit_shift
    if shift.log_odds_p99 > limit:
        return Rejected(
            f"log odds of known rows moved by {shift.log_odds_p99:.2f}, more than {limit:.2f}"
        )
    if shift.stability > rules.stability and not is_young:
        return Rejected(
            f"scores of known rows are spread differently: stability index {shift.stability:.2f}, "
            f"limit {rules.stability:.2f}"
        )
    return None


def _log_odds(scorer: HazardScorer, golden: Sequence[PackedAsk]) -> Numbers:
    """By the last horizon; NaN where the scorer cannot say."""
    said = scorer.score_packed(golden)
    chances = np.array([math.nan if not one else [*one.values()][-1] for one in said])
    bounded = np.clip(chances, CHANCE_MIN, 1.0 - CHANCE_MIN)
    log_odds: Numbers = np.log(bounded) - np.log1p(-bounded)
    return log_odds


def _stability(before: Numbers, after: Numbers) -> float:
    """Population stability index: Σ (q - p) ln (q / p) over bins of the earlier scores."""
    cuts = np.quantile(before, np.arange(1, SCORE_BINS) / SCORE_BINS)
    shares = []
    for scores in (before, after):
        counted = np.bincount(np.searchsorted(cuts, scores), minlength=SCORE_BINS)
        shares.append((counted + 0.5) / (len(scores) + 0.5 * SCORE_BINS))
    p, q = shares
    return float(((q - p) * np.log(q / p)).sum())
