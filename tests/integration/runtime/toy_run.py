"""Topics and worker processes for the toy stages, and the outcomes that they wrote."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.runtime.clients import new_consumer
from tests.integration.runtime.toy_stages import settings

PARTITIONS = 4
TOPICS = (
    "touchpoints",
    "installs",
    "match",
    "matching-changelog",
    "attributions",
    "quarantined",
    "ledger",
)
_names = itertools.count(1)


@dataclass
class Bench:
    """One run, with topics (by prefix), a consumer group and state folders of its own."""

    bootstrap: str
    folder: Path
    prefix: str = field(default_factory=lambda: f"toy{os.getpid()}x{next(_names)}-")
    sent: int = 0
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    seen: Outcomes = field(default_factory=lambda: Outcomes())

    async def create_topics(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            new = [NewTopic(self.prefix + name, PARTITIONS, 1) for name in TOPICS]
            await admin.create_topics([*new, NewTopic(self.prefix + "model-snapshots", 1, 1)])
        finally:
            await admin.close()

    def start_worker(self, folder: str = "", lost_polls: int = 0) -> subprocess.Popen[bytes]:
        """Start a worker with a state folder of its own; `embedded` keeps its state in memory.
        So many of its polls reach nobody."""
        state = folder or str(self.folder / f"worker{len(self.workers)}")
        errors = (self.folder / f"stderr{len(self.workers)}").open("wb")
        worker = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.integration.runtime.toy_stages",
                self.bootstrap,
                state,
                self.prefix,
                str(lost_polls),
            ],
            stderr=errors,
        )
        self.workers.append(worker)
        self.folders.append(state)
        return worker

    def folder_of(self, worker: subprocess.Popen[bytes]) -> str:
        return self.folders[self.workers.index(worker)]

    def stderr(self, worker: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"stderr{self.workers.index(worker)}").read_text()

    async def end_of(self, worker: subprocess.Popen[bytes], seconds: float = 120.0) -> int:
        """The exit code of a worker that ends by itself; fails with its stack if it does not."""
        try:
            return await asyncio.to_thread(worker.wait, seconds)
        except subprocess.TimeoutExpired:
            worker.send_signal(signal.SIGUSR1)
            await asyncio.sleep(2)
            raise AssertionError(f"still runs:\n{self.stderr(worker)}") from None

    def stop(self) -> None:
        """Kill every worker that still runs, also a suspended one."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
                worker.wait()

    async def send(
        self, records: int, seconds: float = 0.0, keys: int = 500, name: str = "key"
    ) -> None:
        """Send records to both source topics, spread over the given time."""
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=5)
        await producer.start()
        try:
            for burst in range(20):
                for number in range(records * burst // 20, records * (burst + 1) // 20):
                    topic = self.prefix + TOPICS[number % 2]
                    key = b"%s%d" % (name.encode(), number * 7919 % keys)
                    await producer.send(topic, b"x" * 100, key, partition=number // 2 % PARTITIONS)
                await asyncio.sleep(seconds / 20)
        finally:
            await producer.stop()
        self.sent += records

    async def send_one(self, topic: str, key: bytes, partition: int) -> None:
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        await producer.start()
        try:
            await producer.send_and_wait(self.prefix + topic, b"", key, partition)
        finally:
            await producer.stop()

    async def publishing_model(self, version: str) -> aiokafka.AIOKafkaProducer:
        """Who publishes a version and has not committed it; its records wait for that."""
        learner = aiokafka.AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            transactional_id=f"{self.prefix}slow-learner",
            transaction_timeout_ms=600_000,
        )
        await learner.start()
        await learner.begin_transaction()
        topic = self.prefix + "model-snapshots"
        await learner.send_and_wait(topic, b"weights", f"{version}/0/1".encode())
        return learner

    async def quarantined(self) -> list[bytes]:
        """The committed rows about what was set aside."""
        base = settings(self.bootstrap, "embedded", self.prefix)
        consumer = new_consumer(base, fetch_max_wait_ms=50)
        await consumer.start()
        try:
            topic = self.prefix + "quarantined"
            tps = [aiokafka.TopicPartition(topic, p) for p in range(PARTITIONS)]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            polled = await consumer.getmany(timeout_ms=5_000)
            return [record.value for records in polled.values() for record in records]
        finally:
            await consumer.stop()

    async def outcomes(self, seconds: float) -> Outcomes:
        """All committed outcomes, as soon as there are as many as records were sent."""
        base = settings(self.bootstrap, "embedded", self.prefix)
        consumer = new_consumer(base, group_id=base.storing_group_id, fetch_max_wait_ms=50)
        await consumer.start()
        seen = self.seen
        try:
            topic = self.prefix + "attributions"
            consumer.assign([aiokafka.TopicPartition(topic, p) for p in range(PARTITIONS)])
            give_up_at = time.monotonic() + seconds
            quiet = 0
            # Read a little longer than needed, to find outcomes that are too many.
            while quiet < 3 and time.monotonic() < give_up_at:
                polled = await consumer.getmany(timeout_ms=200)
                for records in polled.values():
                    seen.add(records)
                if polled:
                    await consumer.commit()
                quiet = quiet + 1 if seen.total >= self.sent and not polled else 0
        finally:
            await consumer.stop()
        return seen


@dataclass
class Outcomes:
    total: int = 0
    counts: dict[bytes, list[int]] = field(default_factory=lambda: defaultdict(list))
    origins: set[bytes] = field(default_factory=set)
    keys_known: dict[int, int] = field(default_factory=dict)
    keys_seen: dict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))

    def add(self, records: Iterable[aiokafka.ConsumerRecord]) -> None:
        for record in records:
            count, origin, known = record.value.split()
            self.total += 1
            self.counts[record.key].append(int(count))
            self.origins.add(origin)
            self.keys_known[record.partition] = int(known)
            self.keys_seen[record.partition].add(record.key)

    def assert_each_record_counted_once(self, sent: int) -> None:
        assert (self.total, len(self.origins)) == (sent, sent)
        for key, counts in self.counts.items():
            assert counts == list(range(1, len(counts) + 1)), key
        # The stage rebuilt this from its state after every restart.
        assert self.keys_known == {p: len(keys) for p, keys in self.keys_seen.items()}
