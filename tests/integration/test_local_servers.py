"""The servers that other tests stand on keep what they acknowledged through a crash."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.servers import ClickHouseServer, KafkaServer


async def _write(address: str, topic: str, value: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=address, transactional_id=topic)
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait(topic, value, partition=0, timestamp_ms=1)
    await producer.stop()


async def _read(address: str, topic: str) -> bytes:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    try:
        async with asyncio.timeout(120):
            record = await consumer.getone()
    finally:
        await consumer.stop()
    value: bytes = record.value
    return value


@pytest.mark.kafka
def test_a_killed_broker_returns_at_the_same_address_with_committed_records(
    kafka: KafkaServer,
) -> None:
    asyncio.run(_write(kafka.address, "local-servers", b"kept"))
    kafka.kill()
    assert not kafka.running()
    kafka.start(dies_with_parent=True)
    kafka.wait_ready()
    assert asyncio.run(_read(kafka.address, "local-servers")) == b"kept"


@pytest.mark.clickhouse
def test_a_killed_clickhouse_server_returns_with_its_rows(
    clickhouse_server: ClickHouseServer,
) -> None:
    server = clickhouse_server
    server.query("CREATE TABLE local_servers (n UInt64) ENGINE = MergeTree ORDER BY n")
    server.query("INSERT INTO local_servers SELECT number FROM numbers(1000)")
    server.kill()
    assert server.query("SELECT 1") is None
    server.start(dies_with_parent=True)
    server.wait_ready()
    assert server.query("SELECT count(), sum(n) FROM local_servers") == "1000\t499500"
