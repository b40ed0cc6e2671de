"""Rows wait for more rows, but not for ever, and not for rows that do not come."""

from __future__ import annotations

import pytest

from streams.settings.core import EMBEDDED_LEAD
from streams.settings.storing import StoreTarget, StoringSettings
from streams.store.sink.ripeness import Arrivals, SealBounds, seal_bounds, seconds_left
from streams.store.sink.sealed_batch import TableBuffer
from streams.store.tables import READ_AT_ONCE, SELDOM_READ, TABLES
from tests.streams.store.sink.sink_world import Bench, MemoryStore, message, no_wait, records, until

_BOUNDS = SealBounds(rows_max=10, bytes_max=10_000, seconds=5.0, quiet_seconds=1.0)
_ENDLESS = 1e9


@pytest.mark.parametrize(
    ("rows", "last_arrival", "now", "left"),
    [
        (0, 100.0, 100.0, None),
        (1, 100.0, 100.0, 1.0),  # nothing more has come so far
        (1, 100.75, 101.0, 0.75),  # rows of another table keep it waiting
        (1, 104.75, 105.0, 0.0),  # but no longer than its rows may be old
        (10, 100.0, 100.0, 0.0),
    ],
)
def test_rows_wait_while_more_come(
    rows: int, last_arrival: float, now: float, left: float | None
) -> None:
    buffer = TableBuffer()
    if rows:
        buffer.put(0, records(0, rows), now=100.0)
    assert seconds_left(buffer, _BOUNDS, Arrivals(last_arrival), now) == left


def test_rows_do_not_wait_once_they_are_large() -> None:
    buffer = TableBuffer()
    buffer.put(0, records(0, 2), now=100.0)
    bounds = SealBounds(10, 2 * len(message(0)), 5.0, 1.0)
    assert seconds_left(buffer, bounds, Arrivals(100.0), 100.0) == 0.0


def test_a_table_that_waits_long_is_stored_when_nothing_more_comes() -> None:
    bench = Bench(MemoryStore(), bounds=SealBounds(100, 1_000_000, _ENDLESS, 0.01))

    async def story(bench: Bench) -> None:
        bench.offer(records(0, 5))
        await until(lambda: bench.committed == {0: 5})

    bench.run(story)


def test_a_table_that_waits_long_is_stored_at_the_end() -> None:
    bench = Bench(MemoryStore(), bounds=SealBounds(100, 1_000_000, _ENDLESS, _ENDLESS))

    async def story(bench: Bench) -> None:
        bench.offer(records(0, 5))
        for _ in range(5):
            await no_wait(0)
        assert bench.table.buffer.rows == 5, "it still waits"

    bench.run(story)
    assert bench.store.places == [(0, offset) for offset in range(5)]


def test_only_tables_that_are_seldom_read_wait_longer() -> None:
    settings = StoringSettings("localhost:9092", StoreTarget(), "epoch")
    waits = {name: seal_bounds(settings, table).seconds for name, table in TABLES.items()}
    assert {name for name, seconds in waits.items() if seconds <= 1.0} == READ_AT_ONCE
    assert {name for name, seconds in waits.items() if seconds == 5.0} == SELDOM_READ
    assert seal_bounds(settings, TABLES["ledger"]).quiet_seconds == 1.0


def test_the_embedded_broker_is_read_before_its_producers_have_to_wait() -> None:
    settings = StoringSettings("localhost:9092", StoreTarget(), "epoch", embedded=True)
    for table in TABLES.values():
        bounds = seal_bounds(settings, table)
        # Twice, for more rows come while an insert is under way.
        assert 2 * bounds.bytes_max <= EMBEDDED_LEAD.bytes_max
        assert 2 * bounds.rows_max <= EMBEDDED_LEAD.messages_max
        assert bounds.quiet_seconds < 1.0
