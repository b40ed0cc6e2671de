"""What reaches the log of a paying world: payments and activity, with all disturbances."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.lab.simulator.draws import FloatColumn, IntColumn, generator
from streams.lab.simulator.paying_worlds.disturbances import BEGIN_MS, DISTURBANCES, Disturbance
from streams.lab.simulator.paying_worlds.lives import Lives
from streams.lab.simulator.paying_worlds.paying_world import PayingWorld
from streams.lab.simulator.paying_worlds.steps import LANDMARK_MS

_LATE_MS_MIN, _LATE_MS_MAX = 2 * MINUTE_MS, 2 * DAY_MS
_POISONED_SHARE = 1 / 3
_POISONED_AGE_MS = 7 * DAY_MS


@dataclass(frozen=True, slots=True)
class PaymentReports:
    """First payments as logged, in order of log time. The same payment has the same id."""

    install: IntColumn
    paid_ms: IntColumn  # since the install
    logged_ms: IntColumn  # since the install
    payment: IntColumn


def report_payments(world: PayingWorld, seed: int) -> PaymentReports:
    rng = generator(seed, f"paying reports {world.name}")
    how = DISTURBANCES[world.disturbance]
    shares = rng.random((5, len(world.lives)))
    payers = np.flatnonzero(world.lives.paid_ms >= 0)
    paid_at = (world.people.time + world.lives.paid_ms)[payers]
    logged_at = log_times(paid_at, shares[:2, payers], how)
    again = (shares[2, payers] < how.duplicated) & (paid_at >= BEGIN_MS)
    repeated_at = logged_at + (shares[3, payers] * 2 * DAY_MS).astype(np.int64)
    poisoned, fake_at = poisoned_installs(world, shares[4], how)
    install = np.concatenate([payers, payers[again], poisoned])
    paid = np.concatenate([paid_at, paid_at[again], fake_at])
    logged = np.concatenate([logged_at, repeated_at[again], fake_at])
    payment = np.concatenate([payers, payers[again], len(world.lives) + poisoned])
    order = np.lexsort((install, logged))
    install, since = install[order], world.people.time[install[order]]
    return PaymentReports(install, paid[order] - since, logged[order] - since, payment[order])


def log_times(paid_at: IntColumn, shares: FloatColumn, how: Disturbance) -> IntColumn:
    """When payments become known; `shares` are two uniform numbers for each."""
    usual = paid_at + (-np.log1p(-shares[0]) * 2 * SECOND_MS).astype(np.int64)
    logged_at = np.where(
        (shares[1] < how.late) & (paid_at >= BEGIN_MS), paid_at + _lateness(shares[0]), usual
    )
    is_held = (paid_at >= BEGIN_MS) & (paid_at < BEGIN_MS + how.outage_d * DAY_MS)
    over = BEGIN_MS + int(how.outage_d * DAY_MS) + (shares[0] * HOUR_MS).astype(np.int64)
    return np.where(is_held, np.maximum(over, logged_at), logged_at)


def _lateness(share: FloatColumn) -> IntColumn:
    return (_LATE_MS_MIN * (_LATE_MS_MAX / _LATE_MS_MIN) ** share).astype(np.int64)


def poisoned_installs(
    world: PayingWorld, share: FloatColumn, how: Disturbance
) -> tuple[IntColumn, IntColumn]:
    """Installs that seem to pay and do not, and when they seem to."""
    into = share / _POISONED_SHARE
    fake_at = BEGIN_MS + (into * how.poisoned_h * HOUR_MS).astype(np.int64)
    age = fake_at - world.people.time
    is_hit = (into < 1.0) & (age >= 0) & (age < _POISONED_AGE_MS) & (how.poisoned_h > 0)
    found = np.flatnonzero(is_hit)
    return found, fake_at[found]


def logged_activity(world: PayingWorld, seed: int) -> Lives:
    """Lives as logged: late activity counts in the bucket in which it arrives, the next one."""
    how = DISTURBANCES[world.disturbance]
    if how.late == 0.0:
        return world.lives
    rng = generator(seed, f"paying activity {world.name}")
    lives, begins = world.lives, world.people.time[:, None] + LANDMARK_MS[:-1]
    late = np.where(begins >= BEGIN_MS, how.late, 0.0)
    sessions = _moved(lives.sessions, rng.binomial(lives.sessions, late))
    names = _moved(lives.names, rng.binomial(lives.names, late[:, :, None]))
    return replace(lives, sessions=sessions, names=names)


def _moved(counts: IntColumn, late: IntColumn) -> IntColumn:
    moved = counts - late
    moved[:, 1:] += late[:, :-1]
    return moved
