"""A worker that takes lanes over from another, on real Kafka, without the workers."""

from __future__ import annotations

import asyncio

import aiokafka
import pytest

from streams.runtime.checkpoint import LaneFencedError, no_label
from streams.runtime.clients import new_producer
from streams.runtime.identity import PositionLabel, read_label
from streams.runtime.identity.lane_origin import LaneOrigin
from streams.runtime.offsets import Offsets
from streams.runtime.state import MemoryStore
from streams.runtime.transactions import LaneLog
from streams.runtime.transactions.producer import TransactionalProducer
from streams.stages.contract import Message
from tests.integration.runtime.log_bench import (
    CHANGELOG,
    MATCH,
    OUT,
    LogBench,
    effects,
    run,
)

pytestmark = pytest.mark.kafka


def test_a_second_owner_fences_the_first_and_only_its_effects_count(log_bench: LogBench) -> None:
    """It finds the first by the label of the committed offset."""

    async def story() -> None:
        zombie, owner = log_bench.worker(), log_bench.worker()
        await zombie.open()
        await zombie.commit(effects(b"before", 1))
        await owner.open()
        with pytest.raises(LaneFencedError, match="headwater-core-"):
            await zombie.commit(effects(b"zombie", 2))
        with pytest.raises(LaneFencedError):
            await zombie.commit(effects(b"zombie again", 3))
        await owner.commit(effects(b"after", 2))
        assert await log_bench.committed() == ([b"before", b"after"], 2)
        await zombie.close()
        await owner.close()

    run(story)


def test_an_owner_that_has_decided_nothing_yet_is_fenced_too(log_bench: LogBench) -> None:
    async def story() -> None:
        zombie, owner = log_bench.worker(), log_bench.worker()
        await zombie.open()
        await owner.open()
        with pytest.raises(LaneFencedError):
            await zombie.commit(effects(b"zombie", 1))
        await owner.commit(effects(b"after", 1))
        assert await log_bench.committed() == ([b"after"], 1)
        await zombie.close()
        await owner.close()

    run(story)


def test_a_claim_leaves_the_position_and_what_its_label_says(log_bench: LogBench) -> None:
    async def story() -> None:
        first, second = log_bench.worker(), log_bench.worker()
        await first.open()
        (unread,) = first.claimed.values()
        assert (unread[0], read_label(unread[1]).is_unread) == (0, True)
        labelled = PositionLabel(log="c/t", changelog="c/s", changelog_end=9)
        lane = LaneLog(first.shared, CHANGELOG, lambda topic, end: labelled)
        await lane.commit(effects(b"one", 1))
        await second.open()
        offset, text = second.claimed[MATCH]
        found = read_label(text)
        assert (offset, found.log, found.changelog_end) == (1, "c/t", 9)
        assert not found.is_unread
        assert found.producer.startswith("headwater-core-")
        await first.close()
        await second.close()

    run(story)


def test_a_worker_that_slept_while_it_opened_a_lane_is_fenced_and_finds_nothing_lost(
    log_bench: LogBench,
) -> None:
    """Between its positions and its state another worker took the lane over and decided."""

    async def story() -> None:
        sleeper, owner = log_bench.worker(), log_bench.worker()
        await sleeper.open()
        offsets = Offsets(log_bench.settings)
        await offsets.start()
        origin = LaneOrigin(log_bench.settings, offsets, CHANGELOG)
        assert await origin.positions([MATCH]) == {MATCH: 0}
        await owner.open()
        await owner.commit(effects(b"decided meanwhile", 1))
        with pytest.raises(LaneFencedError, match=r"committed offsets of match-0 meanwhile"):
            await origin.restore(MemoryStore())
        await offsets.stop()
        await sleeper.close()
        await owner.close()

    run(story)


def test_a_build_whose_labels_name_no_owner_is_fenced_by_the_id_of_its_lane(
    log_bench: LogBench,
) -> None:
    async def story() -> None:
        old = TransactionalProducer(log_bench.settings, "headwater-matching-0")
        await old.start()
        await old.transact(old.pack({OUT: [Message(b"k", b"old")]}), {MATCH: (1, "")})
        owner = log_bench.worker()
        await owner.open()
        with pytest.raises(LaneFencedError):
            await old.transact(old.pack({OUT: [Message(b"k", b"zombie")]}), {MATCH: (2, "")})
        await owner.commit(effects(b"new", 2))
        assert await log_bench.committed() == ([b"old", b"new"], 2)
        await old.stop()
        await owner.close()

    run(story)


def test_a_build_that_has_opened_its_lane_and_committed_nothing_yet_is_fenced_too(
    log_bench: LogBench,
) -> None:
    """Whether the partition is new, or a worker of this build committed to it before."""

    async def story() -> None:
        for position in (1, 2):
            owner = log_bench.worker()
            old = TransactionalProducer(log_bench.settings, "headwater-matching-0")
            await old.start()
            await owner.open()
            with pytest.raises(LaneFencedError):
                await old.transact(old.pack({OUT: [Message(b"k", b"zombie")]}), {MATCH: (9, "")})
            await owner.commit(effects(b"new", position))
            await old.stop()
            await owner.close()
        assert await log_bench.committed() == ([b"new", b"new"], 2)

    run(story)


def test_what_a_transaction_of_an_unknown_producer_may_still_change_is_waited_for(
    log_bench: LogBench,
) -> None:
    async def story() -> None:
        stranger = new_producer(
            log_bench.settings, transactional_id=log_bench.settings.own_prefix + "stranger"
        )
        offsets = Offsets(log_bench.settings)
        await offsets.start()
        await stranger.start()
        await stranger.begin_transaction()
        tp = aiokafka.TopicPartition(log_bench.settings.topic("match"), 0)
        await stranger.send_offsets_to_transaction({tp: 5}, log_bench.settings.group_id)
        assert await offsets.labelled([MATCH]) == {}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await offsets.labelled([MATCH], must_be_settled=True)
        await stranger.commit_transaction()
        found = await offsets.labelled([MATCH], must_be_settled=True)
        assert found[MATCH].offset == 5
        await stranger.stop()
        await offsets.stop()

    run(story)


def test_a_transaction_that_fails_fails_every_lane_that_is_in_it_or_waits_behind_it(
    log_bench: LogBench,
) -> None:
    """None is told that its checkpoint was committed, and none waits for ever."""

    async def story() -> None:
        zombie, owner = log_bench.worker(), log_bench.worker()
        await zombie.open()
        await owner.open()
        lanes = [LaneLog(zombie.shared, ("matching-changelog", p), no_label) for p in range(3)]
        commits = [asyncio.create_task(lane.commit(effects(b"lost", 1))) for lane in lanes[:2]]
        for _ in range(5):
            await asyncio.sleep(0)
        assert zombie.shared.waiting_seconds, "the first two are under way"
        commits.append(asyncio.create_task(lanes[2].commit(effects(b"lost", 2))))
        answers = await asyncio.wait_for(asyncio.gather(*commits, return_exceptions=True), 20)
        assert [type(one) for one in answers] == [LaneFencedError] * 3
        await zombie.close()
        await owner.close()

    run(story)
