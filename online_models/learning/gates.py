"""What a new version of a target or of value must show before it may score live traffic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from online_models.challengers.declaration import PromotionRules
from online_models.hazard.packed import PackedAsk
from online_models.hazard.rules import CHANCE_MIN, Numbers
from online_models.hazard.scorer import HazardScorer
from online_models.learning.evidence import Evidence, figures_of
from online_models.learning.verdicts import NewChampion, Rejected
from online_models.quality.paired_loss import PairedLoss
from online_models.targets.targets import POSITIVES_MIN, PROVEN_POSITIVES

LIVE_MARGIN = 0.02
"""A model that loses 1 % more than rates in one window gains 1 % in the next: without a margin it
goes live and is suspended by turns. What is truly worse loses several times as much."""

PROOF_ERRORS = 2.58
"""Standard errors by which a model that is not proven must be better than rates: it is tried every
thousand examples, and of ten trials at 95 % one in eight is passed by luck."""

SCORE_BINS = 10
"""Bins of the population stability index, of equal mass under the earlier version."""


_TIERS = {"one rate for all": "constant", "rates": "rates"}


class GateRules(Struct, frozen=True):
    """Limits for versions of a target, as shares; shifts in log odds. Positives are installs that
    reached the target: one version is as good as they are many, however many rows say nothing."""

    positives_min: int = POSITIVES_MIN
    """Positives that a version must have learned. A target can raise it."""
    margin: float = 0.0
    """Nats a row by which a version must be worse, besides being shown worse, than what it is
    compared with."""
    live_margin: float = LIVE_MARGIN
    """The same for one rate and for rates, as a share of their own loss, once a version answers."""
    proven_positives: int = PROVEN_POSITIVES
    """Positives learned, below which the first version, or the first after a suspension, must be
    shown better than rates: until then rates answer. With more, and later, it is enough that it is
    not shown worse: a model on few positives must not win by luck, and nor must rates for ever. A
    target can say otherwise."""
    calibration_min: float = 0.5
    calibration_max: float = 2.0
    calibration_positives: int = 50
    """Positives of the window below which calibration is not judged."""
    shift_positives: int = 5000
    """Positives learned, below which a version may move as far as it likes: what few positives say
    of a campaign or a country is turned round by the next few, and in the first month of an
    installation bins are learned that nobody had got to before."""
    logit_shift: float = 0.5
    """99th percentile of how far log odds may move since the version tried last."""
    stability: float = 0.2
    """Limit of the population stability index: 0.1 is a shift, 0.2 a large one."""


class ValueGateRules(Struct, frozen=True):
    """Limits for versions of the value model."""

    amounts_min: int = 30
    """Amounts other than 0 that a version must have learned."""
    margin: float = 0.0
    """Poisson loss a row by which a version must be shown worse than one mean for all."""
    ratio_min: float = 0.5
    ratio_max: float = 2.0
    ratio_rows: int = 200
    """Rows with revenue below which totals are not judged."""
    shift_amounts: int = 5000
    """Amounts learned, below which a version may move as far as it likes."""
    shift: float = 1.5
    """99th percentile of how far the logarithm of expected day-90 revenue may move."""


class Shift(NamedTuple):
    """How far scores of the shift-check set moved between two versions."""

    log_odds_p99: float
    stability: float  # population stability index


def gate_target(
    candidate: HazardScorer,
    learned: int,
    evidence: Evidence,
    shift: Shift | None,
    rules: GateRules,
    *,
    is_first: bool,
) -> Rejected | None:
    """None: the candidate may be published. `learned`: positives that it has learned; `shift`:
    since the version tried last; None: there is none to compare with. `is_first`: none scores.

    What is simpler answers until a model is shown better. From then on a candidate that is not
    shown worse, by more than a margin, is let through: it is fresher than what it replaces.
    """
    if not is_finite(candidate):
        return Rejected("weights are not finite")
    if learned < rules.positives_min:
        return Rejected(f"{learned} positives learned, at least {rules.positives_min} are needed")
    simple = {"one rate for all": evidence.over_constant, "rates": evidence.over_rates}
    return (
        _worse_than_simple(simple, evidence, rules, is_live=not is_first)
        or shown_worse({"the version published last": evidence.over_published}, rules.margin)
        or (
            _unproven(evidence.over_rates)
            if is_first and learned < rules.proven_positives
            else None
        )
        or _calibration(evidence, rules)
        or (_leap(shift, rules) if shift and learned >= rules.shift_positives else None)
    )


def gate_value(
    figures: Mapping[str, float],
    learned: int,
    over_mean: PairedLoss,
    shift: float,
    rules: ValueGateRules,
) -> Rejected | None:
    """None: the candidate may be published. `figures`: evidence by name; `learned`: amounts other
    than 0 that it has learned; `over_mean`: its loss over that of one mean per landmark and bucket;
    `shift`: 99th percentile of how far logarithms of expected amounts moved since the version
    tried last."""
    if learned < rules.amounts_min:
        return Rejected(f"{learned} amounts learned, at least {rules.amounts_min} are needed")
    worse = shown_worse({"one mean for all": over_mean}, rules.margin)
    if worse is not None:
        return worse
    ratio = figures.get("total_ratio", 1.0)
    is_judged = figures["with_revenue"] >= rules.ratio_rows
    if is_judged and not rules.ratio_min <= ratio <= rules.ratio_max:
        return Rejected(
            f"expected {ratio:.2f} times what came, allowed {rules.ratio_min:.2f} to "
            f"{rules.ratio_max:.2f}"
        )
    if shift > rules.shift and learned >= rules.shift_amounts:
        return Rejected(f"expected amounts moved by a factor of {math.exp(shift):.1f}")
    return None


def shown_worse(compared: Mapping[str, PairedLoss], margin: float) -> Rejected | None:
    """The first of these that a model is shown to be worse than, and is worse than by this margin,
    by name."""
    for name, loss in compared.items():
        if loss.is_shown_worse and loss.mean > margin:
            return Rejected(
                f"shown worse than {name}: it loses {loss.mean:.2g} more a row, "
                f"interval {loss.low:.2g} to {loss.high:.2g}"
            )
    return None


def deserves_suspension(evidence: Evidence, rules: GateRules) -> bool:
    """Whether the version published last is shown worse than one rate for all, or than rates."""
    over = {
        "one rate for all": evidence.published_over_constant,
        "rates": evidence.published_over_rates,
    }
    return _worse_than_simple(over, evidence, rules, is_live=True) is not None


def _worse_than_simple(
    over: Mapping[str, PairedLoss], evidence: Evidence, rules: GateRules, *, is_live: bool
) -> Rejected | None:
    share = rules.live_margin if is_live else 0.0
    for name, loss in over.items():
        own = evidence.log_loss.get(_TIERS[name], 0.0)
        worse = shown_worse({name: loss}, max(rules.margin, share * own))
        if worse is not None:
            return worse
    return None


def better_challenger(
    target: str, evidence: Evidence, names: Sequence[str], champion: str, rules: PromotionRules
) -> NewChampion | None:
    """The promotion rule: the model with the lowest loss, if it is lower by the margin."""
    if evidence.rows < rules.rows or evidence.positives < rules.positives:
        return None
    losses = {name: evidence.log_loss[f"contestant:{name}"] for name in names}
    best = min(names, key=losses.__getitem__)
    if losses[best] >= losses[champion] * (1.0 - rules.margin):
        return None
    reason = (
        f"log loss {losses[best]:.5f} instead of {losses[champion]:.5f} over {evidence.rows} rows"
    )
    return NewChampion(target, best, reason, figures_of(evidence))


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


def _unproven(over_rates: PairedLoss) -> Rejected | None:
    if over_rates.mean + PROOF_ERRORS * over_rates.error < 0.0:
        return None
    if math.isnan(over_rates.mean):
        return Rejected("not yet shown better than rates: too few rows to compare them on")
    return Rejected(
        f"not yet shown better than rates: it loses {over_rates.mean:.2g} more a row, "
        f"interval {over_rates.low:.2g} to {over_rates.high:.2g}"
    )


def _calibration(evidence: Evidence, rules: GateRules) -> Rejected | None:
    if evidence.positives < rules.calibration_positives:
        return None
    if rules.calibration_min <= evidence.calibration <= rules.calibration_max:
        return None
    return Rejected(
        f"predicted {evidence.calibration:.2f} times what came, allowed "
        f"{rules.calibration_min:.2f} to {rules.calibration_max:.2f}"
    )


def _leap(shift: Shift, rules: GateRules) -> Rejected | None:
    if shift.log_odds_p99 > rules.logit_shift:
        return Rejected(
            f"log odds of known rows moved by {shift.log_odds_p99:.2f}, "
            f"more than {rules.logit_shift:.2f}"
        )
    if shift.stability > rules.stability:
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
