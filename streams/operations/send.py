"""Publishes validated events to their topics, all or none."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Self

from aiokafka.partitioner import murmur2

from schemas.events import (
    Cost,
    InputEvent,
    PaymentEvent,
    Touchpoint,
)
from streams.errors import Stop
from streams.kafka.kcat import KcatRecord, read_line, record_line
from streams.kafka.publisher import Published, Publisher
from streams.kafka.topics import admin
from streams.settings import Settings
from streams.wiring.parts import core_settings

SPOOL_BYTES_MAX = 32_000_000
"""Events that wait in memory until the whole file is found valid; more wait in a temporary file."""


def _new_spool() -> SpooledTemporaryFile[bytes]:
    return SpooledTemporaryFile(SPOOL_BYTES_MAX)  # `SendQueue` is the context manager


@dataclass(slots=True)
class SendQueue(AbstractContextManager["SendQueue"]):
    """Events that are valid, in order, until it is clear that all are."""

    topics: Counter[str] = field(default_factory=Counter)
    _spool: SpooledTemporaryFile[bytes] = field(default_factory=_new_spool)

    def add(self, topic: str, record: KcatRecord, event: InputEvent) -> None:
        key = record.key if record.key is not None else message_key(event)
        self.topics[topic] += 1
        self._spool.write(record_line(record._replace(topic=topic, key=key)))

    def records(self) -> Iterator[KcatRecord]:
        self._spool.seek(0)
        for line in self._spool:
            yield read_line(line, "the events that wait")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._spool.close()


def message_key(event: InputEvent) -> bytes | None:
    """The documented key of an event's message, which keeps those of one install in order."""
    if isinstance(event, Touchpoint):
        return event.touch_id.encode()
    if isinstance(event, Cost):
        return event.campaign_id.encode() if event.campaign_id else None
    name = getattr(event, "install_id", None)
    if name is None and isinstance(event, PaymentEvent):
        name = event.customer_user_id or getattr(event, "transaction_id", None)
    return name.encode() if name else None


def kafka_partition(key: bytes | None, value: bytes, partitions: int) -> int:
    """Where Kafka's own producers put a message with this key; without one, any partition."""
    if key is None:
        return zlib.crc32(value) % partitions
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def publish_queue(settings: Settings, queue: SendQueue) -> int:
    """Publish the events to their topics; the number of them. Stop: no broker, or no topics."""
    if settings.kafka.brokers is None:
        raise Stop(
            "HEADWATER_KAFKA is not set: set it to the broker to publish to; "
            "`headwater replay` decides a dump without a broker"
        )
    return asyncio.run(_publish(settings, queue))


async def _publish(settings: Settings, queue: SendQueue) -> int:
    partitions = await _partitions(settings, queue.topics)
    async with Publisher(core_settings(settings)) as publisher:
        return await publisher.publish(_messages(queue.records(), partitions))


async def _partitions(settings: Settings, names: Iterable[str]) -> Mapping[str, int]:
    """Partitions of the topics, which have to be there."""
    prefix = settings.kafka.topic_prefix
    async with admin(settings.kafka) as client:
        listed = {
            topic["topic"]: len(topic["partitions"]) for topic in await client.describe_topics()
        }
    missing = [prefix + name for name in names if prefix + name not in listed]
    if missing:
        raise Stop(f"missing topics {', '.join(missing)}: run `headwater migrate`")
    return {name: listed[prefix + name] for name in names}


def _messages(records: Iterable[KcatRecord], partitions: Mapping[str, int]) -> Iterator[Published]:
    for record in records:
        count = partitions[record.topic]
        partition = record.partition
        if partition is None or partition >= count:
            partition = kafka_partition(record.key, record.value or b"", count)
        timestamp = record.timestamp_ms
        if timestamp is None:
            timestamp = time.time_ns() // 1_000_000
        yield record.topic, partition, timestamp, record.key, record.value
