"""Four worlds of paying users, thousands of experiments at a time.

A unit has a propensity that a prediction knows in part, and may have paid before. Columns: whether
it pays after the assignment, how much, how much up to a cap, the prediction, and past money.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PAYS, REVENUE, CAPPED, PREDICTION, PAST = range(5)
CAP = 50.0


@dataclass(frozen=True)
class World:
    """`units_a_day`: of a variant. `tail`: standard deviation of log amounts, or 0 for a Pareto
    tail. `weekly`: how much weekends differ, in number and kind of units."""

    name: str
    payers: float
    units_a_day: int
    days: int
    tail: float
    weekly: float = 0.0


WORLDS = (
    World("one in twenty pays", 0.05, 500, 40, 1.2),
    World("one in a hundred pays", 0.01, 1_000, 40, 1.5),
    World("whales: Pareto amounts", 0.03, 500, 40, 0.0),
    World("weekends and a drift", 0.03, 500, 40, 1.2, weekly=0.5),
)


@dataclass(frozen=True)
class Treatment:
    """Factors on who pays and on how much they pay."""

    payers: float = 1.0
    amounts: float = 1.0


def daily_sums(
    world: World, runs: int, treatment: Treatment, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Units, sums and sums of products of a variant up to each day: `(runs, days)`,
    `(runs, days, 5)`, `(runs, days, 5, 5)`."""
    shape = (runs, world.days, world.units_a_day)
    day = np.arange(world.days)
    is_weekend = (day % 7 >= 5).astype(float)
    # Weekends bring more units, who pay less; and the traffic gets worse while the experiment runs.
    arrived = world.units_a_day * (1.0 - world.weekly * (1.0 - is_weekend) / 2.0)
    kind = 1.0 - world.weekly * (is_weekend * 0.6 + 0.4 * day / world.days)
    is_there = np.arange(world.units_a_day) < arrived[:, None]
    columns = _units(world, shape, kind[:, None], treatment, rng) * is_there[None, :, :, None]
    sums = columns.sum(axis=2).cumsum(axis=1)
    products = np.matmul(columns.swapaxes(2, 3), columns).cumsum(axis=1)
    units = np.broadcast_to(is_there.sum(axis=1).cumsum().astype(float), (runs, world.days))
    return units, sums, products


def _units(
    world: World,
    shape: tuple[int, ...],
    kind: Floats,
    treatment: Treatment,
    rng: np.random.Generator,
) -> Floats:
    propensity = world.payers * kind * np.exp(rng.standard_normal(shape) - 0.5)
    has_paid = rng.random(shape) < 0.15 * propensity
    chance = np.where(has_paid, 0.4, np.minimum(propensity, 0.9)) * treatment.payers
    pays = rng.random(shape) < chance
    columns = np.zeros((*shape, 5))
    past = _amounts(world, int(has_paid.sum()), rng)
    columns[has_paid, PAST] = past
    amounts = _amounts(world, int(pays.sum()), rng)
    # Who has paid before pays alike again.
    before = columns[pays, PAST]
    alike = np.where(before > 0, np.sqrt(before * amounts), amounts)
    columns[pays, REVENUE] = treatment.amounts * alike
    columns[..., PAYS] = pays
    columns[..., CAPPED] = np.minimum(columns[..., REVENUE], CAP)
    columns[..., PREDICTION] = propensity
    return columns


def _amounts(world: World, count: int, rng: np.random.Generator) -> Floats:
    if world.tail:
        return rng.lognormal(1.0, world.tail, count)
    return 2.0 * (1.0 + rng.pareto(2.5, count))  # a finite variance, and an infinite fourth moment
