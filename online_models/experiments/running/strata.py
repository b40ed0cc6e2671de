"""Phases of a ramp as strata: each is compared within itself, and few units are no phase of their
own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.experiments.analysis import UnitColumn
from online_models.experiments.arm_moments import ArmMoments, moments_of_rows
from online_models.experiments.burn_in import is_past_burn_in
from online_models.experiments.effect import Effect, MetricColumns, compare, stratified


class Strata(NamedTuple):
    """Moments by stratum, then variant; and of all strata together, by variant."""

    parts: tuple[tuple[ArmMoments, ...], ...]
    pooled: tuple[ArmMoments, ...]

    def effect(self, treatment: int, metric: UnitColumn, covariates: Sequence[int]) -> Effect:
        """The effect within strata; adjusted within each, as slopes may differ."""
        columns = MetricColumns(metric.value, metric.denominator, tuple(covariates))
        effects = [compare(arms[0], arms[treatment], columns) for arms in self.parts]
        return effects[0] if len(effects) == 1 else stratified(effects)


def strata_of(
    codes: NDArray[np.int64],
    phases: NDArray[np.int64],
    values: NDArray[np.float64],
    variants: int,
    payers: int,
) -> Strata:
    """Strata that are each past the burn-in in every variant. `payers`: the column that says so.

    A phase that is not yet is compared together with the one before it (the first, with the next):
    shares never change within a version, so that pooling two phases biases nothing and only keeps
    their noise.
    """
    rows = [values[codes == code] for code in range(variants)]
    of_rows = [phases[codes == code] for code in range(variants)]
    bounds = _bounds(rows, of_rows, payers)
    if len(bounds) == 1:
        arms = tuple(moments_of_rows(part) for part in rows)
        return Strata((arms,), arms)
    parts = tuple(
        tuple(
            moments_of_rows(part[(phase >= first) & (phase <= last)])
            for part, phase in zip(rows, of_rows, strict=True)
        )
        for first, last in bounds
    )
    return Strata(parts, tuple(moments_of_rows(part) for part in rows))


def _bounds(
    rows: list[NDArray[np.float64]], phases: list[NDArray[np.int64]], payers: int
) -> list[tuple[int, int]]:
    """First and last phase of each stratum."""
    last = max((int(phase.max()) for phase in phases if len(phase)), default=0)
    units = np.array([np.bincount(phase, minlength=last + 1) for phase in phases])
    paid = np.array(
        [
            np.bincount(phase[part[:, payers] != 0.0], minlength=last + 1)
            for part, phase in zip(rows, phases, strict=True)
        ]
    )
    bounds: list[tuple[int, int]] = []
    begin = 0
    for phase in range(last + 1):
        part = slice(begin, phase + 1)
        if is_past_burn_in(units[:, part].sum(axis=1), paid[:, part].sum(axis=1)).all():
            bounds.append((begin, phase))
            begin = phase + 1
    if not bounds:
        return [(0, last)]
    bounds[-1] = (bounds[-1][0], last)
    return bounds
