"""What a path amounts to, against adding it up minute by minute."""

from __future__ import annotations

import math
import random

import pytest

from online_models.credit.exposures import (
    FAST,
    INTENT,
    LEVELS,
    PRIORS,
    SLOW,
    PersonStanding,
    level_of,
    state_at,
    watch_path,
)
from schemas.records import ExposurePath, ExposureTouch, Flag
from schemas.time import DAY_MS
from tests.worlds.credit_world import at, path, touch

MINUTE_D = 1 / 1440


def _random_path(seed: int) -> ExposurePath:
    chance = random.Random(seed)
    channels = ["video", "brand", "owned"]
    touches = sorted((chance.uniform(-3, 6), chance.choice(channels)) for _ in range(8))
    installed = chance.uniform(1, 5) if seed % 2 else None
    return path(seed, touches, installed, begin_d=0.0, end_d=5.0)


@pytest.mark.parametrize("seed", range(6))
def test_exposure_and_days_by_level_are_what_every_minute_adds_up_to(seed: int) -> None:
    lived = _random_path(seed)
    minutes = (lived.end_time - lived.begin_time) / DAY_MS / MINUTE_D

    watched = watch_path(lived)

    fast: dict[str, float] = {}
    levels: dict[int, float] = {}
    for minute in range(int(minutes)):
        now = lived.begin_time + (minute + 0.5) * MINUTE_D * DAY_MS
        known = [one for one in lived.touches if one.time <= now]
        intent = sum(_left(one, now, INTENT) for one in known if one.flags)
        level = level_of(intent)
        levels[level] = levels.get(level, 0.0) + MINUTE_D
        for one in known:
            if not one.flags & Flag.OWNED:
                fast[one.channel] = fast.get(one.channel, 0.0) + MINUTE_D * _left(one, now, FAST)
    assert {name: strength.fast for (name, _), strength in watched.exposure.items()} == {
        name: pytest.approx(days, rel=0.01) for name, days in fast.items()
    }
    by_level = {standing.level: days for standing, days in watched.days.items()}
    assert by_level == pytest.approx(levels, abs=0.005)


def _left(one: ExposureTouch, now: float, fading: float) -> float:
    return math.exp(-fading * (now - one.time) / DAY_MS)


def test_a_touchpoint_counts_at_the_moment_of_the_install_but_not_after_it() -> None:
    touches = [touch(0.0, "early"), touch(2.0, "same"), touch(2.1, "late")]

    strengths = state_at(touches, at(2.0), 0).strengths

    assert set(strengths) == {("early", True), ("same", True)}
    assert strengths["same", True] == (1.0, 1.0)
    assert strengths["early", True].slow == pytest.approx(math.exp(-2 * SLOW))


def test_clicks_and_impressions_of_a_channel_are_told_apart() -> None:
    strengths = state_at([touch(0, "a"), touch(0, "a", is_click=False)], at(0), 0).strengths

    assert set(strengths) == {("a", True), ("a", False)}


def test_a_search_is_intent_and_exposure_and_a_visit_is_intent_alone() -> None:
    searched = state_at([touch(0, "brand")], at(0), 0)
    visited = state_at([touch(0, "owned")], at(0), 0)
    shown = state_at([touch(0, "video")], at(0), 0)

    assert searched.standing.level == visited.standing.level == level_of(1.0) > 0
    assert shown.standing.level == 0
    assert (len(searched.strengths), len(visited.strengths)) == (1, 0)


def test_levels_and_earlier_installs_stop_at_their_limits() -> None:
    many = state_at([touch(0, "owned")] * 500, at(0), 99)

    assert many.standing == PersonStanding(LEVELS - 1, PRIORS - 1)


def test_a_path_that_ends_when_it_begins_was_not_watched_at_all() -> None:
    watched = watch_path(path(1, [(1.0, "a")], installed_d=1.0, begin_d=1.0))

    assert (sum(watched.days.values()), watched.exposure) == (0.0, {})
    assert watched.installed is not None
