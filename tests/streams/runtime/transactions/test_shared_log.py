"""When the lanes of a shared log may commit, and when they go on. The producer is in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from streams.runtime.checkpoint import CheckpointError, no_label
from streams.runtime.transactions.producer import Batches, TransactionalProducer
from streams.runtime.transactions.shared_log import LaneLog, SharedLog
from streams.settings.core import CoreSettings
from streams.stages.contract import Effects, Message, TopicPartition


class InMemory(TransactionalProducer):
    """Commits nowhere; tests say when a transaction ends, and which one fails."""

    def __init__(self, settings: CoreSettings, transactional_id: str) -> None:
        self.committed: list[dict[TopicPartition, int]] = []
        self.failure: Exception | None = None
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def start(self) -> None:
        """There is nobody to fence."""

    def pack(self, messages: Mapping[TopicPartition, Sequence[Message]]) -> Batches:
        return {tp: [] for tp in messages}

    async def transact(
        self, batches: Batches, positions: Mapping[TopicPartition, tuple[int, str]]
    ) -> dict[TopicPartition, int]:
        await self.may_end.wait()
        if self.failure is not None:
            raise self.failure
        self.committed.append({tp: offset for tp, (offset, _) in positions.items()})
        return dict.fromkeys(batches, 1)

    async def stop(self) -> None:
        """There is nothing to disconnect."""


class Worker:
    """A log of two lanes, and the producers that it made."""

    def __init__(self) -> None:
        self.producers: list[InMemory] = []
        self.log = SharedLog(CoreSettings("nowhere"), "deciding", producer=self._new)
        self.lanes = [LaneLog(self.log, None, no_label) for _ in range(2)]

    def _new(self, settings: CoreSettings, transactional_id: str) -> InMemory:
        self.producers.append(InMemory(settings, transactional_id))
        return self.producers[-1]

    async def commit(self, lane: int, offset: int) -> int | None:
        return await self.lanes[lane].commit(Effects(positions={("match", lane): offset}))


def run(story: Callable[[Worker], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await story(Worker())

    asyncio.run(bounded())


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_nothing_is_committed_before_the_lanes_are_taken_over() -> None:
    async def story(worker: Worker) -> None:
        with pytest.raises(CheckpointError, match="no producer of this generation"):
            await worker.commit(0, 1)
        name = await worker.log.open()
        with pytest.raises(CheckpointError, match="no producer of this generation"):
            await worker.commit(0, 1)
        worker.log.admit(name)
        await worker.commit(0, 1)
        assert worker.producers[0].committed == [{("match", 0): 1}]

    run(story)


def test_lanes_go_on_once_their_transaction_is_committed_and_no_sooner() -> None:
    async def story(worker: Worker) -> None:
        worker.log.admit(await worker.log.open())
        (producer,) = worker.producers
        producer.may_end.clear()
        lanes = [asyncio.create_task(worker.commit(lane, 5)) for lane in range(2)]
        await settle()
        assert not any(lane.done() for lane in lanes)
        producer.may_end.set()
        await asyncio.gather(*lanes)
        assert producer.committed == [{("match", 0): 5, ("match", 1): 5}]

    run(story)


def test_after_a_transaction_that_failed_nothing_is_committed_until_there_is_another_producer() -> (
    None
):
    """Whether it took effect is not known, and what was decided after it rests on it."""

    async def story(worker: Worker) -> None:
        worker.log.admit(await worker.log.open())
        (first,) = worker.producers
        first.failure = CheckpointError("the broker is away")
        first.may_end.clear()
        failing = asyncio.create_task(worker.commit(0, 1))
        await settle()
        waiting = asyncio.create_task(worker.commit(1, 1))
        await settle()
        first.may_end.set()
        for lane in (failing, waiting):
            with pytest.raises(CheckpointError, match="the broker is away"):
                await lane
        first.failure = None
        with pytest.raises(CheckpointError, match="the broker is away"):
            await worker.commit(1, 2)
        assert first.committed == []
        await worker.log.close()
        worker.log.admit(await worker.log.open())
        await worker.commit(1, 1)
        assert worker.producers[1].committed == [{("match", 1): 1}]

    run(story)
