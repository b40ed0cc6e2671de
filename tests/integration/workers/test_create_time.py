"""Where producers stamp their own time, on real Kafka: empty partitions hold nothing back."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiokafka
import pytest
from aiokafka.errors import InvalidTimestampError

from deploy.local.servers import KafkaServer
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS

pytestmark = pytest.mark.kafka
PARTITIONS = 2
SECONDS = 60.0
PAUSE_SECONDS = 3.0
"""Longer than a partition has to be silent to get a tick."""


@dataclass
class Producers:
    """Producers that stamp their own time, and one worker."""

    kafka: str
    folder: Path

    @property
    def prefix(self) -> str:
        return f"{self.folder.name}-"

    @property
    def environ(self) -> dict[str, str]:
        foreign = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
        return foreign | {
            "HEADWATER_KAFKA": self.kafka,
            "HEADWATER_PSEUDONYM_SECRET": "a secret of this test, of 32 bytes",
            "HEADWATER_TOPIC_PREFIX": self.prefix,
            "HEADWATER_PARTITIONS": str(PARTITIONS),
            "HEADWATER_SOURCE_TIMESTAMPS": "create",
            "HEADWATER_DATA": str(self.folder),
            "HEADWATER_METRICS_PORT": "0",
        }

    async def publish(self, *events: tuple[int, dict[str, Any]]) -> None:
        """Events with the stamps of their producer, all to partition 0 of their topics."""
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=self.kafka)
        await producer.start()
        try:
            for stamp, event in events:
                topic = {"install": "installs", "session": "activity"}[event["type"]]
                value = json.dumps({"schema_version": 1, "app_id": "app.one", **event}).encode()
                await producer.send_and_wait(
                    f"{self.prefix}{topic}", value, b"k", partition=0, timestamp_ms=stamp
                )
        finally:
            await producer.stop()

    async def outcomes(self, topic: str) -> list[dict[str, Any]]:
        """All committed outcomes of a topic."""
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=self.kafka, isolation_level="read_committed",
            auto_offset_reset="earliest", enable_auto_commit=False,
        )  # fmt: skip
        await consumer.start()
        found: list[dict[str, Any]] = []
        try:
            tps = [aiokafka.TopicPartition(f"{self.prefix}{topic}", p) for p in range(PARTITIONS)]
            consumer.assign(tps)
            ends = await consumer.end_offsets(tps)
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                polled = await consumer.getmany(timeout_ms=200)
                found += [json.loads(one.value) for some in polled.values() for one in some]
        finally:
            await consumer.stop()
        return found

    async def until(self, topic: str, seen: Callable[[list[dict[str, Any]]], bool]) -> None:
        give_up_at = time.monotonic() + SECONDS
        while not seen(rows := await self.outcomes(topic)):
            assert time.monotonic() < give_up_at, f"waited in vain: {rows[-3:]}"
            await asyncio.sleep(0.2)


@pytest.fixture
def producers(kafka: KafkaServer, tmp_path: Path) -> Iterator[Producers]:
    run = Producers(kafka.address, tmp_path)
    subprocess.run(
        [sys.executable, "-m", "streams.cli", "migrate"], env=run.environ, check=True, timeout=120
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "worker", "--role", "core"], env=run.environ
    )
    try:
        yield run
        assert worker.poll() is None, "the worker has ended"
    finally:
        worker.kill()
        worker.wait()


def installed(name: str, at: int) -> dict[str, Any]:
    return {"type": "install", "event_id": name, "event_time": at, "install_id": name}


def session(name: str, at: int) -> dict[str, Any]:
    return {
        "type": "session", "event_id": f"s{at}", "event_time": at, "install_id": name,
        "session_id": f"s{at}",
    }  # fmt: skip


def scored(name: str, landmark: str) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda rows: any(r["install_id"] == name and r["landmark"] == landmark for r in rows)


def decided(name: str) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda rows: any(row["install_id"] == name for row in rows)


def test_a_backfill_is_scored_by_its_own_time_and_then_the_present_goes_on(
    producers: Producers,
) -> None:
    """Thirteen of the fourteen source partitions never hear from a producer in the first part."""

    async def story() -> None:
        now = time.time_ns() // 1_000_000
        then = now - 40 * DAY_MS
        await producers.publish((then, installed("old", then)))
        await producers.until("attributions", decided("old"))
        after = then + 2 * HOUR_MS
        await producers.publish((after, session("old", after)))
        await producers.until("predictions", scored("old", "1h"))
        # The backfill pauses: log time does not leap to the present meanwhile.
        await asyncio.sleep(PAUSE_SECONDS)
        reached = [row["stage_time"] for row in await producers.outcomes("freshness")]
        assert max(reached) <= after
        assert not scored("old", "1d")(await producers.outcomes("predictions"))
        # A producer whose clock is ahead takes nobody along, and one that is far behind
        # holds nobody back.
        await producers.publish(
            (now, installed("new", now)),
            (now + 30 * MINUTE_MS, installed("ahead", now)),
            (1_000, installed("behind", now)),
        )
        # One that stamps another unit, or another year, is told so.
        with pytest.raises(InvalidTimestampError):
            await producers.publish((now + 2 * DAY_MS, installed("wrong", now)))
        await producers.until("attributions", decided("new"))
        await producers.until("predictions", scored("old", "7d"))
        reached = [row["stage_time"] for row in await producers.outcomes("freshness")]
        assert now - MINUTE_MS < max(reached) <= time.time_ns() // 1_000_000

    asyncio.run(story())
