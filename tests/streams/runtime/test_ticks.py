"""Which source partitions get clock ticks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.errors import KafkaConnectionError

from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.runtime import ticks
from streams.runtime.lane import Lane, LaneSpec
from streams.runtime.ticks import (
    IDLE_SECONDS,
    PRODUCERS_DELAY_MS,
    PRODUCERS_GRACE_SECONDS,
    REMEMBERED_SECONDS,
    REPLICAS_GRACE_SECONDS,
    LaggingPartitions,
    ProducersTime,
    ReadPartitions,
    idle_partitions,
    send_ticks,
)
from streams.stages.contract import TopicPartition
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
        sent = asyncio.Semaphore(0)

        async def send(tp: TopicPartition) -> None:
            sent.release()
            raise KafkaConnectionError("no broker")

        ticking = asyncio.create_task(send_ticks(lambda: [lane], send))
        for _ in range(6):
            await asyncio.wait_for(sent.acquire(), 5)
        assert not ticking.done()
        for running in (ticking, task):
            running.cancel()

    asyncio.run(story())


def test_a_partition_that_takes_no_tick_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(ticks, "_SENT_SECONDS", 0.01)

    async def story() -> None:
        lane, task = await opened(SOURCES)
        stuck, others = list[asyncio.Event](), asyncio.Semaphore(0)

        async def send(tp: TopicPartition) -> None:
            others.release()
            if tp[0] == "payments":
                stuck.append(asyncio.Event())
                await stuck[-1].wait()
                raise asyncio.CancelledError  # As aiokafka does to waits of its own.

        ticking = asyncio.create_task(send_ticks(lambda: [lane], send))
        for waiting in (1, 2):
            for _ in range(4):
                await asyncio.wait_for(others.acquire(), 5)
            assert (len(stuck), ticking.done()) == (waiting, False)
            stuck[-1].set()
        ticking.cancel()
        task.cancel()

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


@asynccontextmanager
async def reading(
    *, is_append_time: bool = True
) -> AsyncIterator[tuple[World, Lane, ReadPartitions]]:
    world = World()
    async with world.running(INTAKE) as lane:
        await settle()
        yield world, lane, ReadPartitions(is_append_time=is_append_time)


def read(lane: Lane, found: list[tuple[Lane, TopicPartition, int]]) -> dict[str, int]:
    """Up to where the topics of the lane's partition were found to be read."""
    assert all(one is lane for one, _, _ in found)
    return {topic: log_time for _, (topic, _), log_time in found}


def fetched(world: World, at: float, *topics: str) -> None:
    world.flow.fetches = {(topic, 0): at for topic in topics}


def test_a_partition_is_read_up_to_an_install_once_a_later_fetch_found_nothing_in_it() -> None:
    async def story() -> None:
        async with reading() as (world, lane, partitions):
            brought(lane, "installs", NOON - 7, 0)
            arrived = lane.last_arrival(("installs", 0))
            fetched(world, arrived, "touchpoints", "installs")
            assert partitions.look([lane], arrived, NOON) == []
            fetched(world, arrived + REPLICAS_GRACE_SECONDS, "touchpoints")
            found = partitions.look([lane], arrived + 1.0, NOON)
            assert read(lane, found) == {"touchpoints": NOON - 6}
            world.flow.behind = {("touchpoints", 0)}
            fetched(world, arrived + 1.0, "touchpoints", "installs")
            found = partitions.look([lane], arrived + 1.0, NOON)
            assert read(lane, found) == {"installs": NOON - 6}

    asyncio.run(story())


def test_what_is_known_without_a_tick_is_decided_once_and_moves_no_position() -> None:
    async def story() -> None:
        async with reading() as (world, lane, partitions):
            brought(lane, "installs", NOON - 7, 4)
            await world.log.until([4])
            later = lane.last_arrival(("installs", 0)) + 1.0
            fetched(world, later, "touchpoints", "installs")
            for one, tp, log_time in partitions.look([lane], later, NOON):
                one.pass_on(tp, log_time)
            await world.log.until([4, -1, 4])
            assert world.log.committed[-1].positions == {("touchpoints", 0): 0, ("installs", 0): 5}
            assert partitions.look([lane], later, NOON) == []
            brought(lane, "touchpoints", NOON, 0)
            await world.log.until([4, -1, 4, 0])

    asyncio.run(story())


def test_a_later_record_that_intake_may_hold_is_passed_on_without_a_fetch() -> None:
    async def story() -> None:
        async with reading() as (_, lane, partitions):
            brought(lane, "installs", NOON - 7, 0)
            brought(lane, "touchpoints", NOON - 6, 0)
            found = partitions.look([lane], lane.last_arrival(("touchpoints", 0)), NOON)
            assert read(lane, found) == {"touchpoints": NOON - 6}

    asyncio.run(story())


def test_after_a_rebalance_it_is_told_again_up_to_where_all_is_read() -> None:
    """Whatever was queued is dropped, and a rebalance closes every lane for a moment."""

    async def story() -> None:
        async with reading() as (world, lane, partitions):
            brought(lane, "installs", NOON - 7, 0)
            later = lane.last_arrival(("installs", 0)) + 1.0
            fetched(world, later, "touchpoints")
            for one, tp, log_time in partitions.look([lane], later, NOON):
                one.pass_on(tp, log_time)
            assert await lane.suspend(1.0)
            assert partitions.look([], later + 60.0, NOON) == []
            lane.resume()
            fetched(world, later + 60.0, "touchpoints")
            found = partitions.look([lane], later + 60.0, NOON)
            assert read(lane, found) == {"touchpoints": NOON - 6}

    asyncio.run(story())


def test_while_installs_keep_coming_each_partition_is_read_up_to_one_of_them() -> None:
    async def story() -> None:
        async with reading() as (world, lane, partitions):
            arrived = []
            for number in range(5):
                brought(lane, "installs", NOON - 9 + number, number)
                arrived.append(lane.last_arrival(("installs", 0)))
                partitions.look([lane], arrived[-1], NOON)
                await asyncio.sleep(0.001)
            fetched(world, arrived[3] + REPLICAS_GRACE_SECONDS, "touchpoints")
            found = partitions.look([lane], arrived[4], NOON)
            assert read(lane, found)["touchpoints"] == NOON - 5
            partitions.look([lane], arrived[4] + 2 * REMEMBERED_SECONDS, NOON)
            assert len(partitions) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("age_ms", "grace_seconds"),
    [
        pytest.param(7, PRODUCERS_GRACE_SECONDS, id="live"),
        pytest.param(40 * DAY_MS, IDLE_SECONDS, id="a backfill"),
    ],
)
def test_producers_that_stamp_their_own_time_are_given_time(
    age_ms: int, grace_seconds: float
) -> None:
    async def story() -> None:
        async with reading(is_append_time=False) as (world, lane, partitions):
            brought(lane, "installs", NOON - age_ms, 0)
            await asyncio.sleep(0.01)
            brought(lane, "touchpoints", NOON - age_ms - 1, 0)
            due = lane.last_arrival(("installs", 0)) + grace_seconds
            fetched(world, due, "touchpoints", "installs")
            found = partitions.look([lane], due, NOON)
            # The other has brought something since, and may bring more that was stamped before.
            assert read(lane, found) == {"installs": NOON - age_ms + 1}
            due = lane.last_arrival(("touchpoints", 0)) + grace_seconds
            fetched(world, due, "touchpoints", "installs")
            found = partitions.look([lane], due, NOON)
            assert read(lane, found).keys() == {"touchpoints", "installs"}

    asyncio.run(story())


def test_an_install_that_a_clock_ahead_has_stamped_takes_nobody_along() -> None:
    async def story() -> None:
        async with reading() as (world, lane, partitions):
            brought(lane, "installs", NOON + DAY_MS, 0)
            later = lane.last_arrival(("installs", 0)) + 1.0
            fetched(world, later, "touchpoints")
            given = set()
            for passed_ms in range(0, 1_000, 10):
                for one, tp, log_time in partitions.look([lane], later, NOON + passed_ms):
                    one.pass_on(tp, log_time)
                    given.add(log_time - NOON)
            assert max(given) <= 1_000
            assert len(given) == 3, "and is passed on now and then, not at every look"

    asyncio.run(story())


def test_partitions_of_other_workers_are_ticked_once_for_every_install() -> None:
    async def story() -> None:
        lane, task = await opened(INTAKE)
        lagging = LaggingPartitions(2)
        brought(lane, "installs", 7, 0)
        assert lagging.look([lane]) == ([], 0)
        found, asked = lagging.look([lane])
        assert (sorted(found), asked) == ([("installs", 1), ("touchpoints", 1)], 7)
        assert lagging.look([lane]) == ([], 7)
        task.cancel()

    asyncio.run(story())


def test_a_worker_whose_lanes_are_all_closed_ticks_nothing() -> None:
    """As in the middle of a rebalance; afterwards it still knows of the latest install."""

    async def story() -> None:
        lane, task = await opened(INTAKE)
        lagging = LaggingPartitions(1)
        brought(lane, "installs", 7, 0)
        assert lagging.look([lane]) == ([], 0)
        assert lagging.look([]) == ([], 0)
        lane.is_open = False
        assert lagging.look([lane]) == ([], 0)
        lane.is_open = True
        assert lagging.look([lane])[1] == 7
        task.cancel()

    asyncio.run(story())


def test_a_worker_that_catches_up_asks_nothing_for_installs_of_long_ago() -> None:
    async def story() -> None:
        async with reading() as (world, lane, partitions):
            world.flow.behind = {("installs", 0)}
            brought(lane, "installs", NOON - 7, 0)
            lagging = LaggingPartitions(2)
            later = lane.last_arrival(("installs", 0)) + 1.0
            fetched(world, later, "touchpoints")
            assert [lagging.look([lane]), lagging.look([lane])] == [([], 0)] * 2
            assert partitions.look([lane], later, NOON) == []
            world.flow.behind = set()
            assert [lagging.look([lane])[1], lagging.look([lane])[1]] == [0, NOON - 7]
            assert len(partitions.look([lane], later, NOON)) == 1

    asyncio.run(story())
