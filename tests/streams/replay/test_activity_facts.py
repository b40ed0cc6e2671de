"""Retention, daily active users and funnels from facts, against a naive count over the log."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import pytest

from schemas.time import DAY_MS, HOUR_MS
from streams.kafka.kcat import KcatRecord, record_line
from streams.progress import ignore_progress
from streams.replay.run import run_replay
from streams.settings import read_settings
from streams.store.base import Store
from streams.wiring.store import open_store
from tests.worlds.clock import NOON

INSTALLS = 200
NAMES = ("session", "tutorial_done", "level_5", "shared")


class Activity(NamedTuple):
    install_id: str
    installed: int
    time: int
    name: str
    logged: int


def lives(seed: int) -> list[Activity]:
    """What installs do in a month. Some events are logged hours late, and some before the install
    is: phones send what they have when they find a network."""
    rng = random.Random(seed)
    found = []
    for number in range(INSTALLS):
        installed = NOON + rng.randrange(5 * DAY_MS)
        for _ in range(rng.randrange(12)):
            time = (
                installed + int(rng.expovariate(1 / (4 * DAY_MS))) - rng.choice((0, 0, 0, HOUR_MS))
            )
            logged = max(time, installed - HOUR_MS) + rng.choice((0, 1, 20 * HOUR_MS))
            found.append(Activity(f"i{number}", installed, time, rng.choice(NAMES), logged))
    return found


def message(kind: str, event_id: str, time: int, logged: int, **fields: Any) -> KcatRecord:
    common = {"type": kind, "schema_version": 1, "event_id": event_id, "app_id": "app"}
    value = orjson.dumps({**common, "event_time": time, **fields})
    topic = "installs" if kind == "install" else "activity"
    return KcatRecord(topic, 0, None, logged, None, value)


def log_of(activities: list[Activity]) -> list[KcatRecord]:
    """The source records in log order; every fifth event is sent twice."""
    installs = {one.install_id: one.installed for one in activities}
    log = [
        message("install", f"of {name}", time, time, install_id=name)
        for name, time in installs.items()
    ]
    for number, one in enumerate(activities):
        kind = "session" if one.name == "session" else "in_app_event"
        fields = {"session_id": f"s{number}"} if kind == "session" else {"name": one.name}
        fields["install_id"] = one.install_id
        sent = message(kind, f"e{number}", one.time, one.logged, **fields)
        log += [sent, sent] if number % 5 == 0 else [sent]
    return sorted(log, key=lambda record: record.timestamp_ms or 0)


ACTIVITIES = lives(seed=7)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("activity")
    settings = read_settings({"HEADWATER_DATA": str(folder)})
    file = folder / "traffic.jsonl"
    file.write_bytes(b"".join(map(record_line, log_of(ACTIVITIES))))
    report = run_replay(settings, [file], 100, ignore_progress, is_into=False)
    assert report.accounting.reconciled
    opened_store = open_store(settings)
    yield opened_store
    opened_store.close()


def asked(store: Store, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in store.query(query).rows]


def day_of_life(one: Activity) -> int:
    return max(one.time - one.installed, 0) // DAY_MS


def test_retention_by_day_of_life_is_that_of_a_naive_count(store: Store) -> None:
    naive: dict[int, set[str]] = {}
    for one in ACTIVITIES:
        naive.setdefault(day_of_life(one), set()).add(one.install_id)
    by_day = {day: len(installs) for day, installs in naive.items()}
    counted = "SELECT day_of_life, uniqExact(install_id) FROM {} GROUP BY day_of_life"

    assert len(by_day) > 10
    assert dict(asked(store, counted.format("v_active_days"))) == by_day
    assert dict(asked(store, counted.format("active_days"))) == by_day


def test_daily_active_users_are_those_of_a_naive_count(store: Store) -> None:
    naive: dict[str, set[str]] = {}
    for one in ACTIVITIES:
        moment = max(one.time, one.installed) / 1_000
        date = datetime.fromtimestamp(moment, UTC).date().isoformat()
        naive.setdefault(date, set()).add(one.install_id)

    by_date = asked(
        store, "SELECT toString(date), uniqExact(install_id) FROM v_active_days GROUP BY date"
    )
    assert dict(by_date) == {date: len(installs) for date, installs in naive.items()}


def test_milestones_are_the_first_events_of_their_name(store: Store) -> None:
    naive: dict[tuple[str, str], int] = {}
    for one in ACTIVITIES:
        if one.name != "session":
            key = one.install_id, one.name
            naive[key] = min(naive.get(key, one.time), one.time)

    firsts = asked(
        store, "SELECT install_id, name, toUnixTimestamp64Milli(first_time) FROM v_milestones"
    )
    assert {(install_id, name): time for install_id, name, time in firsts} == naive


def test_a_funnel_can_be_asked_of_milestones(store: Store) -> None:
    done = {one.install_id for one in ACTIVITIES if one.name == "tutorial_done"}
    both = done & {one.install_id for one in ACTIVITIES if one.name == "level_5"}
    ((first, second),) = asked(
        store,
        "SELECT countIf(has(names, 'tutorial_done')),"
        " countIf(has(names, 'tutorial_done') AND has(names, 'level_5'))"
        " FROM (SELECT install_id, groupArray(name) AS names FROM v_milestones"
        " GROUP BY install_id)",
    )
    assert (first, second) == (len(done), len(both))
