"""The sink stores everything it is given once, commits only what is stored, and waits for ever."""

from __future__ import annotations

import pytest

from schemas import topics
from streams.errors import Stop
from streams.store.base import (
    UnavailableError,
)
from streams.store.columns import OutcomeDecoder
from streams.store.sink.pulse import Pulse
from streams.store.sink.sealed_batch import Polled, SealedBatch, TableBuffer
from streams.store.sink.writer import TableWriter
from streams.store.tables import TABLES
from tests.streams.store.sink.sink_world import (
    Bench,
    MemoryStore,
    Trouble,
    away,
    half_done,
    lost_answer,
    message,
    records,
    sealed,
    until,
)


def test_what_arrives_while_draining_is_left_for_the_next_worker() -> None:
    bench = Bench(MemoryStore())

    async def story(bench: Bench) -> None:
        bench.offer(records(0, 5))
        await bench.sink.drain(30)
        bench.offer(records(5, 5))

    bench.run(story)
    assert bench.store.places == [(0, offset) for offset in range(5)]
    assert bench.committed == {0: 5}
    assert bench.table.rows == 0


def test_offsets_are_committed_once_their_rows_are_stored() -> None:
    bench = Bench(MemoryStore())

    async def story(bench: Bench) -> None:
        for first in range(0, 30, 5):
            bench.offer(records(first, 5))

    bench.run(story)
    assert sorted(bench.store.places) == [(0, offset) for offset in range(30)]
    assert bench.committed == {0: 30}
    assert bench.stored_at_commit == sorted(bench.stored_at_commit)
    assert bench.stored_at_commit[0] > 0


def test_an_outage_drops_nothing_and_holds_reading_until_half_is_stored() -> None:
    bench = Bench(MemoryStore(troubles=[away] * 20))

    async def story(bench: Bench) -> None:
        for first in range(0, 60, 10):
            bench.offer(records(first, 10))
        assert bench.holds == [True]
        assert bench.committed == {}
        await until(lambda: bench.sink.outage == "away" or bench.retries > 0)

    bench.run(story)
    assert sorted(bench.store.places) == [(0, offset) for offset in range(60)]
    assert bench.committed == {0: 60}
    assert bench.retries == 20
    assert bench.sink.outage == ""


def test_reading_goes_on_after_an_outage() -> None:
    bench = Bench(MemoryStore(troubles=[away]))

    async def story(bench: Bench) -> None:
        bench.offer(records(0, 50))
        await until(lambda: bench.table.rows == 0)
        bench.sink.balance()

    bench.run(story)
    assert bench.holds == [True, False]


@pytest.mark.parametrize("trouble", [away, lost_answer, half_done])
def test_after_an_unknown_outcome_only_what_is_missing_is_inserted(trouble: Trouble) -> None:
    store = MemoryStore(troubles=[trouble])
    writer = TableWriter(store, TABLES["freshness"], "test")

    with pytest.raises(UnavailableError):
        writer.write(sealed(0, 10))
    writer.write(sealed(0, 10))

    assert sorted(store.places) == [(0, offset) for offset in range(10)]


def test_rows_of_several_polls_keep_their_partitions_and_offsets() -> None:
    store = MemoryStore()
    polls = (Polled(0, [4, 6], [message(4), message(6)], 0), Polled(3, [1], [message(1)], 0))
    assert TableWriter(store, TABLES["freshness"], "test").write(SealedBatch(polls, 3)).rows == 3
    assert store.places == [(0, 4), (0, 6), (3, 1)]


def test_nothing_is_looked_up_while_all_goes_well() -> None:
    store = MemoryStore()
    writer = TableWriter(store, TABLES["freshness"], "test")
    for first in range(0, 100, 10):
        writer.write(sealed(first, 10))
    assert store.lookups == 1  # the highest offset, once per partition


def test_after_an_assignment_what_others_stored_is_found() -> None:
    bench = Bench(MemoryStore())

    async def story(bench: Bench) -> None:
        bench.offer(records(0, 10))
        await until(lambda: bench.committed == {0: 10})
        await bench.sink.forget(1)
        bench.store.places += [(0, 10), (0, 12)]  # by another worker, meanwhile
        bench.offer(records(8, 7))

    bench.run(story)
    assert sorted(bench.store.places) == [(0, offset) for offset in range(15)]


def test_partitions_that_went_away_in_an_outage_are_not_committed() -> None:
    forever: list[Trouble] = [away] * 1_000_000
    bench = Bench(MemoryStore(troubles=forever))

    async def story(bench: Bench) -> None:
        bench.offer(records(0, 10))
        await until(lambda: bench.retries > 2)
        await bench.sink.forget(1)
        forever.clear()
        await until(lambda: bench.table.rows == 0)

    bench.run(story)
    assert bench.committed == {}
    assert bench.store.places == []


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b"{", "offset 6 cannot be stored: Input data was truncated"),
        (b'{"stage":"a","partition":0}', "missing required field `stage_time`"),
        (b'{"stage":"a","partition":0,"stage_time":1},{}', "offset 6"),
        (b'{"stage":"a","partition":0,"stage_time":1,"schema_version":2}', "update the storing"),
        (b'{"stage":"a","partition":0,"stage_time":-1}', "stage_time -1 is out of range"),
        (b'{"stage":"a","partition":0,"stage_time":99999999999999}', "is out of range"),
        (b'{"stage":"\xff","partition":0,"stage_time":1}', "offset 6"),
        (b"", "offset 6"),
        (None, "it is empty"),
    ],
)
def test_a_message_that_is_no_outcome_is_named(value: bytes | None, fault: str) -> None:
    decoder = OutcomeDecoder(TABLES["freshness"])
    with pytest.raises(Stop, match=fault):
        decoder.decode([message(5), value, message(7)], 0, [5, 6, 7])


def test_a_batch_takes_whole_polls_up_to_its_limits() -> None:
    buffer = TableBuffer()
    for first in (0, 4, 8):
        buffer.put(0, records(first, 4), now=1.0)
    assert (buffer.rows, buffer.since) == (12, 1.0)

    batch = buffer.seal(rows_max=10, bytes_max=1_000_000, now=5.0)
    assert batch.next_offsets() == {0: 8}
    assert (buffer.rows, buffer.since) == (4, 5.0)
    assert buffer.seal(rows_max=1, bytes_max=1, now=6.0).rows == 4
    assert (buffer.rows, buffer.size, buffer.since) == (0, 0, None)


def test_a_process_that_was_suspended_waits_before_it_writes() -> None:
    now = 100.0
    pulse = Pulse(seconds_max=8.0, clock=lambda: now)
    pulse.require()

    now = 109.0  # nothing has run for nine seconds
    with pytest.raises(UnavailableError, match="suspended"):
        pulse.require()
    pulse.beat()
    with pytest.raises(UnavailableError, match="suspended"):
        pulse.require()

    now = 113.5
    pulse.beat()
    pulse.require()


def test_every_outcome_topic_has_a_table() -> None:
    assert {table.topic for table in TABLES.values()} == {topic.name for topic in topics.OUTCOMES}
