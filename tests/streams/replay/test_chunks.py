"""Where the log of a replay is cut: at hours, and seldom enough that batches are full."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from schemas.time import HOUR_MS
from streams.lab.simulator.scenario import START_MS
from streams.replay.engine import CHUNK_RECORDS, CHUNK_RECORDS_MAX, Replay, SourceOrder, chunks
from streams.replay.memory_log import MemoryRecord
from streams.settings import read_settings
from streams.stages.common.observer import StageObserver
from streams.wiring.parts import stage_rules


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


def test_cycles_are_looked_for_seldom_while_a_replay_decides_and_as_before_afterwards() -> None:
    before, meanwhile = gc.get_threshold(), list[int]()

    def read_then_fail() -> Iterator[MemoryRecord]:
        meanwhile.append(gc.get_threshold()[0])
        yield from hours_of(2, 1)
        raise OSError("the disk is gone")

    replay = Replay(stage_rules(read_settings({})), lambda *_: None, StageObserver())
    with pytest.raises(OSError, match="gone"):
        replay.run(read_then_fail(), SourceOrder())

    assert meanwhile == [50_000]
    assert before[0] < 50_000
    assert gc.get_threshold() == before
