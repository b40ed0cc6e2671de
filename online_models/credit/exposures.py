"""The strength of exposure and of intent along a path of touchpoints, and for how long it lasted.

Time is in days. A touchpoint has a strength of 1, which halves every half-life. Exposure is
remembered at two rates, by channel and by kind (impression or click). Intent is the strength of
searches and of visits to the advertiser's own pages. People with intent are also shown more
advertisements (they are retargeted, they find the advertisement for the name they search), and
install without them: a model that does not separate the two credits the advertisements. What an
own page adds cannot be separated from the intent that led there, so it is organic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from schemas.records import ExposurePath, ExposureTouch, Flag
from schemas.time import DAY_MS

HALF_LIVES_D = (0.6, 3.0)
INTENT_HALF_LIFE_D = 3.0
FAST, SLOW, INTENT = (math.log(2) / days for days in (*HALF_LIVES_D, INTENT_HALF_LIFE_D))

LEVEL_STEP = 0.2
LEVELS = 16
"""Number of levels of intent, each a step of log(1 + strength); the highest one is open."""

PRIORS = 8
"""Numbers of earlier installs of the app on the device, from 0; the highest one is open."""

INTENT_FLAGS = Flag.SEARCH | Flag.OWNED

TouchEffect = tuple[str, bool]
"""A channel, and whether the touchpoint was a click."""

_EDGES = [math.expm1((level - 0.5) * LEVEL_STEP) for level in range(1, LEVELS)]


class Strength(NamedTuple):
    """Strength of an effect, at both rates of fading: at an instant, or in days of strength 1."""

    fast: float
    slow: float


class PersonStanding(NamedTuple):
    """State of a person apart from exposures."""

    level: int  # of intent
    priors: int


class PersonState(NamedTuple):
    """State of a person at one instant, just before an install."""

    standing: PersonStanding
    strengths: dict[TouchEffect, Strength]


class WatchedPath(NamedTuple):
    """A path over the time that it was at risk of an install: days by standing, and exposure in
    days of strength 1. `installed`: the state at the install; None: there was none."""

    days: dict[PersonStanding, float]
    exposure: dict[TouchEffect, Strength]
    installed: PersonState | None


def watch_path(path: ExposurePath) -> WatchedPath:
    """The path as the hazard sees it."""
    priors = min(path.prior_installs, PRIORS - 1)
    begin, end = path.begin_time, max(path.end_time, path.begin_time)
    levels = _days_by_level(path.touches, begin, end)
    return WatchedPath(
        {PersonStanding(level, priors): days for level, days in sorted(levels.items())},
        _exposure(path.touches, begin, end),
        state_at(path.touches, end, priors) if path.is_installed else None,
    )


def state_at(touches: Iterable[ExposureTouch], time: int, prior_installs: int) -> PersonState:
    """The state at `time` (ms) that all touchpoints until then leave behind."""
    intent = 0.0
    strengths: dict[TouchEffect, Strength] = {}
    for touch in touches:
        age = (time - touch.time) / DAY_MS
        if age < 0:
            continue
        if touch.flags & INTENT_FLAGS:
            intent += math.exp(-INTENT * age)
        if not touch.flags & Flag.OWNED:
            add_strength(strengths, _effect(touch), math.exp(-FAST * age), math.exp(-SLOW * age))
    return PersonState(PersonStanding(level_of(intent), min(prior_installs, PRIORS - 1)), strengths)


def level_of(strength: float) -> int:
    """The level of a strength: log(1 + strength), rounded to the nearest step."""
    return min(round(math.log1p(strength) / LEVEL_STEP), LEVELS - 1)


def add_strength(
    strengths: dict[TouchEffect, Strength], effect: TouchEffect, fast: float, slow: float
) -> None:
    """Add to the strength of an effect."""
    known = strengths.get(effect)
    if known is not None:
        fast, slow = known.fast + fast, known.slow + slow
    strengths[effect] = Strength(fast, slow)


def _exposure(
    touches: Iterable[ExposureTouch], begin: int, end: int
) -> dict[TouchEffect, Strength]:
    """Strength of each effect, integrated over the time watched, in days."""
    exposure: dict[TouchEffect, Strength] = {}
    for touch in touches:
        if touch.time >= end or touch.flags & Flag.OWNED:
            continue
        since = max(begin - touch.time, 0) / DAY_MS
        until = (end - touch.time) / DAY_MS
        add_strength(
            exposure,
            _effect(touch),
            (math.exp(-FAST * since) - math.exp(-FAST * until)) / FAST,
            (math.exp(-SLOW * since) - math.exp(-SLOW * until)) / SLOW,
        )
    return exposure


def _days_by_level(touches: Iterable[ExposureTouch], begin: int, end: int) -> dict[int, float]:
    """Days at each level of intent; exact, since intent only fades between signals."""
    days: dict[int, float] = {}
    strength, now = 0.0, begin
    for touch in touches:
        if touch.time >= end or not touch.flags & INTENT_FLAGS:
            continue
        if touch.time <= begin:
            strength += math.exp(-INTENT * (begin - touch.time) / DAY_MS)
            continue
        strength = _fade(days, strength, (touch.time - now) / DAY_MS) + 1.0
        now = touch.time
    _fade(days, strength, (end - now) / DAY_MS)
    return days


def _fade(days: dict[int, float], strength: float, remaining: float) -> float:
    """Add the remaining days to one level after the other; returns the strength that is left."""
    level = level_of(strength)
    while remaining > 0.0:
        spent = remaining
        if level > 0:
            lasts = math.log(strength / _EDGES[level - 1]) / INTENT
            spent = min(max(lasts, 0.0), remaining)
        days[level] = days.get(level, 0.0) + spent
        strength *= math.exp(-INTENT * spent)
        remaining -= spent
        level -= 1 if remaining > 0.0 else 0
    return strength


def _effect(touch: ExposureTouch) -> TouchEffect:
    return touch.channel, touch.is_click
