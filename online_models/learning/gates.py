"""What a new version of a target or of value must show before it may score live traffic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from online_models.hazard.packed import PackedAsk
from online_models.hazard.rules import CHANCE_MIN, Numbers
from online_models.hazard.scorer import HazardScorer
from online_models.learning.evidence import Evidence
from online_models.learning.verdicts import Rejected

SCORE_BINS = 10
"""Bins of the population stability index, of equal mass under the earlier version."""


class GateRules(Struct, frozen=True):
    """Limits for versions of a target, as shares; shifts in log odds."""

    entropy_over_champion: float = 0.01
    """Share by which normalised entropy may exceed that of the version published last."""
    entropy_over_rates: float = 1.005
    """Log loss over that of shrunk rates. A model that is worse than rates, by more than chance,
    does not go live: rates answer instead."""
    suspend_over_base: float = 1.10
    """Normalised entropy of the live version above which it is suspended."""
    calibration_min: float = 0.5
    calibration_max: float = 2.0
    calibration_positives: int = 50
    """Positives below which calibration is not judged."""
    logit_shift: float = 0.5
    """99th percentile of how far log odds may move since the version tried last."""
    stability: float = 0.2
    """Limit of the population stability index: 0.1 is a shift, 0.2 a large one."""
    young_logit_shift: float = 4.0
    young_rows: int = 50_000
    """A version that has learned fewer rows may move as far as `young_logit_shift`, and be
    unstable."""


class ValueGateRules(Struct, frozen=True):
    """Limits for versions of the value model."""

    loss_over_mean: float = 0.02
    """Share by which the Poisson loss may exceed that of one mean per landmark and bucket."""
    ratio_min: float = 0.5
    ratio_max: float = 2.0
    ratio_rows: int = 200
    """Rows with revenue below which totals are not judged."""
    shift: float = 1.5
    """99th percentile of how far the logarithm of expected day-90 revenue may move."""
    young_rows: int = 200_000
    """A version that has learned fewer rows may move further."""


class Shift(NamedTuple):
    """How far scores of the shift-check set moved between two versions."""

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
    """None: the candidate may be published. `shift`: since the version tried last; None: there is
    none to compare with."""
    if not is_finite(candidate):
        return Rejected("weights are not finite")
    return (
        _entropy(evidence, rules)
        or _calibration(evidence, rules)
        or (_leap(shift, rules, is_young=is_young) if shift else None)
    )


def gate_value(
    figures: Mapping[str, float], shift: float, rules: ValueGateRules, *, is_young: bool
) -> Rejected | None:
    """None: the candidate may be published. `figures`: evidence by name; `shift`: 99th percentile
    of how far logarithms of expected amounts moved since the version tried last."""
    loss = figures.get("poisson_loss", math.nan)
    mean = figures.get("poisson_loss:constant", math.nan)
    if not loss - mean <= rules.loss_over_mean * abs(mean):
        return Rejected(f"Poisson loss {loss:.4f} is above that of one mean for all, {mean:.4f}")
    ratio = figures.get("total_ratio", 1.0)
    is_judged = figures["with_revenue"] >= rules.ratio_rows
    if is_judged and not rules.ratio_min <= ratio <= rules.ratio_max:
        return Rejected(
            f"expected {ratio:.2f} times what came, allowed {rules.ratio_min:.2f} to "
            f"{rules.ratio_max:.2f}"
        )
    if shift > rules.shift and not is_young:
        return Rejected(f"expected amounts moved by a factor of {math.exp(shift):.1f}")
    return None


def deserves_suspension(evidence: Evidence, rules: GateRules) -> bool:
    """Whether the version published last is clearly worse than one rate per bin for all."""
    return evidence.published_entropy > rules.suspend_over_base


def shift_of(
    candidate: HazardScorer, previous: HazardScorer, shift_check: Sequence[PackedAsk]
) -> Shift | None:
    """How far scores moved; None: no row that both versions can score.

    `previous` is the version tried last, published or not. Compared with the live one, a model
    that has rightly moved away would move further each time, and never pass again.
    """
    before, after = _log_odds(previous, shift_check), _log_odds(candidate, shift_check)
    usable = np.isfinite(before) & np.isfinite(after)
    before, after = before[usable], after[usable]
    if not len(before):
        return None
    moved = np.sort(np.abs(after - before))
    return Shift(float(moved[int(0.99 * (len(moved) - 1))]), _stability(before, after))


def is_finite(scorer: HazardScorer) -> bool:
    """Whether all of its weights are."""
    return all(bool(np.isfinite(numbers).all()) for numbers in scorer.weights)


def _entropy(evidence: Evidence, rules: GateRules) -> Rejected | None:
    if not evidence.entropy_over_rates <= rules.entropy_over_rates:
        return Rejected(
            f"log loss is {evidence.entropy_over_rates:.4f} of that of shrunk rates, "
            f"limit {rules.entropy_over_rates:.4f}"
        )
    limit = evidence.published_entropy * (1 + rules.entropy_over_champion)
    if evidence.own_entropy_on_sample > limit:
        return Rejected(
            f"normalised entropy {evidence.own_entropy_on_sample:.4f} is above that of the "
            f"version published last, {evidence.published_entropy:.4f}, by more than allowed"
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


def _log_odds(scorer: HazardScorer, shift_check: Sequence[PackedAsk]) -> Numbers:
    """Of the last horizon; NaN where the scorer has no answer."""
    answers = scorer.score_packed(shift_check)
    chances = np.array([math.nan if not one else [*one.values()][-1] for one in answers])
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
