"""What a lane guarantees, with its log, state and consumer in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

import pytest

from streams.runtime.lane import Lane, LaneSpec
from streams.runtime.rocks.faults import StateDamagedError
from streams.runtime.state import MemoryStore, StateChanges
from streams.settings.core import BatchBounds
from streams.stages.contract import Effects, LogRecord, OffsetRange, StateReader
from tests.worlds.lane_world import AT_ONCE, INPUT, SPEC, Echo, Record, World, records, settle


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await story()

    asyncio.run(bounded())


def test_records_that_arrive_before_the_lane_is_open_wait_for_it() -> None:
    async def story() -> None:
        world = World()
        lane = world.build()
        lane.offer(INPUT, records(0, 1))
        task = asyncio.create_task(lane.run())
        lane.offer(INPUT, records(2))
        await world.log.until([0, 1, 2])
        task.cancel()

    run(story)


def test_records_below_the_committed_position_are_dropped() -> None:
    async def story() -> None:
        world = World(start_at={INPUT: 2})
        lane = world.build()
        lane.offer(INPUT, records(0, 1, 2, 3))
        task = asyncio.create_task(lane.run())
        await world.log.until([2, 3])
        task.cancel()

    run(story)


class DamagedOnce(MemoryStore):
    """Its state is found damaged once: when it is read, or when it is written."""

    def __init__(self, damage: str) -> None:
        super().__init__()
        self.damage = damage
        self.cleared = 0

    def clear(self) -> None:
        super().clear()
        self.cleared += 1

    def entries(self) -> Iterable[tuple[bytes, bytes]]:
        self._break("opened")
        return super().entries()

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        self._break("read")
        return super().get_many(keys)

    def apply(self, changes: StateChanges, position: int) -> None:
        if b"last" in changes:
            self._break("written")
        super().apply(changes, position)

    def _break(self, when: str) -> None:
        if self.damage == when:
            self.damage = ""
            raise StateDamagedError("state folder x is damaged")


class Reads(Echo):
    """Reads its state before each decision."""

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        state.get_many([b"last"])
        return super().decide(records, state)


@pytest.mark.parametrize("damage", ["opened", "read", "written"])
def test_a_damaged_state_is_read_anew_and_no_record_is_lost_or_decided_twice(
    damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        store = DamagedOnce(damage)
        world = World(stage=Reads)
        lane = Lane(SPEC, 0, replace(world.parts(), store=lambda: store), AT_ONCE)
        task = asyncio.create_task(lane.run())
        lane.offer(INPUT, records(0, 1))
        await world.log.until([0, 1])
        lane.offer(INPUT, records(2))
        await world.log.until([0, 1, 2])
        task.cancel()
        assert store.cleared == 1
        assert dict(MemoryStore.entries(store))[b"restored"] == b"yes"

    run(story)
    (line,) = caplog.messages
    assert line.endswith("lane matching-0 reads it anew from the changelog")


def test_a_stage_sees_its_whole_state_before_it_decides() -> None:
    async def story() -> None:
        stage = Echo()
        world = World(stage=lambda: stage)
        task = asyncio.create_task(world.build().run())
        await settle()
        assert stage.restored == [(b"restored", b"yes")]
        task.cancel()

    run(story)


def test_state_is_written_only_after_the_commit() -> None:
    async def story() -> None:
        world = World()
        world.log.may_commit.clear()
        async with world.running() as lane:
            lane.offer(INPUT, records(0))
            await settle()
            assert world.stores[0].get(b"last") is None
            world.log.may_commit.set()
            await settle()
            assert world.stores[0].get(b"last") == b"0"

    run(story)


def test_effects_without_a_position_are_a_bug() -> None:
    class Forgetful(Echo):
        def decide(self, *_: object) -> Effects:
            return Effects(changes={b"k": b"v"})

    async def story() -> None:
        world = World(stage=Forgetful)
        lane = world.build()
        lane.offer(INPUT, records(0))
        with pytest.raises(AssertionError, match="effects without positions"):
            await lane.run()
        assert world.log.committed == []

    run(story)


def test_a_stage_may_put_off_its_commit() -> None:
    class Patient(Echo):
        def decide(self, *_: object) -> Effects:
            return Effects()

    async def story() -> None:
        world = World(stage=Patient)
        lane = world.build()
        task = asyncio.create_task(lane.run())
        lane.offer(INPUT, records(0, 1))
        await settle()
        assert (world.log.committed, task.done()) == ([], False)
        task.cancel()

    run(story)


def test_what_a_stage_is_missing_is_decided_again_before_anything_new() -> None:
    """Also after a restart, and up to the last record that the log still has."""

    class Doubter(Echo):
        wanted = OffsetRange(INPUT, 95, 200)

        def missing(self) -> OffsetRange | None:
            return self.wanted if self.wanted.first < self.wanted.end else None

        def decide(self, given: Sequence[LogRecord], state: StateReader) -> Effects:
            if not given:
                self.wanted = self.wanted._replace(first=self.wanted.end)
                return Effects()
            self.wanted = self.wanted._replace(first=given[-1].offset + 1)
            return super().decide(given, state)

    async def story() -> None:
        world = World(stage=Doubter)
        async with world.running() as lane:
            lane.offer(INPUT, records(300, 301))
            await world.log.until([95, 96, 97, 98, 99, 300, 301])

    run(story)


def test_a_suspended_lane_forgets_what_waits_and_decides_it_when_it_comes_again() -> None:
    async def story() -> None:
        world = World()
        async with world.running() as lane:
            lane.offer(INPUT, records(0, 1))
            await world.log.until([0, 1])
            assert await lane.suspend(1.0)
            lane.offer(INPUT, records(2, 3))
            assert await lane.suspend(1.0)
            lane.resume()
            lane.offer(INPUT, records(0, 1, 2, 3, 4))
            await world.log.until([0, 1, 2, 3, 4])

    run(story)


def test_suspending_waits_for_a_checkpoint_but_not_for_ever() -> None:
    async def story() -> None:
        world = World()
        world.log.may_commit.clear()
        async with world.running() as lane:
            lane.offer(INPUT, records(0))
            await settle()
            assert not await lane.suspend(0.05)
            world.log.may_commit.set()
            assert await lane.suspend(1.0)

    run(story)


def test_a_full_lane_holds_its_partitions_until_half_is_done() -> None:
    async def story() -> None:
        world = World(bounds=BatchBounds(records_max=2, queued_records_max=8))
        world.log.may_commit.clear()
        async with world.running() as lane:
            lane.offer(INPUT, records(*range(7)))
            assert world.flow.held == set()
            lane.offer(INPUT, records(*range(7, 12)))
            assert world.flow.held == {INPUT}
            world.log.may_commit.set()
            await world.log.until(range(12))
            assert world.flow.held == set()
            assert [len(effects.messages["out", 0]) for effects in world.log.committed] == [2] * 6

    run(story)


def test_a_lane_that_was_full_when_it_was_suspended_is_fed_again() -> None:
    async def story() -> None:
        world = World(bounds=BatchBounds(queued_records_max=2))
        lane = world.build()
        lane.offer(INPUT, records(0, 1, 2))
        assert await lane.suspend(1.0)
        assert world.flow.held == set()

    run(story)


def test_a_record_that_makes_the_stage_raise_is_set_aside_and_the_lane_goes_on() -> None:
    async def story() -> None:
        world = World()
        async with world.running() as lane:
            lane.offer(INPUT, [*records(0, 1), Record(2, b"bug"), *records(3), Record(4, b"bug")])
            await world.log.until([0, 1, 3])
            lane.offer(INPUT, records(5))
            await world.log.until([0, 1, 3, 5])
        assert [effects.positions for effects in world.log.committed] == [{INPUT: 5}, {INPUT: 6}]
        aside = world.log.committed[0].messages["quarantined", 0]
        assert [b'"log_topic_offset":2' in (one.value or b"") for one in aside] == [True, False]

    run(story)


def test_a_lane_that_fails_or_ends_closes_its_state_and_releases_its_partitions() -> None:
    async def story() -> None:
        world = World(bounds=BatchBounds(queued_records_max=1))
        lane = world.build()
        lane.offer(INPUT, [Record(0, b"disk")])
        with pytest.raises(OSError, match="the disk failed"):
            await lane.run()
        assert (world.closed, world.flow.held, lane.is_open) == (1, set(), False)

    run(story)


def test_a_partition_that_is_behind_is_given_a_moment() -> None:
    """Installs must not be decided ahead of the touchpoints that led to them."""

    async def story() -> None:
        world = World()
        lane = world.build(LaneSpec("intake", ("touchpoints", "installs"), "intake-changelog"))
        world.flow.behind = {("touchpoints", 0)}
        task = asyncio.create_task(lane.run())
        lane.offer(("installs", 0), [Record(7, timestamp=5)])
        await settle()
        assert world.log.decided() == []
        lane.offer(("touchpoints", 0), [Record(1, timestamp=3), Record(2, timestamp=9)])
        await world.log.until([1, 7, 2])
        task.cancel()

    run(story)


def test_a_store_that_closes_slowly_holds_up_nobody_and_its_lane_ends_after_it() -> None:
    """Whoever opens the lane next needs the lock of its folder, however often it is told to end."""
    closes, closed = threading.Event(), threading.Event()

    class SlowStore(MemoryStore):
        def close(self) -> None:
            closes.set()
            assert may_end.wait(5)
            closed.set()

    async def story() -> None:
        world = World()
        parts = replace(world.parts(), store=SlowStore)
        task = asyncio.create_task(Lane(SPEC, 0, parts, AT_ONCE).run())
        await settle()
        for _ in range(3):
            task.cancel()
            await settle()  # The event loop goes on.
        assert closes.is_set()
        assert not task.done()
        may_end.set()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()
        assert closed.is_set()

    may_end = threading.Event()
    asyncio.run(story())
