"""All that people pay, and what can be expected of it at every landmark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.time import DAY_MS
from streams.lab.simulator.draws import FloatColumn, IntColumn, generator, ordinals
from streams.lab.simulator.market.market import COUNTRIES
from streams.lab.simulator.paying_worlds.chances import picked
from streams.lab.simulator.paying_worlds.disturbances import BEGIN_MS, DISTURBANCES
from streams.lab.simulator.paying_worlds.paying_world import PayingWorld
from streams.lab.simulator.paying_worlds.payment_reports import log_times, poisoned_installs
from streams.lab.simulator.paying_worlds.purses import PURSES, Purse
from streams.lab.simulator.paying_worlds.steps import HORIZON_MS, HORIZON_NAMES, LANDMARK_MS

SPENDING_HORIZONS = ("d7", "d30", "d90")
_AT = [HORIZON_NAMES.index(name) for name in SPENDING_HORIZONS]
_END_MS: IntColumn = HORIZON_MS[_AT]

_COUNTRY_PAYS = np.array(
    [1.2 if one.code in ("US", "JP") else 1.0 if one.currency in ("EUR", "GBP") else 0.6
     for one in COUNTRIES]
)  # fmt: skip
_AGAIN_MAX = 60
"""Payments after the first one; nobody makes more in ninety days."""

_PHASE_STEP = 0.6180339887498949
_POISONED_USD = 5.0
_PART = 4_096


@dataclass(frozen=True, slots=True)
class Spending:
    """Payments in USD, by install and time; and the true expectation of revenue.

    `expected` is revenue from the install to each horizon, for people of whom the same is known at
    the landmark (traits, activity, payments so far), averaged over all types that they may be.
    """

    install: IntColumn
    paid_ms: IntColumn  # since the install
    amount: FloatColumn
    expected: FloatColumn  # install × landmark × horizon

    def paid_until(self, age_ms: int) -> FloatColumn:
        """What each install has paid before an age."""
        is_in = self.paid_ms < age_ms
        total = np.bincount(self.install[is_in], self.amount[is_in], len(self.expected))
        return np.asarray(total, np.float64)


def spend(world: PayingWorld, seed: int) -> Spending:
    purse = PURSES[world.name]
    size = len(world.lives)
    chances = purse.chances(world.people.spend)
    parts = []
    for number, first in enumerate(range(0, size, _PART)):
        rng = generator(seed, f"paying amounts {world.name}", number)
        which = slice(first, min(first + _PART, size))
        parts.append(_paid(world, purse, chances, which, rng))
    install, paid_ms, base = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((paid_ms, install))
    install, paid_ms, base = install[order], paid_ms[order], base[order]
    factor = _COUNTRY_PAYS[world.people.country[install]]
    amount = base * factor * _price(world, world.people.time[install] + paid_ms)
    found = Spending(install, paid_ms, amount, np.zeros((size, len(LANDMARK_MS), len(_AT))))
    for landmark in range(len(LANDMARK_MS)):
        found.expected[:, landmark] = _expected(world, (purse, chances), found, base, landmark)
    return found


@dataclass(frozen=True, slots=True)
class LoggedPayments:
    """Payments as they reach the log, each once."""

    install: IntColumn
    paid_ms: IntColumn  # since the install
    logged_ms: IntColumn  # since the install
    amount: FloatColumn


def log_payments(world: PayingWorld, spending: Spending, seed: int) -> LoggedPayments:
    """With the disturbances of the world. A payment that is sent twice has the same id and counts
    once. A poisoned install seems to pay the price of a small purchase."""
    how = DISTURBANCES[world.disturbance]
    shares = generator(seed, f"paying logs {world.name}").random((3, len(world.lives)))
    install, paid_ms = spending.install, spending.paid_ms
    since = world.people.time[install]
    # Independent of later payments, so that worlds can be compared.
    own = (shares[:2, install] + _PHASE_STEP * ordinals(install)) % 1.0
    logged_ms = log_times(since + paid_ms, own, how) - since
    fake, fake_at = poisoned_installs(world, shares[2], how)
    fake_ms = fake_at - world.people.time[fake]
    return LoggedPayments(
        np.concatenate([install, fake]),
        np.concatenate([paid_ms, fake_ms]),
        np.concatenate([logged_ms, fake_ms]),
        np.concatenate([spending.amount, np.full(len(fake), _POISONED_USD)]),
    )


def _price(world: PayingWorld, at: IntColumn) -> FloatColumn:
    return np.where(at >= BEGIN_MS, DISTURBANCES[world.disturbance].price, 1.0)


def _paid(
    world: PayingWorld, purse: Purse, chances: FloatColumn, which: slice, rng: np.random.Generator
) -> tuple[IntColumn, IntColumn, FloatColumn]:
    """Draws as many numbers whoever pays, so that worlds can be compared."""
    first_ms = world.lives.paid_ms[which]
    size = len(first_ms)
    kind = picked(rng.random(size), chances[which])
    waits = rng.exponential(size=(size, _AGAIN_MAX)) / purse.per_day[kind][:, None] * DAY_MS
    shares = rng.random((size, 1 + _AGAIN_MAX))
    after = np.concatenate([np.zeros((size, 1)), np.cumsum(waits, axis=1)], axis=1)
    paid_ms = first_ms[:, None] + np.minimum(after, 1e12).astype(np.int64)
    is_paid = (first_ms >= 0)[:, None] & (paid_ms < HORIZON_MS[-1])
    install, number = np.nonzero(is_paid)
    amount = purse.prices.drawn(kind[install], shares[install, number])
    return install + which.start, paid_ms[install, number], amount


def _expected(
    world: PayingWorld,
    kinds: tuple[Purse, FloatColumn],
    spending: Spending,
    base: FloatColumn,
    landmark: int,
) -> FloatColumn:
    """Install × horizon."""
    purse, chances = kinds
    at = int(LANDMARK_MS[landmark])
    is_before = spending.paid_ms < at
    owner = spending.install[is_before]
    size = len(chances)
    spent = np.bincount(owner, spending.amount[is_before], minlength=size)
    has_paid = np.bincount(owner, minlength=size) > 0
    pays = _COUNTRY_PAYS[world.people.country] * _price(world, world.people.time + at)
    mean = purse.prices.mean
    first, again = chances @ mean, chances @ (mean * purse.per_day)
    likely = _known_kinds(purse, chances, (owner, base[is_before]), at - world.lives.paid_ms)
    known_again = likely @ (mean * purse.per_day)
    lives = world.lives
    found = np.zeros((size, len(_AT)))
    for number, (horizon, end) in enumerate(zip(_AT, _END_MS.tolist(), strict=True)):
        if end <= at:
            found[:, number] = spent
            continue
        new = lives.chance[:, landmark, horizon] * first
        new = pays * (new + lives.left_d[:, landmark, horizon] * again)
        more = pays * known_again * (end - at) / DAY_MS
        found[:, number] = np.where(has_paid, spent + more, new)
    return found


def _known_kinds(
    purse: Purse,
    chances: FloatColumn,
    paid: tuple[IntColumn, FloatColumn],
    since_first_ms: IntColumn,
) -> FloatColumn:
    """Install × kind: probabilities given the payments. Meaningless without a payment."""
    owner, base = paid
    size, kinds = chances.shape
    density = purse.prices.log_density(base)
    fits = np.stack([np.bincount(owner, density[:, one], size) for one in range(kinds)], axis=1)
    count = np.bincount(owner, minlength=size)[:, None]
    days = np.maximum(since_first_ms / DAY_MS, 0.0)[:, None]
    likely = np.log(chances) + fits + (count - 1) * np.log(purse.per_day) - purse.per_day * days
    likely = np.exp(likely - likely.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))
