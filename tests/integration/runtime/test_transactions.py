"""Checkpoints and recovery on real Kafka, without workers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from streams.runtime.checkpoint import CheckpointError, LogOptions, no_label
from streams.runtime.offsets import LostRecordsError, Offsets
from streams.runtime.pacing.lead import BoundedLead
from streams.runtime.recovery import restore
from streams.runtime.reports import LaneObserver
from streams.runtime.state import RocksStore
from streams.runtime.transactions import LaneLog, StageLogs
from streams.runtime.transactions.shared_log import TRANSACTION_MESSAGES_MAX
from streams.settings.core import LeadBounds
from streams.stages.contract import Effects, Message, TopicPartition
from tests.integration.runtime.log_bench import (
    CHANGELOG,
    MATCH,
    OUT,
    STAGE,
    LogBench,
    effects,
    run,
)

pytestmark = pytest.mark.kafka


def test_messages_state_and_position_become_visible_together(log_bench: LogBench) -> None:
    async def story() -> None:
        worker = log_bench.worker()
        await worker.open()
        assert await worker.commit(effects(b"one", 7)) == 1
        assert await log_bench.committed() == ([b"one"], 7)
        await worker.close()

    run(story)


def test_checkpoints_that_wait_together_are_one_transaction(log_bench: LogBench) -> None:
    """Each lane is told where its own changelog ends, and a lane that was given up is left out."""

    async def story() -> None:
        worker = log_bench.worker()
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
        consumed, _ = await log_bench.committed()
        assert consumed == [b"0", b"2"]
        first, last = [await log_bench.end(("matching-changelog", p)) for p in (0, 2)]
        assert (first, last) == (2, 4)  # With one commit marker each.
        await worker.close()

    run(story)


def test_a_lane_that_waits_for_its_readers_does_not_keep_them_from_committing(
    log_bench: LogBench,
) -> None:
    """Readers are lanes of the same worker. Only the embedded broker bounds how far behind."""

    async def story() -> None:
        read = 0

        async def committed_of(tp: TopicPartition) -> int | None:
            return read

        bounds = LeadBounds(bytes_max=1_000_000, messages_max=1, stalled_seconds=60)
        options = LogOptions(new_lead=lambda: BoundedLead(bounds, committed_of))
        worker = log_bench.worker(options)
        await worker.open()
        await worker.commit(effects(b"one", 1))
        waiting = asyncio.create_task(worker.commit(effects(b"two", 2)))
        await asyncio.sleep(0)
        reader = LaneLog(worker.shared, ("matching-changelog", 1), no_label)
        await reader.commit(Effects(changes={b"key": b""}, positions={("match", 1): 1}))
        assert not waiting.done()
        read = 1
        await waiting
        assert await log_bench.committed() == ([b"one", b"two"], 2)
        await worker.close()

    run(story)


def test_a_log_that_was_closed_while_it_was_taken_over_takes_nothing(log_bench: LogBench) -> None:
    async def story() -> None:
        worker = log_bench.worker()

        async def overtaken(owners: Mapping[str, str]) -> None:
            await worker.logs.close()

        with pytest.raises(CheckpointError, match="taken over"):
            await worker.logs.begin([STAGE], overtaken)
        with pytest.raises(CheckpointError, match="generation"):
            await worker.commit(effects(b"late", 1))

    run(story)


class _FullTransactions(LaneObserver):
    """Notes what a log reports of transactions that are full."""

    def __init__(self) -> None:
        self.full: list[tuple[str, int]] = []

    def on_transaction_full(self, stage: str, waiting: int) -> None:
        self.full.append((stage, waiting))


def test_a_transaction_that_is_full_leaves_the_rest_to_the_next_and_says_so(
    log_bench: LogBench,
) -> None:
    async def story() -> None:
        reported = _FullTransactions()
        worker = log_bench.worker(LogOptions(observer=reported))
        await worker.open()
        lanes = [LaneLog(worker.shared, ("matching-changelog", p), no_label) for p in range(3)]
        many = TRANSACTION_MESSAGES_MAX // 2
        await asyncio.gather(*(lane.commit(effects(b"", 1, many)) for lane in lanes))
        assert reported.full == [("deciding", 2), ("deciding", 1)]
        values, _ = await log_bench.committed()
        assert len(values) == 3 * many
        await worker.close()

    run(story)


def test_learning_commits_while_those_who_decide_wait_for_their_transaction(
    log_bench: LogBench,
) -> None:
    """And goes on when the other can commit no more."""

    async def story() -> None:
        gate = asyncio.Event()

        async def slow_for_matching(positions: Mapping[TopicPartition, int]) -> None:
            if MATCH in positions:
                await gate.wait()

        async def at_once(owners: Mapping[str, str]) -> None:
            assert owners[STAGE] == owners["intake"] != owners["learning"]

        options = LogOptions(announce=slow_for_matching)
        logs = StageLogs(log_bench.settings, [STAGE, "intake", "learning"], options)
        await logs.begin([STAGE, "intake", "learning"], at_once)
        matching = LaneLog(logs.of(STAGE), CHANGELOG, no_label)
        learning = LaneLog(logs.of("learning"), None, no_label)
        waiting = asyncio.create_task(matching.commit(effects(b"slow", 1)))
        await learning.commit(Effects(positions={("installs", 0): 1}))
        assert not waiting.done()
        gate.set()
        await waiting
        await logs.of(STAGE).close()
        with pytest.raises(CheckpointError, match="generation"):
            await matching.commit(effects(b"late", 2))
        await learning.commit(Effects(positions={("installs", 0): 2}))
        await logs.close()

    run(story)


def test_more_than_one_produce_batch_is_still_one_transaction(log_bench: LogBench) -> None:
    async def story() -> None:
        log = log_bench.worker()
        await log.open()
        await log.commit(effects(os.urandom(100_000), 1, messages=40))
        values, position = await log_bench.committed()
        assert (len(values), position) == (40, 1)
        await log.close()

    run(story)


def test_a_message_that_cannot_be_written_leaves_nothing_of_its_checkpoint(
    log_bench: LogBench,
) -> None:
    async def story() -> None:
        log, successor = log_bench.worker(), log_bench.worker()
        await log.open()
        broken = effects(b"half", 5)
        broken.send("no-such-topic", 0, Message(b"k", b"v"))
        with pytest.raises((CheckpointError, TimeoutError)):
            async with asyncio.timeout(5):
                await log.commit(broken)
        await successor.open()
        await successor.commit(effects(b"whole", 6))
        assert await log_bench.committed() == ([b"whole"], 6)
        await log.close()
        await successor.close()

    run(story)


def test_a_store_is_restored_to_the_end_of_the_committed_changelog(log_bench: LogBench) -> None:
    async def story() -> None:
        log = log_bench.worker()
        await log.open()
        for number in range(50):
            changes: dict[bytes, bytes | None] = {b"key%d" % n: b"%d" % number for n in range(20)}
            changes[b"deleted%d" % number] = b""
            changes[b"deleted%d" % (number - 1)] = None
            await log.commit(Effects(changes=changes, positions={("match", 0): number}))
        store = RocksStore(log_bench.folder / "store")
        await log.close()
        log = log_bench.worker()
        await log.open()
        await restore(log_bench.settings, CHANGELOG, store)
        assert dict(store.entries()) == {b"key%d" % n: b"49" for n in range(20)} | {
            b"deleted49": b""
        }
        await log.commit(Effects(changes={b"key0": b"new"}, positions={("match", 0): 50}))
        await log.close()
        log = log_bench.worker()
        await log.open()
        caught_up = await restore(log_bench.settings, CHANGELOG, store)
        assert (caught_up.records, caught_up.from_start) == (1, False)
        assert store.get(b"key0") == b"new"
        store.close()
        await log.close()

    run(story)


def test_a_store_of_another_log_is_discarded(log_bench: LogBench) -> None:
    """Its topic was made anew, so the position means nothing."""

    async def story() -> None:
        log = log_bench.worker()
        await log.open()
        await log.commit(effects(b"new", 1))
        await log.close()
        log = log_bench.worker()
        await log.open()
        store = RocksStore(log_bench.folder / "store")
        store.apply({b"ghost": b"of the old log"}, 1_000)
        await restore(log_bench.settings, CHANGELOG, store)
        assert dict(store.entries()) == {b"key": b"new"}
        store.close()
        await log.close()

    run(story)


def test_records_that_retention_removed_before_they_were_read_are_reported(
    log_bench: LogBench,
) -> None:
    async def story() -> None:
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=log_bench.settings.bootstrap_servers)
        await producer.start()
        topic = log_bench.settings.topic("installs")
        for _ in range(9):
            await producer.send_and_wait(topic, b"x", b"k", partition=0)
        await producer.stop()
        log, offsets = log_bench.worker(), Offsets(log_bench.settings)
        await log.open()
        await log.commit(Effects(positions={("installs", 0): 2}))
        await offsets.start()
        assert await offsets.positions([("installs", 0)]) == {("installs", 0): 2}
        await _delete_records(log_bench, topic, before=5)
        with pytest.raises(LostRecordsError, match="3 records are lost"):
            await offsets.positions([("installs", 0)])
        await offsets.stop()
        await log.close()

    run(story)


async def _delete_records(log_bench: LogBench, topic: str, before: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=log_bench.settings.bootstrap_servers)
    await admin.start()
    tp = aiokafka.TopicPartition(topic, 0)
    await admin.delete_records({tp: RecordsToDelete(before_offset=before)})
    await admin.close()
