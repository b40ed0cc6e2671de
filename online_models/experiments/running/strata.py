"""Phases of a ramp as strata: each is compared within itself, and few units are no phase of their
own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.experiments.analysis import UnitColumn
from online_models.experiments.arm_moments import ArmMoments, moments_of_sums
from online_models.experiments.burn_in import is_past_burn_in
from online_models.experiments.effect import Effect, MetricColumns, compare, stratified
from online_models.experiments.running.unit_table import UnitSums


class Strata(NamedTuple):
    """Moments by stratum, then variant; and of all strata together, by variant."""

    parts: tuple[tuple[ArmMoments, ...], ...]
    pooled: tuple[ArmMoments, ...]

    def effect(self, treatment: int, metric: UnitColumn, covariates: Sequence[int]) -> Effect:
        """The effect within strata; adjusted within each, as slopes may differ."""
        columns = MetricColumns(metric.value, metric.denominator, tuple(covariates))
        effects = [compare(arms[0], arms[treatment], columns) for arms in self.parts]
        return effects[0] if len(effects) == 1 else stratified(effects)


def strata_of(found: UnitSums, payers: int) -> Strata:
    """Strata that are each past the burn-in in every variant. `payers`: the column that says so.

    A phase that is not yet is compared together with the one after it (the last, with the one
    before): shares never change within a version, so that pooling two phases biases nothing and
    only keeps their noise.
    """
    bounds = _bounds(found.units, found.active[..., payers])
    parts = tuple(_arms(found, slice(first, end)) for first, end in bounds)
    return Strata(parts, parts[0] if len(parts) == 1 else _arms(found, slice(None)))


def _arms(found: UnitSums, phases: slice) -> tuple[ArmMoments, ...]:
    """The moments of each variant in some phases."""
    return tuple(
        moments_of_sums(
            found.units[code, phases].sum(axis=0),
            found.sums[code, phases].sum(axis=0),
            found.products[code, phases].sum(axis=0),
        )
        for code in range(len(found.units))
    )


def _bounds(units: NDArray[np.float64], paid: NDArray[np.float64]) -> list[tuple[int, int]]:
    """First phase and end of each stratum."""
    phases = units.shape[1]
    bounds: list[tuple[int, int]] = []
    begin = 0
    for end in range(1, phases + 1):
        part = slice(begin, end)
        if is_past_burn_in(units[:, part].sum(axis=1), paid[:, part].sum(axis=1)).all():
            bounds.append((begin, end))
            begin = end
    if not bounds:
        return [(0, phases)]
    bounds[-1] = (bounds[-1][0], phases)
    return bounds
