"""A storing worker that is killed at any moment still stores every message exactly once."""

from __future__ import annotations

import asyncio
import json
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiokafka
import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from schemas import outcomes, topics
from schemas.outcomes import Outcome
from streams.kafka.embedded_broker import EmbeddedBroker
from streams.store.embedded import EmbeddedStore
from tests.worlds.stores.migrated import migrated_folder
from tests.worlds.stores.traffic_outcomes import booking, decision, touch

pytest.importorskip("chdb")
pytest.importorskip("confluent_kafka")

PARTITIONS = 4
WAIT_SECONDS = 120.0
KILLS = 4
SEED = 20260101


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


def start(settings: dict[str, Any]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.storing.storing_process", json.dumps(settings)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_storing(process: subprocess.Popen[str], producing: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    while producing.poll() is None:
        if select.select([process.stdout], [], [], 0.1)[0]:
            assert process.stdout.readline() == "storing\n", process.communicate()[1]
            return


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    _, complaint = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0, complaint


def expected_rows(count: int) -> dict[str, list[Outcome]]:
    """Distinct outcomes by topic."""
    return {
        topics.TOUCHES.name: [touch(f"e{n}", offset=n) for n in range(count)],
        topics.ATTRIBUTIONS.name: [decision(f"i{n}") for n in range(count // 4)],
        topics.REVENUE.name: [booking(f"m{n}", f"i{n}") for n in range(count // 4)],
    }


async def produce(address: str, rows: dict[str, list[Outcome]], seconds: float) -> None:
    """Spread the rows over the partitions and over time."""
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=address, acks="all")
    await producer.start()
    try:
        slices = 50
        for number in range(slices):
            for topic, outcomes_of_topic in rows.items():
                for index in range(number, len(outcomes_of_topic), slices):
                    value = outcomes.outcome_encoder.encode(outcomes_of_topic[index])
                    await producer.send(topic, value, partition=index % PARTITIONS)
            await producer.flush()
            await asyncio.sleep(seconds / slices)
    finally:
        await producer.stop()


async def unread(address: str, names: list[str]) -> int:
    """How many messages the storing group has not committed yet."""
    tps = [aiokafka.TopicPartition(name, p) for name in names for p in range(PARTITIONS)]
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=address, enable_auto_commit=False)
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await consumer.start()
    await admin.start()
    try:
        ends = await consumer.end_offsets(tps)
        committed = await admin.list_consumer_group_offsets("headwater-storing", partitions=tps)
        return sum(ends[tp] - max(0, committed[tp].offset) for tp in tps)
    finally:
        await consumer.stop()
        await admin.close()


def wait_until_read(address: str, names: list[str], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while asyncio.run(unread(address, names)):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "the storing worker does not catch up"
        time.sleep(0.2)


def stored(store: EmbeddedStore, rows: dict[str, list[Outcome]]) -> dict[str, tuple[int, int, int]]:
    """The number of rows, of distinct log positions and of distinct outcomes, per table."""
    keys = {"touches": "event_id", "attributions": "attribution_id", "revenue": "booking_id"}
    counted = {}
    for table in rows:
        found = store.query(
            f"SELECT count(), uniqExact(log_partition, log_offset), uniqExact({keys[table]})"
            f" FROM {table}"
        )
        counted[table] = found.rows[0]
    return counted


def test_rows_are_stored_exactly_once_however_often_the_worker_is_killed(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    settings = {
        "bootstrap_servers": broker.address,
        "folder": str(migrated_folder(tmp_path / "store")),
        "embedded": True,
        "rows_max": 200,
        "poll_records_max": 300,
        "session_timeout_seconds": 3.0,
    }
    rows = expected_rows(8_000)
    chance = random.Random(SEED)
    producing = subprocess.Popen([sys.executable, "-m", __name__, broker.address, "8000"])
    for _ in range(KILLS):
        process = start(settings)
        wait_until_storing(process, producing)
        time.sleep(chance.uniform(0.0, 0.3))  # The moment of the crash is meant to be any.
        process.kill()
        process.communicate()
    assert producing.wait(WAIT_SECONDS) == 0

    process = start(settings)
    wait_until_read(broker.address, list(rows), process)
    end(process)

    store = EmbeddedStore(tmp_path / "store")
    try:
        assert stored(store, rows) == {
            name: (len(expected), len(expected), len(expected)) for name, expected in rows.items()
        }
        original = msgspec.json.decode(outcomes.outcome_encoder.encode(rows["touches"][4321]))
        (back,) = store.query("SELECT * FROM touches WHERE event_id = 'e4321'").rows
        assert back[2] == original["touch_id"]
    finally:
        store.close()


if __name__ == "__main__":
    asyncio.run(produce(sys.argv[1], expected_rows(int(sys.argv[2])), seconds=20.0))
