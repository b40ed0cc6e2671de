"""Lanes across rebalances: which are kept, which are rebuilt, and what ends the worker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import pytest

from streams.runtime.faust.batches import PollBatch
from streams.runtime.fleet import (
    FENCED_MAX,
    RETRY_SECONDS_MAX,
    FleetKafka,
    LaneFleet,
    pause_before,
)
from tests.worlds.lane_world import SPEC, Record, World, records, settle

PATIENCE_SECONDS = 0.05
MATCH_0 = {("match", 0)}


def run(story: Callable[[World, LaneFleet], Awaitable[None]]) -> None:
    async def bounded() -> None:
        world = World()
        fleet = LaneFleet([SPEC], world.build, str, PATIENCE_SECONDS)
        async with asyncio.timeout(10):
            await story(world, fleet)
            await fleet.close()

    asyncio.run(bounded())


def batch(generation: int, polled: Sequence[Record], prefix: str = "") -> PollBatch:
    made = PollBatch(f"{prefix}match", {0: polled})
    made.generation = generation
    return made


def test_a_worker_without_a_lane_is_ready_and_stands_by() -> None:
    async def story(world: World, fleet: LaneFleet) -> None:
        await fleet.assigned([], 1)
        assert fleet.readiness == (True, "standing by: other workers have all lanes")

    run(story)


def test_a_worker_is_ready_when_every_lane_is_restored_and_not_while_partitions_move() -> None:
    async def story(world: World, fleet: LaneFleet) -> None:
        assert fleet.readiness == (False, "waiting for partitions")
        await fleet.assigned(MATCH_0, 1)
        assert fleet.readiness == (False, "restoring matching-0")
        await settle()
        assert fleet.readiness.is_ready
        await fleet.revoked()
        assert fleet.readiness == (False, "waiting for partitions")

    run(story)


def test_a_lane_that_stays_here_goes_on_and_does_not_repeat_itself() -> None:
    async def story(world: World, fleet: LaneFleet) -> None:
        await fleet.assigned(MATCH_0, 1)
        fleet.offer(batch(1, records(0, 1)))
        await world.log.until([0, 1])
        await fleet.revoked()
        await fleet.assigned(MATCH_0, 2)
        fleet.offer(batch(2, records(0, 1, 2)))
        await world.log.until([0, 1, 2])
        assert world.opened == 1

    run(story)


def test_a_lane_is_rebuilt_when_this_worker_missed_a_generation() -> None:
    """Another worker may have owned it meanwhile."""

    async def story(world: World, fleet: LaneFleet) -> None:
        await fleet.assigned(MATCH_0, 1)
        await settle()
        await fleet.revoked()
        await fleet.assigned(MATCH_0, 3)
        await settle()
        assert (world.opened, world.closed) == (2, 1)

    run(story)


def test_a_lane_that_moved_away_is_closed() -> None:
    async def story(world: World, fleet: LaneFleet) -> None:
        await fleet.assigned(MATCH_0, 1)
        await settle()
        await fleet.revoked()
        await fleet.assigned(set(), 2)
        assert (world.closed, fleet.readiness.is_ready) == (1, True)

    run(story)


def test_a_checkpoint_that_does_not_end_in_time_is_abandoned_with_its_lane() -> None:
    async def story(world: World, fleet: LaneFleet) -> None:
        await fleet.assigned(MATCH_0, 1)
        await settle()
        world.log.may_commit.clear()
        fleet.offer(batch(1, records(0)))
        await settle()
        await fleet.revoked()
        assert (world.log.committed, world.closed) == ([], 1)
        world.log.may_commit.set()
        await fleet.assigned(MATCH_0, 2)
        fleet.offer(batch(2, records(0)))
        await world.log.until([0])

    run(story)


def test_a_batch_polled_before_a_rebalance_is_ignored_after_it() -> None:
    """It is read again; queueing it now would hide the records before it."""

    async def story(world: World, fleet: LaneFleet) -> None:
        await fleet.assigned(MATCH_0, 1)
        await fleet.revoked()
        await fleet.assigned(MATCH_0, 2)
        fleet.offer(batch(1, records(5, 6)))
        fleet.offer(batch(2, records(0)))
        await world.log.until([0])

    run(story)


def test_a_batch_that_is_here_before_its_assignment_is_not_lost() -> None:
    async def story(world: World, fleet: LaneFleet) -> None:
        fleet.offer(batch(1, records(0)))
        await fleet.assigned(MATCH_0, 1)
        fleet.offer(batch(1, records(1)))
        await world.log.until([0, 1])

    run(story)


def test_stages_see_topic_names_without_the_prefix() -> None:
    async def story() -> None:
        class Mutable:
            offset, key, value, timestamp, partition = 0, b"k", b"v", 0, 0
            topic = "test-match"

        world = World()
        fleet = LaneFleet([SPEC], world.build, "test-{}".format, PATIENCE_SECONDS)
        await fleet.assigned({("test-match", 0)}, 1)
        # Its topic can be set, as that of aiokafka's records.
        fleet.offer(batch(1, [Mutable()], "test-"))  # type: ignore[list-item]
        await world.log.until([0])
        assert world.log.committed[0].positions == {("match", 0): 1}
        await fleet.close()

    asyncio.run(story())


def test_a_failing_lane_ends_the_worker_and_says_which_it_was() -> None:
    async def story(world: World, fleet: LaneFleet) -> None:
        await fleet.assigned(MATCH_0, 1)
        fleet.offer(batch(1, [Record(0, b"disk")]))
        error = await fleet.failure
        assert (str(error), error.__notes__) == ("the disk failed", ["lane matching-0"])

    run(story)


def test_a_fenced_lane_waits_for_the_rebalance_that_fenced_it() -> None:
    async def story(world: World, fleet: LaneFleet) -> None:
        await fleet.assigned(MATCH_0, 1)
        world.log.fenced = True
        fleet.offer(batch(1, records(0)))
        await settle()
        assert not fleet.readiness.is_ready
        await fleet.revoked()
        await fleet.assigned(set(), 4)
        await asyncio.sleep(3 * PATIENCE_SECONDS)
        assert not fleet.failure.done()

    run(story)


def rejoining(world: World) -> LaneFleet:
    """A fleet whose group assigns everything anew when it is asked to."""
    generation = 1

    async def rejoin() -> None:
        nonlocal generation
        generation += 1
        await fleet.revoked()
        await fleet.assigned(MATCH_0, generation)
        fleet.offer(batch(generation, records(0, 1)))

    fleet = LaneFleet([SPEC], world.build, str, PATIENCE_SECONDS, FleetKafka(rejoin=rejoin))
    return fleet


def test_a_lane_that_kafka_failed_is_opened_again_and_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.runtime.fleet.RETRY_SECONDS_FIRST", 0.0)

    async def story() -> None:
        world = World()
        fleet = rejoining(world)
        await fleet.assigned(MATCH_0, 1)
        world.log.failures = 3
        fleet.offer(batch(1, records(0, 1)))
        async with asyncio.timeout(10):
            await world.log.until([0, 1])
        assert world.opened == 4
        assert fleet.readiness.is_ready
        assert not fleet.failure.done()
        await fleet.close()

    asyncio.run(story())


def test_a_lane_whose_wait_was_cut_short_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiokafka cancels waits of its own at times. Nobody has closed the lane, and it is dead."""
    monkeypatch.setattr("streams.runtime.fleet.RETRY_SECONDS_FIRST", 0.0)
    cut_short = 2

    async def restoring() -> None:
        nonlocal cut_short
        cut_short -= 1
        if cut_short >= 0:
            raise asyncio.CancelledError

    async def story() -> None:
        world = World(restoring=restoring)
        fleet = rejoining(world)
        await fleet.assigned(MATCH_0, 1)
        async with asyncio.timeout(10):
            await world.log.until([0, 1])
        assert world.opened == 3
        await fleet.close()

    asyncio.run(story())


def test_a_lane_is_opened_again_however_often_it_failed() -> None:
    pauses = [pause_before(trouble) for trouble in (1, 2, 20, 5_000)]
    assert pauses == [1.0, 2.0, RETRY_SECONDS_MAX, RETRY_SECONDS_MAX]


def test_two_workers_that_open_the_same_lane_in_turn_end_one_of_them() -> None:
    """Two workers with the same partition, of which each believes it is alone."""

    async def story() -> None:
        world = World()
        fleet = rejoining(world)
        await fleet.assigned(MATCH_0, 1)
        world.log.fenced = True
        fleet.offer(batch(1, records(0)))
        async with asyncio.timeout(10):
            assert "opened by another worker" in str(await fleet.failure)
        assert world.opened == FENCED_MAX + 1
        await fleet.close()

    asyncio.run(story())


def test_a_lane_ends_though_its_restoration_swallowed_that_it_was_told_to() -> None:
    """As aiokafka does when it is cancelled while it closes a consumer."""

    async def swallowing() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async def story(world: World, fleet: LaneFleet) -> None:
        world.restoring = swallowing
        await fleet.assigned(MATCH_0, 1)
        await settle()
        await fleet.close()
        assert world.closed == 1

    run(story)
