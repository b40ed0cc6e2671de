"""Checkpoints and recovery on real Kafka, without workers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from deploy.local.servers import KafkaServer
from streams.runtime.checkpoint import CheckpointError, LaneFencedError, no_label
from streams.runtime.clients import new_consumer
from streams.runtime.identity import PositionLabel, read_label
from streams.runtime.offsets import LostRecordsError, Offsets
from streams.runtime.recovery import restore
from streams.runtime.state import RocksStore
from streams.runtime.transactions import LaneLog, SharedLog, take_over
from streams.runtime.transactions.producer import TransactionalProducer
from streams.settings.core import CoreSettings
from streams.stages.contract import Effects, Message, TopicPartition
from tests.integration.runtime.toy_run import Bench

pytestmark = pytest.mark.kafka

CHANGELOG = ("matching-changelog", 0)
OUT = ("attributions", 0)
MATCH = ("match", 0)


class Worker:
    """Commits for one lane, as a member of a group that has no generations."""

    def __init__(self, settings: CoreSettings) -> None:
        self.settings = settings
        self.shared = SharedLog(settings)
        self.lane = LaneLog(self.shared, CHANGELOG, no_label)
        self.commit = self.lane.commit
        self.close = self.shared.close
        self.claimed: Mapping[TopicPartition, tuple[int, str]] = {}

    async def open(self) -> None:
        """Take the lane over; the labels of its inputs then name this worker's producer."""
        await self.shared.begin(self._take_over)

    async def _take_over(self, owner: str) -> None:
        offsets = Offsets(self.settings)
        await offsets.start()
        try:
            inputs = {MATCH: "headwater-matching-0"}
            self.claimed = await take_over(self.settings, offsets, inputs, owner)
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

    def worker(self) -> Worker:
        return Worker(self.settings)

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
        worker = bench.worker()
        await worker.open()
        assert await worker.commit(effects(b"one", 7)) == 1
        assert await bench.committed() == ([b"one"], 7)
        await worker.close()

    run(story)


def test_checkpoints_that_wait_together_are_one_transaction(bench: LogBench) -> None:
    """Each lane is told where its own changelog ends, and a lane that was given up is left out."""

    async def story() -> None:
        worker = bench.worker()
        await worker.open()
        lanes = [LaneLog(worker.shared, ("matching-changelog", p), no_label) for p in range(3)]
        commits = [
            asyncio.create_task(
                lane.commit(
                    Effects(
                        messages={OUT: [Message(b"k", b"%d" % p)]},
                        changes={b"key%d" % n: b"" for n in range(p + 1)},
                        positions={("match", p): p + 1},
                    )
                )
            )
            for p, lane in enumerate(lanes)
        ]
        await asyncio.sleep(0)
        commits[1].cancel()
        assert list(await asyncio.gather(commits[0], commits[2])) == [1, 3]
        consumed, _ = await bench.committed()
        assert consumed == [b"0", b"2"]
        first, last = [await bench.end(("matching-changelog", p)) for p in (0, 2)]
        assert (first, last) == (2, 4)  # With one commit marker each.
        await worker.close()

    run(story)


def test_more_than_one_produce_batch_is_still_one_transaction(bench: LogBench) -> None:
    async def story() -> None:
        log = bench.worker()
        await log.open()
        await log.commit(effects(os.urandom(100_000), 1, messages=40))
        values, position = await bench.committed()
        assert (len(values), position) == (40, 1)
        await log.close()

    run(story)


def test_a_second_owner_fences_the_first_and_only_its_effects_count(bench: LogBench) -> None:
    """It finds the first by the label of the committed offset."""

    async def story() -> None:
        zombie, owner = bench.worker(), bench.worker()
        await zombie.open()
        await zombie.commit(effects(b"before", 1))
        await owner.open()
        with pytest.raises(LaneFencedError, match="headwater-core-"):
            await zombie.commit(effects(b"zombie", 2))
        with pytest.raises(LaneFencedError):
            await zombie.commit(effects(b"zombie again", 3))
        await owner.commit(effects(b"after", 2))
        assert await bench.committed() == ([b"before", b"after"], 2)
        await zombie.close()
        await owner.close()

    run(story)


def test_an_owner_that_has_decided_nothing_yet_is_fenced_too(bench: LogBench) -> None:
    async def story() -> None:
        zombie, owner = bench.worker(), bench.worker()
        await zombie.open()
        await owner.open()
        with pytest.raises(LaneFencedError):
            await zombie.commit(effects(b"zombie", 1))
        await owner.commit(effects(b"after", 1))
        assert await bench.committed() == ([b"after"], 1)
        await zombie.close()
        await owner.close()

    run(story)


def test_a_claim_leaves_the_position_and_what_its_label_says(bench: LogBench) -> None:
    async def story() -> None:
        first, second = bench.worker(), bench.worker()
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


def test_a_build_whose_labels_name_no_owner_is_fenced_by_the_id_of_its_lane(
    bench: LogBench,
) -> None:
    async def story() -> None:
        old = TransactionalProducer(bench.settings, "headwater-matching-0")
        await old.start()
        await old.transact(old.pack({OUT: [Message(b"k", b"old")]}), {MATCH: (1, "")})
        owner = bench.worker()
        await owner.open()
        with pytest.raises(LaneFencedError):
            await old.transact(old.pack({OUT: [Message(b"k", b"zombie")]}), {MATCH: (2, "")})
        await owner.commit(effects(b"new", 2))
        assert await bench.committed() == ([b"old", b"new"], 2)
        await old.stop()
        await owner.close()

    run(story)


def test_a_message_that_cannot_be_written_leaves_nothing_of_its_checkpoint(bench: LogBench) -> None:
    async def story() -> None:
        log, successor = bench.worker(), bench.worker()
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
        log = bench.worker()
        await log.open()
        for number in range(50):
            changes: dict[bytes, bytes | None] = {b"key%d" % n: b"%d" % number for n in range(20)}
            changes[b"deleted%d" % number] = b""
            changes[b"deleted%d" % (number - 1)] = None
            await log.commit(Effects(changes=changes, positions={("match", 0): number}))
        store = RocksStore(bench.folder / "store")
        await log.close()
        log = bench.worker()
        await log.open()
        await restore(bench.settings, CHANGELOG, store)
        assert dict(store.entries()) == {b"key%d" % n: b"49" for n in range(20)} | {
            b"deleted49": b""
        }
        await log.commit(Effects(changes={b"key0": b"new"}, positions={("match", 0): 50}))
        await log.close()
        log = bench.worker()
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
        log = bench.worker()
        await log.open()
        await log.commit(effects(b"new", 1))
        await log.close()
        log = bench.worker()
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
        log, offsets = bench.worker(), Offsets(bench.settings)
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
