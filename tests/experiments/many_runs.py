"""Thousands of experiments, each looked at daily, judged by the product's own code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from online_models.experiments import (
    Effect,
    MetricColumns,
    compare,
    half_width,
    is_past_burn_in,
    moments_of_sums,
    relative_half_width,
    welch,
)
from tests.experiments.paying_world import (
    CAPPED,
    PAST,
    PAYS,
    PREDICTION,
    REVENUE,
    Floats,
    Treatment,
    World,
    daily_sums,
)

METRICS = {
    "payer rate": MetricColumns(PAYS),
    "ARPU": MetricColumns(REVENUE),
    "ARPU, capped": MetricColumns(CAPPED),
    "ARPPU": MetricColumns(REVENUE, denominator=PAYS),
}
RUNS_AT_ONCE = 40


@dataclass
class Looks:
    """Of a metric, with or without covariates: `(runs, days)` each."""

    lift: Floats
    reach: Floats
    relative: Floats
    relative_reach: Floats
    control: Floats
    treated: Floats
    p_fixed: Floats
    is_judged: NDArray[np.bool_]
    variance_removed: Floats


def looks(
    world: World, runs: int, treatment: Treatment, tuned_for: float, seed: int
) -> dict[str, Looks]:
    """All looks at `runs` experiments, by metric; those with covariates end in "+ CUPED"."""
    parts: dict[str, list[Looks]] = {}
    rng = np.random.default_rng(seed)
    for start in range(0, runs, RUNS_AT_ONCE):
        count = min(RUNS_AT_ONCE, runs - start)
        sums = [daily_sums(world, count, part, rng) for part in (Treatment(), treatment)]
        arms = [moments_of_sums(*part) for part in sums]
        payers = [part[1][..., PAYS] for part in sums]
        judged = np.logical_and.reduce(
            [
                is_past_burn_in(part[0], paid, is_binary=True)
                for part, paid in zip(sums, payers, strict=True)
            ]
        )
        for name, metric in METRICS.items():
            for suffix, covariates in (("", ()), (" + CUPED", (PREDICTION, PAST))):
                effect = compare(arms[0], arms[1], metric._replace(covariates=covariates))
                parts.setdefault(name + suffix, []).append(_looks(effect, judged, tuned_for))
    return {name: _joined(found) for name, found in parts.items()}


def _looks(effect: Effect, judged: NDArray[np.bool_], tuned_for: float) -> Looks:
    return Looks(
        lift=effect.lift,
        reach=half_width(effect.variance, effect.units, tuned_for=tuned_for),
        relative=effect.relative,
        relative_reach=relative_half_width(effect, tuned_for=tuned_for),
        control=effect.control,
        treated=effect.treated,
        p_fixed=welch(effect).p,
        is_judged=judged,
        variance_removed=effect.variance_removed,
    )


def _joined(found: list[Looks]) -> Looks:
    names = Looks.__dataclass_fields__
    return Looks(**{name: np.concatenate([getattr(x, name) for x in found]) for name in names})
