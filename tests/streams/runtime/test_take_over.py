"""A worker takes its lanes over before they decide, as often as it takes and not once more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Set

import pytest
from aiokafka.errors import IllegalGenerationError, NotCoordinatorError

from streams.runtime.fleet import FleetKafka, LaneFleet, LaneId
from tests.streams.runtime.test_fleet import MATCH_0, PATIENCE_SECONDS, batch
from tests.worlds.lane_world import SPEC, World, records, settle


class Ownership:
    """Gives lanes to this worker when a test lets it; fails as often as a test says."""

    def __init__(self, failures: int = 0, error: type[Exception] = NotCoordinatorError) -> None:
        self.failures = failures
        self.error = error
        self.rejoined = 0
        self.asked: list[int] = []
        self.given = asyncio.Event()

    async def take(self, lanes: Set[LaneId], generation: int) -> None:
        self.asked.append(generation)
        if self.failures:
            self.failures -= 1
            raise self.error
        await self.given.wait()

    async def rejoin(self) -> None:
        self.rejoined += 1


def owning(world: World, ownership: Ownership) -> LaneFleet:
    kafka = FleetKafka(take=ownership.take, rejoin=ownership.rejoin)
    return LaneFleet([SPEC], world.build, str, PATIENCE_SECONDS, kafka)


def test_no_lane_reads_its_position_or_decides_before_the_worker_has_taken_it_over() -> None:
    """Until then another worker may still commit, and what was read would be behind."""

    async def story() -> None:
        world, ownership = World(), Ownership()
        fleet = owning(world, ownership)
        await fleet.assigned(MATCH_0, 1)
        fleet.offer(batch(1, records(0)))
        await settle()
        assert (world.opened, world.log.committed, fleet.readiness.is_ready) == (0, [], False)
        ownership.given.set()
        await world.log.until([0])
        ownership.given.clear()
        await fleet.revoked()
        await fleet.assigned(MATCH_0, 2)
        fleet.offer(batch(2, records(0, 1)))
        await settle()
        assert world.log.decided() == [0]
        ownership.given.set()
        await world.log.until([0, 1])
        assert ownership.asked == [1, 2]
        await fleet.close()

    asyncio.run(story())


def test_a_generation_that_passed_before_the_lanes_were_taken_over_decides_nothing() -> None:
    async def story() -> None:
        world, ownership = World(), Ownership()
        fleet = owning(world, ownership)
        await fleet.assigned(MATCH_0, 1)
        await settle()
        await fleet.revoked()
        ownership.given.set()
        await settle()
        assert world.opened == 0
        await fleet.assigned(MATCH_0, 2)
        fleet.offer(batch(2, records(0)))
        await world.log.until([0])
        await fleet.close()

    asyncio.run(story())


def test_a_take_over_that_swallowed_its_end_opens_no_lane() -> None:
    """aiokafka does so at times when Kafka was away."""

    class Swallowing(Ownership):
        async def take(self, lanes: Set[LaneId], generation: int) -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await self.given.wait()

    async def story() -> None:
        world, ownership = World(), Swallowing()
        fleet = owning(world, ownership)
        await fleet.assigned(MATCH_0, 1)
        await settle()
        await fleet.revoked()
        await settle()
        assert world.opened == 0
        await fleet.close()

    asyncio.run(story())


def test_a_take_over_whose_end_became_an_error_does_not_begin_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would close the producer of the generation that came after it, again and again."""
    monkeypatch.setattr("streams.runtime.fleet.TAKE_AGAIN_SECONDS", 0.0)

    class Translating(Ownership):
        async def take(self, lanes: Set[LaneId], generation: int) -> None:
            self.asked.append(generation)
            try:
                await self.given.wait()
            except asyncio.CancelledError as cancelled:
                if self.asked == [1]:
                    raise NotCoordinatorError from cancelled
                raise

    async def story() -> None:
        world, ownership = World(), Translating()
        fleet = owning(world, ownership)
        await fleet.assigned(MATCH_0, 1)
        await settle()
        await fleet.revoked()
        await fleet.assigned(MATCH_0, 2)
        await settle()
        assert ownership.asked == [1, 2]
        await fleet.close()

    asyncio.run(story())


def test_lanes_are_taken_over_as_soon_as_kafka_lets_them_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.runtime.fleet.TAKE_AGAIN_SECONDS", 0.0)

    async def story() -> None:
        world, ownership = World(), Ownership(failures=2)
        ownership.given.set()
        fleet = owning(world, ownership)
        await fleet.assigned(MATCH_0, 1)
        fleet.offer(batch(1, records(0)))
        await world.log.until([0])
        assert ownership.asked == [1, 1, 1]
        await fleet.close()

    asyncio.run(story())


def test_a_worker_whose_group_went_on_without_it_joins_before_it_fences_anybody_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whom the labels name now may be the rightful owner, whom it would fence for nothing."""
    monkeypatch.setattr("streams.runtime.fleet.TAKE_AGAIN_SECONDS", 0.0)

    async def story() -> None:
        world, ownership = World(), Ownership(failures=2, error=IllegalGenerationError)
        fleet = owning(world, ownership)
        await fleet.assigned(MATCH_0, 1)
        await settle()
        assert (ownership.asked, ownership.rejoined) == ([1], 1)
        await fleet.revoked()
        ownership.given.set()
        ownership.failures = 0
        await fleet.assigned(MATCH_0, 3)
        fleet.offer(batch(3, records(0)))
        await world.log.until([0])
        assert ownership.asked == [1, 3]
        await fleet.close()

    asyncio.run(story())
