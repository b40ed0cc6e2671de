"""Which source partitions get clock ticks."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.runtime import ticks
from streams.runtime.lane import Lane, LaneSpec
from streams.runtime.ticks import IDLE_SECONDS, idle_partitions, send_ticks
from streams.stages.contract import TopicPartition
from tests.worlds.lane_world import Record, World, settle

SOURCES = LaneSpec("intake", ("installs", "payments"), is_source=True)


async def opened(spec: LaneSpec) -> tuple[Lane, asyncio.Task[None]]:
    lane = World().build(spec)
    task = asyncio.create_task(lane.run())
    await settle()
    return lane, task


def test_only_partitions_that_brought_nothing_for_a_while_are_idle() -> None:
    async def story() -> None:
        lane, task = await opened(SOURCES)
        lane.offer(("installs", 0), [Record(0, topic="installs")])
        arrived = lane.last_arrival(("installs", 0))
        assert idle_partitions([lane], arrived) == [("payments", 0)]
        later = arrived + IDLE_SECONDS
        assert idle_partitions([lane], later) == [("installs", 0), ("payments", 0)]
        task.cancel()

    asyncio.run(story())


def test_internal_topics_and_lanes_that_are_not_open_get_no_ticks() -> None:
    async def story() -> None:
        inner, task = await opened(LaneSpec("matching", ("match",)))
        closed = World().build(SOURCES)
        assert idle_partitions([inner, closed], 1e9) == []
        task.cancel()

    asyncio.run(story())


def test_an_absent_broker_does_not_end_the_ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "IDLE_SECONDS", 0.01)

    async def story() -> None:
        lane, task = await opened(SOURCES)
        sent: list[TopicPartition] = []
        enough = asyncio.Event()

        async def send(tp: TopicPartition) -> None:
            sent.append(tp)
            if len(sent) >= 6:
                enough.set()
            raise KafkaConnectionError("no broker")

        ticking = asyncio.create_task(send_ticks(lambda: [lane], send))
        async with asyncio.timeout(5):
            await enough.wait()
        assert not ticking.done()
        for running in (ticking, task):
            running.cancel()

    asyncio.run(story())
