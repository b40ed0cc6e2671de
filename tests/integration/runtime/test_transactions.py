"""Checkpoints and recovery on real Kafka, without workers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from deploy.local.servers import KafkaServer
from streams.runtime.checkpoint import CheckpointError, KafkaLog, LaneFencedError
from streams.runtime.clients import new_consumer
from streams.runtime.offsets import LostRecordsError, Offsets
from streams.runtime.recovery import restore
from streams.runtime.state import RocksStore
from streams.settings.core import CoreSettings
from streams.stages.contract import Effects, Message
from tests.integration.runtime.toy_run import Bench

pytestmark = pytest.mark.kafka

CHANGELOG = ("matching-changelog", 0)
OUT = ("attributions", 0)


@dataclass
class LogBench:
    """The topics of one test, and what is committed to them."""

    settings: CoreSettings
    folder: Path

    def log(self) -> KafkaLog:
        return KafkaLog(self.settings, "headwater-matching-0", CHANGELOG)

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


@pytest.fixture
def bench(kafka: KafkaServer, tmp_path: Path) -> LogBench:
    run = Bench(kafka.address, tmp_path)
    asyncio.run(run.create_topics())
    return LogBench(
        CoreSettings(kafka.address, topic_prefix=run.prefix, group_id=f"{run.prefix}core"),
        tmp_path,
    )


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


def test_messages_state_and_position_become_visible_together(bench: LogBench) -> None:
    async def story() -> None:
        log = bench.log()
        await log.open()
        written = await log.commit(effects(b"one", 7))
        assert (written.messages, written.changelog_end) == (2, 1)
        assert await bench.committed() == ([b"one"], 7)
        await log.close()

    run(story)


def test_more_than_one_produce_batch_is_still_one_transaction(bench: LogBench) -> None:
    async def story() -> None:
        log = bench.log()
        await log.open()
        await log.commit(effects(os.urandom(100_000), 1, messages=40))
        values, position = await bench.committed()
        assert (len(values), position) == (40, 1)
        await log.close()

    run(story)


def test_a_second_owner_fences_the_first_and_only_its_effects_count(bench: LogBench) -> None:
    async def story() -> None:
        zombie, owner = bench.log(), bench.log()
        await zombie.open()
        await zombie.commit(effects(b"before", 1))
        await owner.open()
        with pytest.raises(LaneFencedError, match="headwater-matching-0"):
            await zombie.commit(effects(b"zombie", 2))
        await owner.commit(effects(b"after", 2))
        assert await bench.committed() == ([b"before", b"after"], 2)
        await zombie.close()
        await owner.close()

    run(story)


def test_a_message_that_cannot_be_written_leaves_nothing_of_its_checkpoint(bench: LogBench) -> None:
    async def story() -> None:
        log, successor = bench.log(), bench.log()
        await log.open()
        broken = effects(b"half", 5)
        broken.send("no-such-topic", 0, Message(b"k", b"v"))
        with pytest.raises((CheckpointError, TimeoutError)):
            async with asyncio.timeout(5):
                await log.commit(broken)
        await successor.open()
        await successor.commit(effects(b"whole", 6))
        assert await bench.committed() == ([b"whole"], 6)
        await log.close()
        await successor.close()

    run(story)


def test_a_store_is_restored_to_the_end_of_the_committed_changelog(bench: LogBench) -> None:
    async def story() -> None:
        log = bench.log()
        await log.open()
        for number in range(50):
            changes: dict[bytes, bytes | None] = {b"key%d" % n: b"%d" % number for n in range(20)}
            changes[b"deleted%d" % number] = b""
            changes[b"deleted%d" % (number - 1)] = None
            await log.commit(Effects(changes=changes, positions={("match", 0): number}))
        store = RocksStore(bench.folder / "store")
        await log.close()
        log = bench.log()
        await log.open()
        await restore(bench.settings, CHANGELOG, store)
        assert dict(store.entries()) == {b"key%d" % n: b"49" for n in range(20)} | {
            b"deleted49": b""
        }
        await log.commit(Effects(changes={b"key0": b"new"}, positions={("match", 0): 50}))
        await log.close()
        log = bench.log()
        await log.open()
        caught_up = await restore(bench.settings, CHANGELOG, store)
        assert (caught_up.records, caught_up.from_start) == (1, False)
        assert store.get(b"key0") == b"new"
        store.close()
        await log.close()

    run(story)


def test_a_store_of_another_log_is_discarded(bench: LogBench) -> None:
    """Its topic was made anew, so the position means nothing."""

    async def story() -> None:
        log = bench.log()
        await log.open()
        await log.commit(effects(b"new", 1))
        await log.close()
        log = bench.log()
        await log.open()
        store = RocksStore(bench.folder / "store")
        store.apply({b"ghost": b"of the old log"}, 1_000)
        await restore(bench.settings, CHANGELOG, store)
        assert dict(store.entries()) == {b"key": b"new"}
        store.close()
        await log.close()

    run(story)


def test_records_that_retention_removed_before_they_were_read_are_reported(bench: LogBench) -> None:
    async def story() -> None:
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=bench.settings.bootstrap_servers)
        await producer.start()
        topic = bench.settings.topic("installs")
        for _ in range(9):
            await producer.send_and_wait(topic, b"x", b"k", partition=0)
        await producer.stop()
        log, offsets = bench.log(), Offsets(bench.settings)
        await log.open()
        await log.commit(Effects(positions={("installs", 0): 2}))
        await offsets.start()
        assert await offsets.positions([("installs", 0)]) == {("installs", 0): 2}
        await _delete_records(bench, topic, before=5)
        with pytest.raises(LostRecordsError, match="3 records are lost"):
            await offsets.positions([("installs", 0)])
        await offsets.stop()
        await log.close()

    run(story)


async def _delete_records(bench: LogBench, topic: str, before: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.settings.bootstrap_servers)
    await admin.start()
    tp = aiokafka.TopicPartition(topic, 0)
    await admin.delete_records({tp: RecordsToDelete(before_offset=before)})
    await admin.close()
