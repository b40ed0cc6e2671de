"""Files in any order of lines are replayed as workers would have read the topics."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import Stop
from streams.lab.simulator import Scenario
from streams.lab.simulator.records import simulated_records
from streams.replay.engine import Replay, SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.replay.time_order import sorted_by_time
from streams.settings import read_settings
from streams.stages.common.observer import StageObserver
from streams.stages.contract import CLOCK_KEY
from streams.wiring.parts import stage_rules

RUN_BYTES = 2_000
"""So small that a few records fill several runs on disk."""


def by_time(record: MemoryRecord) -> int:
    return record.timestamp


def by_partition(record: MemoryRecord) -> tuple[str, int, int]:
    """As dumps of topics come, one file after the other."""
    return record.topic, record.partition, record.offset


def answers(records: Sequence[MemoryRecord]) -> dict[str, list[bytes | None]]:
    """Every outcome of a replay, by topic."""
    order = SourceOrder()
    for record in records:
        order.see(record)
    found: dict[str, list[bytes | None]] = defaultdict(list)

    def take(topic: str, outcomes: Sequence[MemoryRecord]) -> None:
        found[topic] += [outcome.value for outcome in outcomes]

    Replay(stage_rules(read_settings({})), take, StageObserver()).run(records, order)
    return found


@pytest.fixture(scope="module")
def simulated() -> list[MemoryRecord]:
    """Traffic of sparse partitions, whose last records are days before the end of the log."""
    everything = simulated_records(Scenario(events=1_500, seed=5))
    return [record for record in everything if record.key != CLOCK_KEY]


@pytest.fixture(scope="module")
def in_order(simulated: list[MemoryRecord]) -> dict[str, list[bytes | None]]:
    return answers(sorted(simulated, key=by_time))


def shuffled(records: list[MemoryRecord]) -> list[MemoryRecord]:
    return random.Random(7).sample(records, len(records))


def one_partition_after_the_other(records: list[MemoryRecord]) -> list[MemoryRecord]:
    return sorted(records, key=by_partition)


def newest_file_first(records: list[MemoryRecord]) -> list[MemoryRecord]:
    return sorted(records, key=by_partition, reverse=True)


@pytest.mark.parametrize(
    "layout", [shuffled, one_partition_after_the_other, newest_file_first], ids=lambda f: f.__name__
)
def test_every_outcome_is_the_same_byte_for_byte(
    layout: Callable[[list[MemoryRecord]], list[MemoryRecord]],
    simulated: list[MemoryRecord],
    in_order: dict[str, list[bytes | None]],
) -> None:
    assert {"predictions", "revenue", "model-quality"} <= in_order.keys()
    assert answers(layout(simulated)) == in_order


def record(at: int, topic: str, partition: int, offset: int) -> MemoryRecord:
    return MemoryRecord(topic, partition, offset, at, b"k", b"%d" % offset)


log_records = st.builds(
    record,
    st.integers(0, 5),
    st.sampled_from(["installs", "touchpoints", "payments"]),
    st.integers(0, 2),
    st.integers(0, 50),
)


@given(st.lists(log_records, unique=True, max_size=60), st.randoms(use_true_random=False))
def test_any_order_of_the_same_records_gives_one_order_in_memory_and_on_disk(
    records: list[MemoryRecord], chance: random.Random
) -> None:
    expected = list(sorted_by_time(records))
    assert [one.timestamp for one in expected] == sorted(one.timestamp for one in records)
    chance.shuffle(records)
    assert list(sorted_by_time(records, RUN_BYTES)) == expected


def test_clicks_stand_before_installs_of_the_same_millisecond() -> None:
    found = sorted_by_time([record(7, "installs", 0, 0), record(7, "touchpoints", 3, 9)])
    assert [one.topic for one in found] == ["touchpoints", "installs"]


def test_values_that_are_missing_empty_or_binary_come_back_from_disk() -> None:
    values = (None, b"", bytes(range(256)) * 20)
    records = [MemoryRecord("payments", 0, n, 1, value, value) for n, value in enumerate(values)]
    assert list(sorted_by_time(records, run_bytes_max=1)) == records


def test_a_disk_without_room_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(Stop, match="No space left on device; free it, set TMPDIR"):
        list(sorted_by_time([record(1, "payments", 0, 0)], run_bytes_max=1))
