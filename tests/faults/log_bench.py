"""Topics that are deleted, created anew, cut off or grown under toy workers on real Kafka."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.errors import KafkaError

from streams.runtime.clients import new_consumer
from tests.integration.runtime.toy_run import PARTITIONS, Bench, Outcomes
from tests.integration.runtime.toy_stages import settings

_COMMAND = re.compile(r"`kafka-consumer-groups\.sh ([^`]+)`")
WAIT_SECONDS = 60.0


class LogBench(Bench):
    """A `Bench` whose logs can be exchanged. A worker keeps its state folder when it restarts."""

    async def recreate(self, *topics: str) -> None:
        """Delete topics and create them anew; returns once they have other ids."""
        admin = await self._admin()
        names = [self.prefix + topic for topic in topics]
        try:
            await admin.delete_topics(names)
            give_up_at = time.monotonic() + WAIT_SECONDS
            while set(names) & set(await admin.list_topics()):
                assert time.monotonic() < give_up_at
                await asyncio.sleep(0.1)
            await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
        finally:
            await admin.close()

    async def grow(self, *topics: str) -> None:
        admin = await self._admin()
        grown = {self.prefix + topic: NewPartitions(2 * PARTITIONS) for topic in topics}
        try:
            await admin.create_partitions(grown)
        finally:
            await admin.close()

    async def shorten(self, topic: str) -> None:
        """Delete every record of a topic, as its retention does."""
        admin = await self._admin()
        tps = {aiokafka.TopicPartition(self.prefix + topic, p): -1 for p in range(PARTITIONS)}
        try:
            await admin.delete_records({tp: RecordsToDelete(before_offset=-1) for tp in tps})
        finally:
            await admin.close()

    async def settled(self, folder: str = "") -> str:
        """A worker that counts 2,000 records and is stopped; its state folder."""
        worker = self.start_worker(folder)
        await self.send(2_000)
        seen = await self.outcomes(WAIT_SECONDS)
        assert seen.total >= self.sent, self.stderr(worker)
        await self.stop_worker()
        return self.folder_of(worker)

    async def stop_worker(self) -> None:
        self.workers[-1].send_signal(signal.SIGTERM)
        assert await self.end_of(self.workers[-1]) == 0, self.stderr(self.workers[-1])

    async def complaint(self) -> str:
        """The line with which the latest worker ends by itself."""
        assert await self.end_of(self.workers[-1], WAIT_SECONDS) == 1
        *_, line = self.stderr(self.workers[-1]).splitlines()
        assert line.startswith("headwater worker: "), line
        return line

    async def follow_advice(self, line: str) -> None:
        """Do what the command does that a worker's last line ends with.

        The jars here have no kafka-consumer-groups.sh; the broker refuses a group that still has
        members in the same way.
        """
        found = _COMMAND.search(line)
        assert found is not None, line
        words = shlex.split(found[1])
        assert words[-3:] == ["--reset-offsets", "--to-earliest", "--execute"]
        assert words[words.index("--bootstrap-server") + 1] == self.bootstrap
        topic, _, partition = words[words.index("--topic") + 1].partition(":")
        chosen = [int(one) for one in partition.split(",")] if partition else range(PARTITIONS)
        tps = [aiokafka.TopicPartition(topic, p) for p in chosen]
        base = settings(self.bootstrap, "embedded", self.prefix)
        group = words[words.index("--group") + 1]
        give_up_at = time.monotonic() + WAIT_SECONDS
        while True:
            consumer = new_consumer(base, group_id=group)
            await consumer.start()
            try:
                consumer.assign(tps)
                await consumer.commit(await consumer.beginning_offsets(tps))
                return
            except KafkaError:
                # The group keeps the member that has ended for the time of its session.
                assert time.monotonic() < give_up_at
                await asyncio.sleep(0.5)
            finally:
                await consumer.stop()

    async def well(self, records: int = 1_000) -> Outcomes:
        """Send more records; return once everything that was sent has an outcome."""
        await self.send(records)
        seen = await self.outcomes(WAIT_SECONDS)
        assert seen.total >= self.sent, self.stderr(self.workers[-1])
        return seen

    def forget(self) -> None:
        """Expect nothing of what was sent so far: its topics are gone."""
        self.sent, self.seen = 0, Outcomes()

    async def _admin(self) -> AIOKafkaAdminClient:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        return admin


def state_files(folder: str, pattern: str) -> Sequence[Path]:
    """Files of every partition's RocksDB."""
    return sorted(Path(folder).glob(f"matching/*/{pattern}"))
