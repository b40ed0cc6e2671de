"""The commit path of workers on real Kafka, without the workers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiokafka

from streams.runtime.checkpoint import LogOptions, no_label
from streams.runtime.clients import new_consumer
from streams.runtime.offsets import Offsets
from streams.runtime.transactions import LaneLog, StageLogs, successions, take_over
from streams.settings.core import CoreSettings
from streams.stages.contract import Effects, Message, TopicPartition
from tests.integration.runtime.toy_run import Bench

STAGE = "matching"
CHANGELOG = ("matching-changelog", 0)
OUT = ("attributions", 0)
MATCH = ("match", 0)


class Worker:
    """Commits for one lane, as a member of a group that has no generations."""

    def __init__(self, settings: CoreSettings, options: LogOptions | None = None) -> None:
        self.settings = settings
        self.logs = StageLogs(settings, [STAGE], options)
        self.shared = self.logs.of(STAGE)
        self.lane = LaneLog(self.shared, CHANGELOG, no_label)
        self.commit = self.lane.commit
        self.close = self.logs.close
        self.claimed: Mapping[TopicPartition, tuple[int, str]] = {}

    async def open(self) -> None:
        """Take the lane over; the labels of its inputs then name this worker's producer."""
        await self.logs.begin([STAGE], self._take_over)

    async def _take_over(self, owners: Mapping[str, str]) -> None:
        offsets = Offsets(self.settings)
        await offsets.start()
        try:
            inputs = successions({(STAGE, 0): [MATCH]}, owners)
            self.claimed = await take_over(self.settings, offsets, inputs)
            await self._claim()
        finally:
            await offsets.stop()

    async def _claim(self) -> None:
        """Commit as a group without members, whose commits Kafka takes from anybody."""
        consumer = new_consumer(self.settings, group_id=self.settings.group_id)
        await consumer.start()
        topic = self.settings.topic
        claimed = {
            aiokafka.TopicPartition(topic(name), p): at for (name, p), at in self.claimed.items()
        }
        consumer.assign(list(claimed))
        await consumer.commit(claimed)
        await consumer.stop()


@dataclass
class LogBench:
    """The topics of one test, and what is committed to them."""

    settings: CoreSettings
    folder: Path

    def worker(self, options: LogOptions | None = None) -> Worker:
        return Worker(self.settings, options)

    async def end(self, tp: TopicPartition) -> int:
        """The next offset of a log."""
        offsets = Offsets(self.settings)
        await offsets.start()
        try:
            return (await offsets.high_watermark([tp]))[tp]
        finally:
            await offsets.stop()

    async def committed(self) -> tuple[list[bytes | None], int]:
        """Values on the outcome topic and the group's position."""
        consumer = new_consumer(self.settings)
        offsets = Offsets(self.settings)
        await consumer.start()
        await offsets.start()
        try:
            tp = aiokafka.TopicPartition(self.settings.topic(OUT[0]), OUT[1])
            consumer.assign([tp])
            # Commit markers are written a moment after the commit and end the readable log.
            end = (await offsets.high_watermark([OUT]))[OUT]
            values = []
            async with asyncio.timeout(120):
                while await consumer.position(tp) < end:
                    polled = await consumer.getmany(tp, timeout_ms=200)
                    values += [record.value for record in polled.get(tp, ())]
            position = await offsets.committed(self.settings.group_id, [("match", 0)])
            return values, position.get(("match", 0), 0)
        finally:
            await consumer.stop()
            await offsets.stop()


def new_log_bench(address: str, folder: Path) -> LogBench:
    """With topics of its own."""
    run = Bench(address, folder)
    asyncio.run(run.create_topics())
    settings = CoreSettings(address, topic_prefix=run.prefix, group_id=f"{run.prefix}core")
    return LogBench(settings, folder)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await story()

    asyncio.run(bounded())


def effects(value: bytes, position: int, messages: int = 1) -> Effects:
    return Effects(
        messages={OUT: [Message(b"k", value)] * messages},
        changes={b"key": value},
        positions={("match", 0): position},
    )
