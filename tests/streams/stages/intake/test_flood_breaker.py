"""A producer gone wrong costs nobody else anything, and all its messages are accounted for."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.time import EventMs
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.intake.flood_breaker import (
    FLOOD_APPS_MAX,
    NO_APP,
    OTHER_APPS,
    FloodBreaker,
    claimed_app,
)
from streams.stages.intake.intake import Intake, IntakeRules
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event, rows, source

WINDOW = 20
RULES = IntakeRules(b"s", EventMs(0), dead_letter_share_max=0.2, dead_letter_window=WINDOW)
COPIED_MAX = 4


class Floods(StageObserver):
    """What the metrics are told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str, str]] = []
        self.not_copied: Counter[tuple[str, str]] = Counter()

    def on_flood(self, topic: str, app_id: str, reason: str) -> None:
        self.begun.append((topic, app_id, reason))

    def on_not_copied(self, topic: str, app_id: str) -> None:
        self.not_copied[topic, app_id] += 1


def garbage(app: str, offset: int, topic: str = "payments") -> MemoryRecord:
    """Valid JSON of an app, and no event."""
    return source(topic, json.dumps({"app_id": app, "event": "?"}).encode(), offset=offset)


def session(app: str, offset: int) -> MemoryRecord:
    fields = event("session", install_id="i1", session_id="s", event_id=f"e{offset}")
    return source("activity", fields | {"app_id": app}, offset=offset)


def decided(records: list[MemoryRecord], batch: int = 10**6) -> list[Effects]:
    stage = Intake(0, 1, RULES, StageObserver())
    return [
        stage.decide(records[start : start + batch], MemoryStore())
        for start in range(0, len(records), batch)
    ]


def copied(effects: list[Effects]) -> set[tuple[str, int]]:
    return {
        (row["source_topic"], row["source_offset"])
        for each in effects
        for row in rows(each, "dead-letters")
    }


def counted(effects: list[Effects]) -> Counter[tuple[str, str, int]]:
    """App, topic and offset of every message that was counted without a copy."""
    return Counter(
        (row["flood_app"], row["source_topic"], offset)
        for each in effects
        for row in rows(each, "ledger")
        if row["flood_app"]
        for offset in row["offsets"]
    )


def test_the_flood_of_one_app_on_one_topic_leaves_all_others_their_dead_letters() -> None:
    flood = [garbage("broken", n) for n in range(WINDOW - 2)]
    others = [
        garbage("honest", WINDOW - 2),
        garbage("honest", WINDOW - 1),
        garbage("broken", 3, topic="costs"),
    ]
    effects = decided([*flood, *others])
    assert copied(effects) == {
        *(("payments", n) for n in (*range(COPIED_MAX), WINDOW - 2, WINDOW - 1)),
        ("costs", 3),
    }
    assert set(counted(effects)) == {
        ("broken", "payments", n) for n in range(COPIED_MAX, WINDOW - 2)
    }


def test_valid_events_of_the_flooding_app_are_decided_as_ever() -> None:
    records = [
        garbage("broken", n, topic="activity") if n % 2 else session("broken", n)
        for n in range(WINDOW)
    ]
    (effects,) = decided(records)
    (quiet,) = decided([session("broken", n) for n in range(0, WINDOW, 2)])
    assert effects.messages[("journeys", 0)] == quiet.messages[("journeys", 0)]


def test_a_flood_that_ends_leaves_nothing_behind() -> None:
    flood = [garbage("broken", n) for n in range(WINDOW)]
    later = [garbage("broken", WINDOW + n) for n in range(COPIED_MAX)]
    effects = decided([*flood, *later])
    assert {("payments", WINDOW + n) for n in range(COPIED_MAX)} <= copied(effects)


def test_app_names_without_end_share_one_count() -> None:
    floods = Floods()
    breaker = FloodBreaker(0.1, 1_000, floods)
    apps = [breaker.flooding_app(garbage(f"app{n}", n), "unknown_type") for n in range(1_000)]
    assert apps[: FLOOD_APPS_MAX + 100] == [""] * (FLOOD_APPS_MAX + 100)
    assert set(apps[FLOOD_APPS_MAX + 100 :]) == {OTHER_APPS}
    assert floods.begun == [("payments", OTHER_APPS, "unknown_type")]
    assert floods.not_copied == {("payments", OTHER_APPS): 800}


@given(
    flood=st.lists(
        st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from(["payments", "costs"])),
        max_size=3 * WINDOW,
    ),
    batch=st.integers(1, WINDOW),
)
def test_every_message_is_accounted_for_once_whatever_the_batches_are(
    flood: list[tuple[str, str]], batch: int
) -> None:
    ends: Counter[str] = Counter()
    records = []
    for app, topic in flood:
        records.append(garbage(app, ends[topic], topic))
        ends[topic] += 1
    whole, cut = decided(records), decided(records, batch)
    assert copied(whole) == copied(cut)
    assert counted(whole) == counted(cut)
    assert set(counted(cut).values()) <= {1}
    positions = {(topic, offset) for _, topic, offset in counted(cut)}
    assert not positions & copied(cut)
    assert positions | copied(cut) == {(one.topic, one.offset) for one in records}


@pytest.mark.parametrize(
    ("value", "app"),
    [
        (None, NO_APP),
        (b"\x00\xff", NO_APP),
        (b'{"app_id": "shop", "even', "shop"),
        (b'{"app_id":"caf\\u00e9"', "caf\u00e9"),
        ('{"app_id":"магазин"'.encode(), "магазин"),
        (b'{"app_id": "\xff\xfe"}', NO_APP),
        (b'{"app_id": "\\ud800"}', NO_APP),
        (b'{"app_id": ""}', NO_APP),
        (b'{"app_id": 17}', NO_APP),
        (b'{"app_id": "' + b"x" * 5_000 + b'"}', NO_APP),
        (b" " * 70_000 + b'"app_id": "late"', NO_APP),
    ],
)
def test_the_app_is_read_from_whatever_is_left_of_the_message(
    value: bytes | None, app: str
) -> None:
    record = MemoryRecord("payments", 0, 0, NOON, None, value)
    assert claimed_app(record.value) == app
