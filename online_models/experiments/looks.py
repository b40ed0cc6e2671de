"""What an experiment would have said at each look while it ran: the estimate, the interval that
holds at all looks, and the ordinary one that holds at one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.experiments.analysis import (
    ExperimentQuestion,
    ExperimentUnits,
    UnitColumn,
)
from online_models.experiments.arm_moments import ArmMoments, moments_of_sums
from online_models.experiments.burn_in import is_past_burn_in
from online_models.experiments.confidence_sequence import half_width
from online_models.experiments.effect import MetricColumns, compare
from online_models.experiments.fixed_horizon import welch

_Floats = NDArray[np.float64]


class MetricLooks(NamedTuple):
    """A treatment and a metric, at each look in order; NaN before there was enough to judge."""

    variant: str
    metric: str
    units: _Floats
    lift: _Floats
    low: _Floats
    high: _Floats
    fixed_low: _Floats
    fixed_high: _Floats

    def first_shown(self) -> int | None:
        """The first look at which the sequence excluded no difference."""
        hits = np.flatnonzero((self.low > 0.0) | (self.high < 0.0))
        return int(hits[0]) if len(hits) else None


def looks_of_units(
    units: ExperimentUnits, question: ExperimentQuestion, periods: NDArray[np.int64]
) -> list[MetricLooks]:
    """The looks at the end of each period, of all units until then. `periods`: of each unit, from 0
    on without a gap. Covariates are used as they are given."""
    # A shift leaves differences alone and keeps the digits of large amounts in sums of squares.
    # What a ratio divides by has to keep its place.
    centre = units.values.mean(axis=0)
    for column in question.metrics:
        if column.denominator is not None:
            centre[[column.value, column.denominator]] = 0.0
    values = units.values - centre
    count = int(periods.max()) + 1
    arms = [
        _cumulative(values[units.codes == code], periods[units.codes == code], count)
        for code in range(len(units.variants))
    ]
    covariates = tuple(column.value for column in question.covariates)
    found = []
    for metric in question.metrics:
        payers = [
            _payers(units.values[units.codes == code], periods[units.codes == code], count, metric)
            for code in range(len(units.variants))
        ]
        columns = MetricColumns(metric.value, metric.denominator, covariates)
        for code in range(1, len(arms)):
            judged = is_past_burn_in(arms[0].units, payers[0], metric.is_binary)
            judged &= is_past_burn_in(arms[code].units, payers[code], metric.is_binary)
            pair = (arms[0], arms[code])
            named = (units.variants[code], metric.name)
            found.append(_looks(named, pair, columns, judged, question))
    return found


def _looks(
    named: tuple[str, str],
    pair: tuple[ArmMoments, ArmMoments],
    columns: MetricColumns,
    judged: NDArray[np.bool_],
    question: ExperimentQuestion,
) -> MetricLooks:
    effect = compare(*pair, columns)
    reach = half_width(effect.variance, effect.units, question.alpha, question.tuned_for)
    fixed = welch(effect, question.alpha)

    def shown(values: _Floats) -> _Floats:
        return np.where(judged, values, np.nan)

    return MetricLooks(
        variant=named[0],
        metric=named[1],
        units=effect.units,
        lift=shown(effect.lift),
        low=shown(effect.lift - reach),
        high=shown(effect.lift + reach),
        fixed_low=shown(fixed.low),
        fixed_high=shown(fixed.high),
    )


def _cumulative(values: _Floats, periods: NDArray[np.int64], count: int) -> ArmMoments:
    """Moments of all units up to each period."""
    order = np.argsort(periods, kind="stable")
    ends = np.searchsorted(periods[order], np.arange(count), side="right")
    ordered = values[order]
    width = values.shape[1]
    sums, products = np.zeros((count, width)), np.zeros((count, width, width))
    begin = 0
    for period, end in enumerate(ends):
        part = ordered[begin:end]
        sums[period], products[period] = part.sum(axis=0), part.T @ part
        begin = end
    return moments_of_sums(ends, sums.cumsum(axis=0), products.cumsum(axis=0))


def _payers(
    values: _Floats, periods: NDArray[np.int64], count: int, metric: UnitColumn
) -> NDArray[np.int64]:
    """Units with a value, up to each period."""
    active = periods[values[:, metric.value] != 0.0]
    return np.bincount(active, minlength=count).cumsum()
