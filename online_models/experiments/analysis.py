"""The answer of an experiment by units: every treatment beside the control, for every metric.

A finished file and a running store end here. The first metric is the primary one: its claims are
corrected for the number of treatments. All other metrics are corrected for how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.experiments.arm_moments import ArmMoments, moments_of_rows
from online_models.experiments.burn_in import is_past_burn_in
from online_models.experiments.confidence_sequence import (
    DEFAULT_ALPHA,
    TUNED_FOR,
    always_valid_p,
    half_width,
)
from online_models.experiments.effect import Effect, MetricColumns, compare
from online_models.experiments.fixed_horizon import FixedHorizon, welch
from online_models.experiments.multiple_tests import benjamini_yekutieli, holm
from online_models.experiments.relative_interval import relative_half_width
from online_models.experiments.sample_ratio import BLOCKED_FROM, sample_ratio_bayes_factor
from online_models.experiments.shrunk_lift import USUAL_RELATIVE_LIFT, shrunk_lift

UNBALANCED_ALPHA = 0.001
"""Level at which a covariate counts as different between variants: then the treatment may have
moved it, and an adjustment would take the effect itself away."""

Conclusion = Literal["higher", "lower", "open", "early", "blocked"]
"""`early`: too few units or payers. `open`: not shown yet, either way. `blocked`: the split is
broken."""


class UnitColumn(NamedTuple):
    """A metric or covariate: its name, and where it stands among the values."""

    name: str
    value: int
    denominator: int | None = None
    is_binary: bool = False


class ExperimentUnits(NamedTuple):
    """Units by variant. `values`: units × columns; `codes`: the variant of each unit; variant 0 is
    the control."""

    variants: tuple[str, ...]
    codes: NDArray[np.int64]
    values: NDArray[np.float64]


class ExperimentQuestion(NamedTuple):
    """What is asked of the units. `weights`: expected shares of variants, in any unit."""

    metrics: tuple[UnitColumn, ...]
    covariates: tuple[UnitColumn, ...] = ()
    weights: tuple[float, ...] = ()
    tuned_for: float = TUNED_FOR
    alpha: float = DEFAULT_ALPHA


class TreatmentComparison(NamedTuple):
    """A treatment beside the control. NaN: there is no such figure (yet)."""

    variant: str
    metric: str
    effect: Effect
    low: float
    high: float
    relative_low: float
    relative_high: float
    fixed: FixedHorizon
    shrunk: float
    p_any_time: float
    conclusion: Conclusion


class ExperimentAnswer(NamedTuple):
    """`units` by variant; `comparisons` by metric, then treatment; `unbalanced`: covariates that
    were not used because they differ between variants."""

    units: tuple[int, ...]
    comparisons: tuple[TreatmentComparison, ...]
    sample_ratio_bayes_factor: float
    unbalanced: tuple[str, ...]


def analyze_units(units: ExperimentUnits, question: ExperimentQuestion) -> ExperimentAnswer:
    """What the units say. At least two variants with at least two units each are needed."""
    rows = [units.values[units.codes == code] for code in range(len(units.variants))]
    arms = [moments_of_rows(part) for part in rows]
    counts = tuple(len(part) for part in rows)
    weights = question.weights or (1.0,) * len(arms)
    factor = float(sample_ratio_bayes_factor(counts, weights))
    unbalanced = tuple(
        column.name for column in question.covariates if differs(arms, column, question)
    )
    used = tuple(c.value for c in question.covariates if c.name not in unbalanced)
    found = [
        _compared(units.variants[code], (arms[0], arms[code]), (rows[0], rows[code]), metric, used)
        for metric in question.metrics
        for code in range(1, len(arms))
    ]
    sided = [with_intervals(comparison, question, len(arms) - 1) for comparison in found]
    return ExperimentAnswer(counts, tuple(concluded(sided, question, factor)), factor, unbalanced)


def _compared(
    variant: str,
    arms: tuple[ArmMoments, ArmMoments],
    rows: tuple[NDArray[np.float64], NDArray[np.float64]],
    metric: UnitColumn,
    covariates: tuple[int, ...],
) -> TreatmentComparison:
    columns = MetricColumns(metric.value, metric.denominator, covariates)
    effect = compare(arms[0], arms[1], columns)
    payers = [np.count_nonzero(part[:, metric.value]) for part in rows]
    enough = all(
        is_past_burn_in(len(part), count, metric.is_binary)
        for part, count in zip(rows, payers, strict=True)
    )
    return unjudged(variant, metric.name, effect, enough)


def unjudged(variant: str, metric: str, effect: Effect, is_enough: bool) -> TreatmentComparison:
    """An effect that has no intervals yet. `is_enough`: whether it is past the burn-in."""
    nan = float("nan")
    return TreatmentComparison(
        variant=variant,
        metric=metric,
        effect=effect,
        low=nan,
        high=nan,
        relative_low=nan,
        relative_high=nan,
        fixed=FixedHorizon(*(np.asarray(nan),) * 3),
        shrunk=nan,
        p_any_time=1.0,
        conclusion="open" if is_enough else "early",
    )


def with_intervals(
    comparison: TreatmentComparison, question: ExperimentQuestion, treatments: int
) -> TreatmentComparison:
    """Intervals of all treatments hold together: each is at its share of the level."""
    effect = comparison.effect
    level = question.alpha / treatments
    usual = USUAL_RELATIVE_LIFT * np.abs(effect.control)
    comparison = comparison._replace(
        fixed=welch(effect, question.alpha),
        shrunk=float(shrunk_lift(effect.lift, effect.variance, usual)),
    )
    if comparison.conclusion == "early":
        return comparison
    tuned_for = question.tuned_for
    reach = float(half_width(effect.variance, effect.units, level, tuned_for))
    low, high = float(effect.lift) - reach, float(effect.lift) + reach
    relative_reach = float(relative_half_width(effect, level, tuned_for))
    p = always_valid_p(effect.lift, effect.variance, effect.units, question.alpha, tuned_for)
    return comparison._replace(
        low=low,
        high=high,
        relative_low=float(effect.relative) - relative_reach,
        relative_high=float(effect.relative) + relative_reach,
        p_any_time=float(p),
    )


def concluded(
    found: Sequence[TreatmentComparison], question: ExperimentQuestion, factor: float
) -> list[TreatmentComparison]:
    """Claims corrected for their number: Holm for the primary metric, Benjamini and Yekutieli for
    the others."""
    primary = question.metrics[0].name
    first = [c for c in found if c.metric == primary]
    others = [c for c in found if c.metric != primary]
    adjusted = [
        *zip(first, holm([c.p_any_time for c in first]), strict=True),
        *zip(others, benjamini_yekutieli([c.p_any_time for c in others]), strict=True),
    ]
    return [
        comparison._replace(
            p_any_time=p, conclusion=_conclusion(comparison, p, question.alpha, factor)
        )
        for comparison, p in adjusted
    ]


def _conclusion(
    comparison: TreatmentComparison, p: float, alpha: float, factor: float
) -> Conclusion:
    if factor > BLOCKED_FROM:
        return "blocked"
    if comparison.conclusion == "early" or p > alpha:
        return comparison.conclusion
    return "higher" if comparison.effect.lift > 0 else "lower"


def differs(arms: Sequence[ArmMoments], column: UnitColumn, question: ExperimentQuestion) -> bool:
    """Whether a covariate differs between the control and any treatment, at every look together."""
    for arm in arms[1:]:
        effect = compare(arms[0], arm, MetricColumns(column.value))
        reach = half_width(effect.variance, effect.units, UNBALANCED_ALPHA, question.tuned_for)
        if np.abs(effect.lift) > reach:
            return True
    return False
