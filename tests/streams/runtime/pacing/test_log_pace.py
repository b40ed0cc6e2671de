"""Intake reads no further than a lead beyond what journeys and learning have passed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from schemas.time import DAY_MS, HOUR_MS, LogMs, Millis
from streams.runtime.lane import Lane, LaneSpec
from streams.runtime.pacing.log_pace import HOLD_SECONDS_MAX, STILL_SECONDS, LogPace
from streams.runtime.queue import ALL_TIMES, LaneQueue
from streams.settings.core import BatchBounds
from streams.stages.contract import CLOCK_KEY
from tests.worlds.clock import NOON
from tests.worlds.lane_world import INPUT, Echo, Record, World, settle

TODAY = NOON + 90 * DAY_MS
SOURCES = LaneSpec("intake", ("installs",), is_source=True)
INSTALLS = ("installs", 0)


class Passing(Echo):
    """A stage that others keep pace with."""

    passed = 0

    def passed_log_time(self) -> LogMs:
        return LogMs(self.passed)


@dataclass
class Worker:
    """A lane of `Passing`, the pace of the others, and a clock that tests set."""

    pace: LogPace
    world: World
    stage: Passing
    lanes: list[Lane] = field(default_factory=list)
    seconds: float = 0.0

    async def is_held(self, first_time: int) -> bool:
        """Whether an event of this log time has to wait now."""
        task = asyncio.create_task(self.pace.admit(first_time))
        for _ in range(3):
            await asyncio.sleep(0)
        is_held = not task.done()
        task.cancel()
        return is_held


@asynccontextmanager
async def worker(lead_ms: Millis = DAY_MS) -> AsyncIterator[Worker]:
    stage = Passing()
    world = World(stage=lambda: stage)
    pace = LogPace(lambda: own.lanes, lambda: TODAY, lead_ms, lambda: own.seconds)
    own = Worker(pace, world, stage)
    async with world.running() as lane:
        await settle()
        own.lanes.append(lane)
        yield own


def test_what_is_further_ahead_than_the_lead_waits_until_the_others_come_closer() -> None:
    async def story() -> None:
        async with worker() as own:
            assert await own.pace.admit(NOON) == NOON + DAY_MS
            assert await own.is_held(NOON + 2 * DAY_MS)
            waiting = asyncio.create_task(own.pace.admit(NOON + 2 * DAY_MS))
            await settle()
            assert not waiting.done()
            own.stage.passed = NOON + DAY_MS + HOUR_MS
            assert await waiting == NOON + 2 * DAY_MS + HOUR_MS

    asyncio.run(story())


def test_of_several_the_one_that_is_furthest_behind_counts() -> None:
    async def story() -> None:
        async with worker() as own:
            behind = Passing()
            async with World(stage=lambda: behind).running() as lane:
                await settle()
                own.lanes.append(lane)
                await own.pace.admit(NOON)
                own.stage.passed, behind.passed = NOON + 9 * DAY_MS, NOON + 3 * DAY_MS
                assert not await own.is_held(NOON + 4 * DAY_MS)
                assert await own.is_held(NOON + 4 * DAY_MS + 1)

    asyncio.run(story())


def test_neither_the_present_nor_clock_ticks_alone_are_held() -> None:
    async def story() -> None:
        async with worker() as own:
            await own.pace.admit(NOON)
            assert await own.pace.admit(TODAY - HOUR_MS) == ALL_TIMES
            assert await own.pace.admit(0) == ALL_TIMES
            assert await own.is_held(TODAY - 2 * DAY_MS)

    asyncio.run(story())


def test_a_gap_in_the_log_is_crossed_once_the_others_have_had_nothing_to_do() -> None:
    async def story() -> None:
        async with worker() as own:
            await own.pace.admit(NOON)
            after_gap = NOON + 30 * DAY_MS
            own.seconds = STILL_SECONDS / 2
            assert await own.is_held(after_gap)
            own.seconds = STILL_SECONDS
            assert await own.pace.admit(after_gap) == after_gap + DAY_MS
            assert await own.is_held(after_gap + 2 * DAY_MS)

    asyncio.run(story())


def test_others_that_have_work_are_waited_for_longer_but_not_for_ever() -> None:
    async def story() -> None:
        async with worker() as own:
            await own.pace.admit(NOON)
            own.world.flow.behind = {INPUT}
            own.seconds = HOLD_SECONDS_MAX - 1
            assert await own.is_held(NOON + 2 * DAY_MS)
            own.seconds = HOLD_SECONDS_MAX
            assert not await own.is_held(NOON + 2 * DAY_MS)

    asyncio.run(story())


def test_a_lane_decides_no_record_later_than_it_may() -> None:
    class FirstDay:
        async def admit(self, first_time: int) -> int:
            if first_time > NOON + DAY_MS:
                await asyncio.Event().wait()
            return NOON + DAY_MS

    async def story() -> None:
        world = World(pace=FirstDay())
        async with world.running(SOURCES) as lane:
            await settle()
            days = [NOON, NOON + HOUR_MS, NOON + DAY_MS, NOON + 2 * DAY_MS]
            own = [Record(n, topic="installs", timestamp=ts) for n, ts in enumerate(days)]
            lane.offer(INSTALLS, own)
            await world.log.until([0, 1, 2])
            await settle()
            assert world.log.decided() == [0, 1, 2]

    asyncio.run(story())


def test_a_queue_gives_of_several_partitions_nothing_that_is_later_than_asked_for() -> None:
    queue = LaneQueue(BatchBounds(), [("a", 0), ("b", 0)])
    for topic, times in (("a", (1, 5, 9)), ("b", (2, 6, 7))):
        queue.put((topic, 0), [Record(n, topic=topic, timestamp=ts) for n, ts in enumerate(times)])
    assert [one.timestamp for one in queue.take(is_end=True, until=5)] == [1, 5, 2]
    assert queue.take(is_end=True, until=5) == []
    assert queue.first_event_time == 6


def test_the_first_event_is_found_behind_clock_ticks() -> None:
    queue = LaneQueue(BatchBounds())
    assert queue.first_event_time == 0
    queue.put(INPUT, [Record(0, None, CLOCK_KEY, timestamp=3)])
    assert queue.first_event_time == 0
    queue.put(INPUT, [Record(1, None, CLOCK_KEY, timestamp=4), Record(2, timestamp=8)])
    assert queue.first_event_time == 8
