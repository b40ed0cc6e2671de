"""A log whose last record is followed by markers is read up, and not before it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import aiokafka
import pytest
from faust.types import TP

from streams.runtime.faust.app import batch_app
from streams.runtime.faust.internals import OwnConsumer
from streams.runtime.faust.passed_offsets import PASSED_LOOK_SECONDS, PassedOffsets
from streams.settings.core import CoreSettings

HERE, THERE = TP("t-installs", 0), TP("t-installs", 1)


def polled(*offsets: int) -> list[aiokafka.ConsumerRecord]:
    return [
        aiokafka.ConsumerRecord("t-installs", 0, offset, 7, 1, b"k", b"v", None, 1, 1, ())
        for offset in offsets
    ]


def test_offsets_behind_the_last_record_are_passed_once_a_poll_brought_none_of_them() -> None:
    passed = PassedOffsets()
    passed.note({HERE: polled(4)})
    assert passed.beyond(HERE, 5) == 5
    passed.note({HERE: []})
    assert passed.unsure(100.0) == [HERE]
    passed.read_up_to({HERE: 7})
    assert passed.beyond(HERE, 5) == 7
    assert passed.beyond(THERE, 5) == 5


def test_records_on_their_way_to_a_lane_are_not_passed() -> None:
    passed = PassedOffsets()
    passed.read_up_to({HERE: 7})
    passed.note({HERE: polled(7, 8)})
    passed.read_up_to({HERE: 11})
    assert passed.beyond(HERE, 7) == 7, "7 and 8 are polled, and the lane has neither"
    assert passed.beyond(HERE, 9) == 11
    # A rebalance has records read again: what follows them is no less a record than before.
    passed.note({HERE: polled(2)})
    assert passed.beyond(HERE, 3) == 3


def test_a_partition_that_brings_records_is_not_looked_up_and_nobody_is_all_the_time() -> None:
    passed = PassedOffsets()
    for tp in (HERE, THERE):
        passed.beyond(tp, 0)
    passed.note({HERE: polled(0)})
    assert passed.unsure(100.0) == [THERE]
    passed.beyond(THERE, 0)
    assert passed.unsure(100.0 + PASSED_LOOK_SECONDS / 2) == []
    assert passed.unsure(100.0 + 2 * PASSED_LOOK_SECONDS) == [THERE]


def test_a_lane_that_has_all_records_has_no_more_although_the_log_ends_with_a_marker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing(self: OwnConsumer, active: set[TP], seconds: float) -> Any:
        return self.as_read_on({})

    async def positions(tps: Iterable[TP]) -> Mapping[TP, int]:
        return dict.fromkeys(tps, 2)

    async def story() -> None:
        consumer: Any = batch_app(CoreSettings("127.0.0.1:1", topic_prefix="t-")).consumer
        monkeypatch.setattr(OwnConsumer, "poll", nothing)
        monkeypatch.setattr(consumer, "known_end", lambda tp: 2)
        monkeypatch.setattr(consumer.thread, "positions", positions)
        consumer.thread.moments.note(aiokafka.TopicPartition(*HERE), 33.0)
        tp = ("installs", 0)
        assert (consumer.has_more(tp, 1), consumer.read_at(tp, 1)) == (True, float("-inf"))
        await consumer.poll({HERE}, 0.1)
        assert (consumer.has_more(tp, 1), consumer.read_at(tp, 1)) == (False, 33.0)
        assert consumer.has_more(tp, 0) is False, "offset 0 is no record either: nothing was polled"

    asyncio.run(story())
