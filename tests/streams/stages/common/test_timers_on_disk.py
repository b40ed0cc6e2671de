"""Timers whose state keeps due times fire as those in memory do, and memory holds the near ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import StoredFormat
from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.runtime.state import MemoryStore, RocksStore, StateStore
from streams.stages.common import working_set
from streams.stages.common.working_set import (
    EXPIRES_FROM,
    UNREAD_FROM,
    Codec,
    Timers,
    WorkingSet,
    read_at_start,
    stored_due,
    stored_expiry,
)

CODEC: Codec[int] = Codec(StoredFormat("a number", int), lambda due: due)
KEYS = [b"a", b"b", b"c", b"d"]


class Decision(NamedTuple):
    """What one decision sets, the log time it comes to, and whether a restart follows."""

    puts: list[tuple[bytes, int | None]]
    leaps: list[int]
    puts_again: int  # after how many ms what has fired is due again; 0: it is deleted
    is_restart: bool
    is_closed: bool = True  # else what is due is held until a later decision is


dues = (
    st.integers(1, 30 * HOUR_MS)
    | st.integers(1, 12).map(lambda hours: hours * HOUR_MS)
    | st.just(0)
    | st.integers(1, 9).map(lambda at: UNREAD_FROM + at)
    | st.integers(1, 9).map(lambda at: EXPIRES_FROM + at)
)
decisions = st.builds(
    Decision,
    st.lists(st.tuples(st.sampled_from(KEYS), dues | st.none()), max_size=5),
    st.lists(st.integers(0, 5 * HOUR_MS), max_size=3),
    st.sampled_from([0, 1, HOUR_MS, 7 * HOUR_MS]),
    st.booleans(),
    st.booleans(),
)


def run(store: StateStore, story: list[Decision]) -> list[list[tuple[int, bytes]]]:
    """Everything that fires, by decision."""
    timers, now, fired = Timers(), 0, []
    for position, decision in enumerate(story, start=1):
        states = WorkingSet(CODEC, timers, store)
        found: list[tuple[int, bytes]] = []
        for key, due in decision.puts:
            states.get(key)
            states.put(key, due)
        for leap in decision.leaps:
            now += leap
            moments = [*timers.pop_held(LogMs(now if decision.is_closed else 0))]
            moments += timers.pop_moments(LogMs(now))
            if not decision.is_closed:
                for due, key in moments:
                    timers.hold(key, due)
                moments = []
            moments += [(LogMs(0), key) for key in timers.pop_read(LogMs(now % 10))]
            for _, key in moments:
                states.get(key)
                states.put(key, now + decision.puts_again if decision.puts_again else None)
            found += moments
        store.apply(states.changes(), position)
        fired.append(found)
        if decision.is_restart:
            timers = Timers()
            timers.restore(read_at_start(store.entries()))
    return fired


@contextmanager
def on_disk() -> Iterator[RocksStore]:
    folder = Path(tempfile.mkdtemp())
    store = RocksStore(folder / "0", stored_expiry, stored_due)
    try:
        yield store
    finally:
        store.close()
        shutil.rmtree(folder)


@pytest.mark.parametrize("at_once", [1, 2, 20_000])
@settings(max_examples=40, deadline=None)
@given(st.lists(decisions, max_size=8))
def test_what_is_due_fires_at_the_same_decision_in_the_same_order(
    at_once: int, story: list[Decision]
) -> None:
    working_set.NEAR_TIMERS_MAX, before = at_once, working_set.NEAR_TIMERS_MAX
    try:
        with on_disk() as store:
            assert run(store, story) == run(MemoryStore(stored_expiry), story)
    finally:
        working_set.NEAR_TIMERS_MAX = before


def put_all(store: StateStore, timers: Timers, due_of: dict[bytes, int]) -> None:
    states = WorkingSet(CODEC, timers, store)
    for key, due in due_of.items():
        states.get(key)
        states.put(key, due)
    store.apply(states.changes(), 1)


def test_a_timer_that_is_moved_a_thousand_times_has_one_entry_in_memory_and_on_disk() -> None:
    with on_disk() as store:
        near, far = Timers(), Timers()
        for n in range(1_000):
            put_all(store, far, {b"quiet": 400 * DAY_MS + n})
        assert len(far) == 0
        assert store.due_between(0, 500 * DAY_MS, 10)[0] == [(400 * DAY_MS + 999, b"quiet")]
        assert store.due_entries() == 1
        for n in range(1_000):
            near.set(b"busy", 5 + n)
        assert len(near._heap) <= 2 + working_set.HEAP_SLACK


def test_a_restart_reads_the_timers_of_the_next_hour_only() -> None:
    with on_disk() as store:
        put_all(store, Timers(), {b"%06d" % n: n * HOUR_MS for n in range(1, 2_000)})
        timers = Timers()
        timers.restore(read_at_start(store.entries()))
        WorkingSet(CODEC, timers, store)
        assert timers.pop_due(LogMs(3 * HOUR_MS)) == [b"000001", b"000002", b"000003"]
        assert len(timers) == 1


def test_a_store_that_another_build_has_written_gets_its_entries_when_it_is_opened() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        indexed = RocksStore(folder / "0", stored_expiry, stored_due)
        put_all(indexed, Timers(), {b"known": HOUR_MS})
        indexed.close()
        before = RocksStore(folder / "0", stored_expiry)
        put_all(before, Timers(), {b"known": 2 * HOUR_MS, b"new": 3 * HOUR_MS})
        before.apply({}, 7)
        before.close()
        again = RocksStore(folder / "0", stored_expiry, stored_due)
        assert again.due_between(0, DAY_MS, 10) == (
            [(2 * HOUR_MS, b"known"), (3 * HOUR_MS, b"new")],
            DAY_MS,
        )
        again.close()
    finally:
        shutil.rmtree(folder)


def test_values_of_a_changelog_are_indexed_without_being_read_and_outdated_entries_go() -> None:
    with on_disk() as store:
        for position, hours in enumerate((9, 5, 7), start=1):
            value = (hours * HOUR_MS).to_bytes(8, "big") + msgspec.msgpack.encode(hours)
            store.apply({b"k": value}, position)
        assert store.due_between(0, DAY_MS, 10) == ([(7 * HOUR_MS, b"k")], DAY_MS)
        store.apply({}, 4)
        assert store.due_entries() == 1
        store.apply({b"k": None}, 5)
        assert store.due_between(0, DAY_MS, 10) == ([], DAY_MS)
