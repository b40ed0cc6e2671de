"""Several storing workers share the partitions; they come, go, hang and die, and no row is stored
twice or lost.

Real Kafka and a real ClickHouse server. That server is older than Headwater's column types, so the
tables are stood in for by plainer ones with the same column names.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from deploy.local.servers import ClickHouseServer, KafkaServer
from schemas import outcomes, topics
from streams.kafka.caught_up import caught_up
from streams.settings.storing import StoreTarget, StoringSettings
from streams.store.migrations import migrations
from streams.store.server import ServerStore
from streams.store.tables import TABLES, ColumnKind
from tests.worlds.stores.traffic_outcomes import touch

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

PARTITIONS = 4
ROWS = 20_000
SESSION_SECONDS = 6.0
WAIT_SECONDS = 120.0
OLD_TYPES = {
    ColumnKind.TEXT: "String",
    ColumnKind.INTEGER: "Int64",
    ColumnKind.TIME: "Int64",
    ColumnKind.FLAG: "UInt8",
    ColumnKind.FRACTION: "Float64",
    ColumnKind.TEXTS: "Array(String)",
    ColumnKind.INTEGERS: "Array(Int64)",
    ColumnKind.FRACTIONS_BY_NAME: "Array(Float64)",
}


@pytest.fixture
def store(clickhouse_server: ClickHouseServer) -> Iterator[ServerStore]:
    opened = ServerStore(StoreTarget(url=clickhouse_server.url))
    for table in TABLES.values():
        columns = ", ".join(
            f"{column.name} {OLD_TYPES[column.kind]}" for column in table.all_columns
        )
        opened.execute(f"DROP TABLE IF EXISTS {table.name}")
        opened.execute(
            f"CREATE TABLE {table.name} ({columns}) ENGINE = MergeTree"
            " PARTITION BY tuple() ORDER BY log_offset"
        )
    opened.execute("DROP TABLE IF EXISTS schema_migrations")
    opened.execute(
        "CREATE TABLE schema_migrations (number Int64, name String, checksum String,"
        " applied_at DateTime DEFAULT now()) ENGINE = MergeTree"
        " PARTITION BY tuple() ORDER BY number"
    )
    for migration in migrations():
        opened.execute(
            "INSERT INTO schema_migrations (number, name, checksum)"
            f" SELECT toInt64({migration.number}), '{migration.name}', '{migration.checksum}'"
        )
    yield opened
    opened.close()


class Workers:
    """Storing workers of one group."""

    def __init__(self, kafka: KafkaServer, url: str) -> None:
        self.prefix = f"test-{uuid.uuid4().hex}-"
        self._settings = {
            "bootstrap_servers": kafka.address,
            "url": url,
            "topic_prefix": self.prefix,
            "session_timeout_seconds": SESSION_SECONDS,
            "rows_max": 300,
            "poll_records_max": 400,
        }
        self.running: list[subprocess.Popen[str]] = []

    def add(self) -> None:
        self.running.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.integration.storing.storing_process",
                 json.dumps(self._settings)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
        )  # fmt: skip

    def kill(self, worker: subprocess.Popen[str]) -> None:
        worker.kill()
        worker.communicate()
        self.running.remove(worker)

    def complaint(self) -> str:
        """The line that the only worker prints before it ends with exit code 1."""
        (worker,) = self.running
        _, complaint = worker.communicate(timeout=WAIT_SECONDS)
        self.running.clear()
        assert worker.returncode == 1
        return complaint

    def require_all(self) -> None:
        for worker in self.running:
            assert worker.poll() is None, worker.communicate()[1]

    def end(self) -> None:
        for worker in self.running:
            worker.send_signal(signal.SIGTERM)
        for worker in self.running:
            _, complaint = worker.communicate(timeout=WAIT_SECONDS)
            assert worker.returncode == 0, complaint
        self.running.clear()


@pytest.fixture
def workers(
    kafka: KafkaServer, clickhouse_server: ClickHouseServer, store: ServerStore
) -> Iterator[Workers]:
    group = Workers(kafka, clickhouse_server.url)
    asyncio.run(create_topics(kafka.address, group.prefix))
    yield group
    for worker in list(group.running):
        group.kill(worker)


async def create_topics(address: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(prefix + topic.name, PARTITIONS, 1) for topic in topics.OUTCOMES]
        )
    finally:
        await admin.close()


async def produce(address: str, prefix: str, seconds: float) -> None:
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=address, acks="all")
    await producer.start()
    topic, slices = prefix + topics.TOUCHES.name, 100
    try:
        for number in range(slices):
            for n in range(number, ROWS, slices):
                value = outcomes.outcome_encoder.encode(touch(f"e{n}", offset=n))
                await producer.send(topic, value, partition=n % PARTITIONS)
            await producer.flush()
            await asyncio.sleep(seconds / slices)
    finally:
        await producer.stop()


async def torment(workers: Workers) -> None:
    """Kill one, suspend one for longer than its session, add others, in a changing order."""
    chance = random.Random(5)
    workers.add()
    workers.add()
    await asyncio.sleep(5)
    for _ in range(2):
        suspended = chance.choice(workers.running)
        os.kill(suspended.pid, signal.SIGSTOP)
        workers.add()
        await asyncio.sleep(SESSION_SECONDS + chance.uniform(1.0, 3.0))
        os.kill(suspended.pid, signal.SIGCONT)
        await asyncio.sleep(chance.uniform(0.5, 2.0))
        workers.require_all()
        workers.kill(chance.choice(workers.running))


async def run(kafka: KafkaServer, workers: Workers) -> None:
    await asyncio.gather(produce(kafka.address, workers.prefix, 20.0), torment(workers))
    await until_caught_up(kafka, workers)


async def until_caught_up(kafka: KafkaServer, workers: Workers) -> None:
    settings = StoringSettings(
        kafka.address, StoreTarget(), "test", topic_prefix=workers.prefix
    ).kafka()
    deadline = time.monotonic() + WAIT_SECONDS
    while not await caught_up(kafka.address, "headwater-storing", [topics.TOUCHES.name], settings):
        workers.require_all()
        assert time.monotonic() < deadline, "the workers do not catch up"
        await asyncio.sleep(0.5)


def test_workers_that_come_and_go_store_every_row_once(
    kafka: KafkaServer, workers: Workers, store: ServerStore
) -> None:
    asyncio.run(run(kafka, workers))
    workers.end()
    require_once(store)


def require_once(store: ServerStore) -> None:
    found: tuple[Any, ...] = store.query(
        "SELECT count(), uniqExact(event_id), uniqExact(log_partition, log_offset) FROM touches"
    ).rows[0]
    assert found == (ROWS, ROWS, ROWS)


def test_a_broker_that_is_killed_and_comes_back_costs_nothing(
    kafka: KafkaServer, workers: Workers, store: ServerStore
) -> None:
    workers.add()
    asyncio.run(produce(kafka.address, workers.prefix, seconds=1.0))
    while not store.query("SELECT count() FROM touches").rows[0][0]:
        workers.require_all()
        time.sleep(0.05)
    kafka.kill()
    kafka.start(dies_with_parent=True)
    kafka.wait_ready()
    asyncio.run(until_caught_up(kafka, workers))

    workers.end()
    require_once(store)


def test_messages_that_kafka_deleted_before_they_were_stored_are_missed(
    kafka: KafkaServer, workers: Workers
) -> None:
    workers.add()
    asyncio.run(produce(kafka.address, workers.prefix, seconds=1.0))
    asyncio.run(until_caught_up(kafka, workers))
    workers.end()
    asyncio.run(produce(kafka.address, workers.prefix, seconds=1.0))
    asyncio.run(delete_all(kafka.address, workers.prefix + topics.TOUCHES.name))

    workers.add()
    assert "records are lost" in workers.complaint()


async def delete_all(address: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        everything = RecordsToDelete(before_offset=-1)
        await admin.delete_records(
            {aiokafka.TopicPartition(topic, p): everything for p in range(PARTITIONS)}
        )
    finally:
        await admin.close()
