"""Where the log of a replay is cut: at hours, and seldom enough that batches are full."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.time import HOUR_MS
from streams.lab.simulator.scenario import START_MS
from streams.replay.engine import CHUNK_RECORDS, CHUNK_RECORDS_MAX, chunks
from streams.replay.memory_log import MemoryRecord


def hours_of(hours: int, count: int) -> Iterator[MemoryRecord]:
    """As many records in every hour from midnight on."""
    for number in range(hours * count):
        stamp = START_MS + number * HOUR_MS // count
        yield MemoryRecord("touchpoints", 0, number, stamp, None, None)


def lengths(records: Iterator[MemoryRecord]) -> list[int]:
    return [len(chunk) for chunk in chunks(records)]


def test_a_chunk_ends_with_the_hour_that_fills_a_batch() -> None:
    assert CHUNK_RECORDS == 4_000
    assert lengths(hours_of(5, 1_500)) == [4_500, 3_000]
    assert lengths(hours_of(3, 4_000)) == [4_000] * 3


def test_a_chunk_of_a_sparse_log_is_a_quarter_of_a_day() -> None:
    assert lengths(hours_of(24, 10)) == [60] * 4


def test_an_hour_of_too_many_records_is_cut() -> None:
    assert lengths(hours_of(1, CHUNK_RECORDS_MAX + 7)) == [CHUNK_RECORDS_MAX, 7]
