"""What other people's producers write to source topics, on real Kafka: transactions, some of them
aborted, every codec, headers, no key, no value, and impossible stamps."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiokafka
import pytest
from aiokafka.errors import InvalidTimestampError

from tests.integration.workers.test_create_time import (
    SECONDS,
    Producers,
    decided,
    installed,
    producers,
)

__all__ = ["producers"]
pytestmark = pytest.mark.kafka
CODECS = ("gzip", "snappy", "lz4", "zstd")
YEAR_9999_MS = 253_402_300_799_999
LOOK_SECONDS = 0.2


def value(name: str, at: int) -> bytes:
    return json.dumps({"schema_version": 1, "app_id": "app.one", **installed(name, at)}).encode()


async def in_transactions(to: Producers, at: int, *names: str, aborts: bool = False) -> None:
    """One transaction for each install, as Kafka Connect and Flink write."""
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=to.kafka, transactional_id="foreign")
    await producer.start()
    try:
        for name in names:
            await producer.begin_transaction()
            await producer.send_and_wait(
                f"{to.prefix}installs", value(name, at), partition=0, timestamp_ms=at
            )
            await (producer.abort_transaction() if aborts else producer.commit_transaction())
    finally:
        await producer.stop()


async def plainly(to: Producers, content: bytes | None, at: int, codec: str | None = None) -> None:
    options: dict[str, Any] = {"bootstrap_servers": to.kafka, "compression_type": codec}
    key = None if content else b"k"  # aiokafka sends nothing that has neither.
    async with aiokafka.AIOKafkaProducer(**options) as producer:
        await producer.send_and_wait(
            f"{to.prefix}installs", content, key, partition=0, timestamp_ms=at,
            headers=[("traceparent", b"\x00\xff"), ("traceparent", b""), ("", b"x" * 1_000)],
        )  # fmt: skip


async def end_of_installs(to: Producers) -> int:
    tp = aiokafka.TopicPartition(f"{to.prefix}installs", 0)
    async with aiokafka.AIOKafkaConsumer(bootstrap_servers=to.kafka) as consumer:
        end: int = (await consumer.end_offsets([tp]))[tp]
        return end


def test_whatever_they_write_is_decided_once_and_time_goes_on_behind_it(
    producers: Producers,
) -> None:
    async def story() -> None:
        now = time.time_ns() // 1_000_000
        await in_transactions(producers, now, "first", "second")
        await in_transactions(producers, now, "gone", aborts=True)
        names = ["first", "second", *CODECS]
        for codec in CODECS:
            await plainly(producers, value(codec, now), now, codec)
        await plainly(producers, None, now)
        for name in names:
            await producers.until("attributions", decided(name))
        (refused,) = await producers.outcomes("dead-letters")
        assert refused["reason"] == "empty"
        # The log ends with a marker now: a partition whose end is no record is read up, too.
        await in_transactions(producers, now + 1, "last")
        await producers.until("attributions", decided("last"))
        end, give_up_at = await end_of_installs(producers), time.monotonic() + SECONDS
        while True:
            if await end_of_installs(producers) > end:
                break
            assert time.monotonic() < give_up_at, "no clock tick behind a marker"
            await asyncio.sleep(LOOK_SECONDS)
        # The broker refuses a stamp of the year 9999, and the next record is decided all the same.
        with pytest.raises(InvalidTimestampError):
            await plainly(producers, value("far", now), YEAR_9999_MS)
        await plainly(producers, value("after", now), now)
        await producers.until("attributions", decided("after"))
        assert len(await producers.outcomes("dead-letters")) == 1
        found = {row["install_id"] for row in await producers.outcomes("attributions")}
        assert found == {*names, "last", "after"}

    asyncio.run(story())
