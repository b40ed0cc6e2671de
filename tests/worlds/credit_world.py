"""Paths of touchpoints for tests of the learned credit."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from online_models.credit.exposures import HALF_LIVES_D
from schemas.records import ExposurePath, ExposureTouch, Flag
from schemas.time import DAY_MS, EventMs

EPOCH = 1_790_000_000_000
APP = "app.one"
EFFECTS = {"video": 0.05, "search": 0.20, "idle": 0.0}
ORGANIC_RATE = 0.02
DAYS = 14


def path(
    number: int,
    touches: Sequence[tuple[float, str]],
    installed_d: float | None = None,
    begin_d: float = 0.0,
    end_d: float = DAYS,
) -> ExposurePath:
    """Clicks at days since the epoch; the channel "owned" stands for a visit."""
    return ExposurePath(
        f"p{number}",
        APP,
        EventMs(at(begin_d)),
        EventMs(at(end_d if installed_d is None else installed_d)),
        installed_d is not None,
        [touch(day, channel) for day, channel in touches],
        0,
        1.0,
    )


def touch(day: float, channel: str, is_click: bool = True) -> ExposureTouch:
    flags = {"owned": Flag.OWNED, "brand": Flag.SEARCH}.get(channel, 0)
    return ExposureTouch(channel, EventMs(at(day)), is_click, flags)


def at(day: float) -> int:
    return EPOCH + round(day * DAY_MS)


def paths(count: int, seed: int) -> list[ExposurePath]:
    """From an additive hazard whose effects fade at the fast rate the model knows."""
    chance = random.Random(seed)
    return [_lived(chance, number) for number in range(count)]


def _lived(chance: random.Random, number: int) -> ExposurePath:
    touches = sorted(
        (chance.uniform(0, DAYS), channel)
        for channel in EFFECTS
        for _ in range(chance.randint(0, 2))
    )
    rate_max = ORGANIC_RATE + sum(EFFECTS[channel] for _, channel in touches)
    day = 0.0
    while (day := day + chance.expovariate(rate_max)) < DAYS:
        if chance.random() * rate_max < _rate(touches, day):
            return path(number, [one for one in touches if one[0] < day], installed_d=day)
    return path(number, touches)


def _rate(touches: list[tuple[float, str]], day: float) -> float:
    fading = math.log(2) / HALF_LIVES_D[0]
    return ORGANIC_RATE + sum(
        EFFECTS[channel] * math.exp(-fading * (day - time))
        for time, channel in touches
        if time < day
    )
