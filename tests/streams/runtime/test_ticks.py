"""Which source partitions get clock ticks."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.runtime import ticks
from streams.runtime.lane import Lane, LaneSpec
from streams.runtime.ticks import (
    AGAIN_SECONDS,
    IDLE_SECONDS,
    PRODUCERS_DELAY_MS,
    LaggingPartitions,
    ProducersTime,
    idle_partitions,
    send_ticks,
)
from streams.stages.contract import CLOCK_KEY, TopicPartition
from tests.worlds.clock import NOON
from tests.worlds.lane_world import Echo, Record, World, settle

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


class Knowing(Echo):
    """A stage that knows how far the log has come."""

    def __init__(self, log_time: int) -> None:
        super().__init__()
        self.log_time = log_time

    def latest_log_time(self) -> LogMs:
        return LogMs(self.log_time)


def test_a_partition_with_records_to_read_is_not_idle_however_long_none_arrived() -> None:
    async def story() -> None:
        world = World()
        lane = world.build(SOURCES)
        task = asyncio.create_task(lane.run())
        await settle()
        world.flow.behind = {("installs", 0)}
        assert idle_partitions([lane], 1e9) == [("payments", 0)]
        task.cancel()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("latest", "now", "expected"),
    [
        pytest.param(0, NOON, 0, id="nobody has published anything"),
        pytest.param(NOON - 2_000, NOON, NOON - PRODUCERS_DELAY_MS, id="live"),
        pytest.param(NOON - 40 * DAY_MS, NOON, NOON - 40 * DAY_MS, id="a backfill"),
        pytest.param(NOON + DAY_MS, NOON, NOON - PRODUCERS_DELAY_MS, id="a clock ahead"),
        pytest.param(NOON * 1_000, NOON, NOON - PRODUCERS_DELAY_MS, id="microseconds"),
    ],
)
def test_producers_that_stamp_say_what_time_it_is_unless_it_is_the_future(
    latest: int, now: int, expected: int
) -> None:
    async def story() -> None:
        world = World(stage=lambda: Knowing(latest))
        lane = world.build(LaneSpec("matching", ("match",)))
        task = asyncio.create_task(lane.run())
        await settle()
        assert ProducersTime(lambda: now).look([lane]) == expected
        task.cancel()

    asyncio.run(story())


def test_live_time_goes_on_when_all_producers_are_silent_and_a_backfill_stands() -> None:
    async def story() -> None:
        stage, clock = Knowing(NOON - 40 * DAY_MS), [NOON]
        world = World(stage=lambda: stage)
        lane = world.build(LaneSpec("matching", ("match",)))
        task = asyncio.create_task(lane.run())
        await settle()
        producers = ProducersTime(lambda: clock[0])
        clock[0] += HOUR_MS
        assert producers.look([lane]) == NOON - 40 * DAY_MS
        stage.log_time = clock[0]
        producers.look([lane])
        clock[0] += HOUR_MS
        assert producers.look([lane]) == clock[0] - PRODUCERS_DELAY_MS
        task.cancel()

    asyncio.run(story())


def test_a_partition_that_has_reached_the_time_of_producers_gets_no_more_ticks() -> None:
    async def story() -> None:
        lane, task = await opened(SOURCES)
        lane.offer(("installs", 0), [Record(0, topic="installs", timestamp=9)])
        later = lane.last_arrival(("installs", 0)) + IDLE_SECONDS
        assert idle_partitions([lane], later, log_time=9) == [("payments", 0)]
        assert idle_partitions([lane], later, log_time=10) == [("installs", 0), ("payments", 0)]
        task.cancel()

    asyncio.run(story())


INTAKE = LaneSpec(
    "intake",
    ("touchpoints", "installs"),
    is_source=True,
    asking="installs",
    awaited=("touchpoints", "installs"),
)


def brought(lane: Lane, topic: str, time: int, offset: int, key: bytes = b"key") -> None:
    lane.offer((topic, 0), [Record(offset, topic=topic, timestamp=time, key=key)])


def test_partitions_that_lag_behind_an_install_are_ticked_until_they_have_passed_it() -> None:
    async def story() -> None:
        lane, task = await opened(INTAKE)
        lagging = LaggingPartitions(2, quiet_seconds=0.0)
        brought(lane, "installs", 7, 0)
        brought(lane, "touchpoints", 8, 0)
        now = lane.last_arrival(("touchpoints", 0))
        assert lagging.look([lane], now) == ([], 0)
        foreign = [("touchpoints", 1), ("installs", 1)]
        found, asked = lagging.look([lane], now + 0.1)
        # A touchpoint of later may still be held by intake, until a tick passes it on.
        own = [("installs", 0), ("touchpoints", 0)]
        assert (sorted(found), asked) == (sorted([*own, *foreign]), 7)
        assert lagging.look([lane], now + 0.2) == ([], 7)
        assert lagging.look([lane], now + 0.2 + AGAIN_SECONDS) == ([("installs", 0)], 7)
        brought(lane, "installs", 9, 1, CLOCK_KEY)
        assert lagging.look([lane], now + 5.0) == ([], 7)
        task.cancel()

    asyncio.run(story())


def test_a_worker_whose_lanes_are_all_closed_ticks_nothing() -> None:
    """As in the middle of a rebalance; afterwards it still knows of the latest install."""

    async def story() -> None:
        lane, task = await opened(INTAKE)
        lagging = LaggingPartitions(1, quiet_seconds=0.0)
        brought(lane, "installs", 7, 0)
        now = lane.last_arrival(("installs", 0))
        assert lagging.look([lane], now) == ([], 0)
        assert lagging.look([], now + 1.0) == ([], 0)
        lane.is_open = False
        assert lagging.look([lane], now + 2.0) == ([], 0)
        lane.is_open = True
        assert lagging.look([lane], now + 3.0)[1] == 7
        task.cancel()

    asyncio.run(story())


def test_a_worker_that_catches_up_ticks_nothing_for_installs_of_long_ago() -> None:
    async def story() -> None:
        world = World()
        lane = world.build(INTAKE)
        task = asyncio.create_task(lane.run())
        await settle()
        world.flow.behind = {("installs", 0)}
        brought(lane, "installs", 7, 0)
        lagging = LaggingPartitions(1, quiet_seconds=0.0)
        now = lane.last_arrival(("installs", 0))
        assert [lagging.look([lane], now + 1.0), lagging.look([lane], now + 2.0)] == [([], 0)] * 2
        world.flow.behind = {("touchpoints", 0)}
        assert lagging.look([lane], now + 3.0) == ([], 0)
        assert lagging.look([lane], now + 4.0) == ([("installs", 0)], 7)
        task.cancel()

    asyncio.run(story())


def test_producers_that_stamp_their_own_time_are_given_time() -> None:
    async def story() -> None:
        lane, task = await opened(INTAKE)
        brought(lane, "installs", 7, 0)
        brought(lane, "touchpoints", 6, 0)
        lagging = LaggingPartitions(1, quiet_seconds=IDLE_SECONDS)
        now = lane.last_arrival(("touchpoints", 0))
        lagging.look([lane], now)
        assert lagging.look([lane], now + IDLE_SECONDS / 2) == ([], 7)
        found, _ = lagging.look([lane], now + IDLE_SECONDS)
        assert sorted(found) == [("installs", 0), ("touchpoints", 0)]
        task.cancel()

    asyncio.run(story())
