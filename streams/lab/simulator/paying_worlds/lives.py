"""What people do, and what can be known of whether they will pay, in all worlds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol, Self

import numpy as np

from schemas.time import DAY_MS
from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.lab.simulator.paying_worlds.disturbances import BEGIN_MS, Disturbance
from streams.lab.simulator.paying_worlds.paying_people import PayingPeople
from streams.lab.simulator.paying_worlds.steps import EDGES_MS, LANDMARK_MS

IN_APP_NAMES = ("level_up", "item_view", "paywall_view")
"""In-app events."""

NEVER_PAYS = -1


@dataclass(frozen=True, slots=True)
class Season:
    """Effects of the calendar in each step of a life: one row per install."""

    price: FloatColumn  # factor
    mood: FloatColumn  # factor on readiness to pay
    weekday: IntColumn  # 0 is Monday

    def part(self, which: slice) -> Self:
        return type(self)(self.price[which], self.mood[which], self.weekday[which])


@dataclass(frozen=True, slots=True)
class Lives:
    """One element or row per install.

    The chance is the true one: of paying by each horizon, for people of whom the same is known at
    the landmark (traits, activity so far, not having paid), averaged over all types that they may
    be, in the world as it really continues. NaN: paid before, or the horizon has passed.
    """

    sessions: IntColumn  # install × bucket; without the first one, which every install has
    names: IntColumn  # install × bucket × name
    last_ms: IntColumn  # install × landmark: since the install, of the last activity before it
    paid_ms: IntColumn  # since the install, of the first payment; NEVER_PAYS within 90 days
    evidence: FloatColumn  # install × landmark: log likelihood of the activity, of a person's life
    chance: FloatColumn  # install × landmark × horizon
    left_d: FloatColumn  # install × landmark × horizon: expected days from first payment to horizon

    def __len__(self) -> int:
        return len(self.paid_ms)


class KindOfPeople(Protocol):
    """One kind of people, with a way of living."""

    def live(self, people: PayingPeople, season: Season, rng: np.random.Generator) -> Lives:
        """Draws as many numbers from `rng` in any season, so that seasons can be compared."""


def make_season(people: PayingPeople, disturbance: Disturbance) -> Season:
    # As at the beginning of the step, so that a change within it has no effect before it happens.
    at = people.time[:, None] + EDGES_MS[:-1]
    is_holiday = (at >= BEGIN_MS) & (at < BEGIN_MS + disturbance.holiday_d * DAY_MS)
    return Season(
        np.where(at >= BEGIN_MS, disturbance.price, 1.0),
        np.where(is_holiday, 1.8, 1.0),
        (at // DAY_MS + 3) % 7,  # 1970-01-01 was a Thursday
    )


def joined(parts: list[Lives]) -> Lives:
    return Lives(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Lives))
    )


def is_open(paid_ms: IntColumn) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Install × landmark: had not paid by then."""
    return np.asarray((paid_ms == NEVER_PAYS)[:, None] | (paid_ms[:, None] >= LANDMARK_MS))
