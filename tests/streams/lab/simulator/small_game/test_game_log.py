"""The log of a small game: few pay, some installs are from before it, an app comes later."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from schemas.decode import Unreadable, decode
from schemas.time import DAY_MS
from streams.lab.simulator.scenario import START_MS
from streams.lab.simulator.small_game import SmallGameRules, game_records, make_players

RULES = SmallGameRules(installs=2_000, rate=0.02)


def events(rules: SmallGameRules) -> dict[str, list[dict[str, Any]]]:
    """By topic, in log order. Every event is one that workers read."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    latest = 0
    for record in game_records(rules, make_players(rules)):
        assert record.timestamp_ms is not None
        assert record.value is not None
        assert record.timestamp_ms >= latest
        latest = record.timestamp_ms
        assert not isinstance(decode(record.value, record.topic, latest, 0), Unreadable)
        found[record.topic].append(json.loads(record.value))
    return found


@pytest.fixture(scope="module")
def by_moment() -> dict[str, list[dict[str, Any]]]:
    return events(RULES)


def test_some_who_play_and_pay_have_installed_before_the_log_began(
    by_moment: dict[str, list[dict[str, Any]]],
) -> None:
    installed = {one["install_id"] for one in by_moment["installs"]}
    played = {one["install_id"] for one in by_moment["activity"]}

    assert len(installed) == RULES.installs
    assert 50 < len(played - installed) < 250


def test_the_second_app_is_added_on_day_thirty(
    by_moment: dict[str, list[dict[str, Any]]],
) -> None:
    later = [one for one in by_moment["installs"] if one["app_id"] == "com.small.second"]

    assert 0.08 < len(later) / RULES.installs < 0.17
    assert min(one["event_time"] for one in later) >= START_MS + 30 * DAY_MS


def test_where_only_the_day_is_known_every_event_is_at_its_beginning() -> None:
    found = events(SmallGameRules(installs=300, rate=0.02, is_by_day=True))

    times = {one["event_time"] % DAY_MS for rows in found.values() for one in rows}
    assert times == {0}
