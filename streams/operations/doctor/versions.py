"""Whether this build reads what is stored: the latest records of every internal topic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError

from schemas.records import NewerFormatError
from streams.errors import Stop
from streams.kafka.topics import admin, find_topics
from streams.operations.doctor.check import Check, verdict
from streams.runtime.clients import new_consumer
from streams.settings import Settings
from streams.wiring.parts import core_settings

RECORDS_LOOKED_AT = 100
"""Of each partition, the latest: builds change from one moment to the next."""
_SECONDS = 10.0
_NAME = "versions"


def examine_versions(settings: Settings) -> Check:
    """The check `versions`: what a newer build wrote would end this one's workers."""
    if settings.kafka.brokers is None:
        return Check(_NAME, True, "HEADWATER_KAFKA is not set: nothing outlives its process")
    try:
        newer, formats = asyncio.run(_newer(settings))
    except (Stop, KafkaError, TimeoutError) as error:
        return Check(_NAME, False, f"unknown without a broker: {error}")
    known = f"{formats} formats; nothing newer than this build reads is stored"
    return verdict(_NAME, newer, known)


async def _newer(settings: Settings) -> tuple[list[str], int]:
    """One line for each topic with content of a newer build, and how many formats there are."""
    # Imported here: the stages take a second, and no other check needs them.
    from streams.stages.stored_formats import require_known_version, topics_with_versions

    core = core_settings(settings)
    names = topics_with_versions()
    async with admin(settings.kafka) as client:
        found = await find_topics(client, [core.topic(name) for name in names])
    partitions = [
        aiokafka.TopicPartition(topic, p)
        for topic, described in found.items()
        for p in range(described.partitions)
    ]
    newer: dict[str, str] = {}
    if not partitions:
        return [], len(names)
    async with _reader(new_consumer(core, fetch_max_wait_ms=100)) as consumer:
        async for record in _latest(consumer, partitions):
            try:
                name = core.topic_without_prefix(record.topic)
                require_known_version(name, record.key, record.value)
            except NewerFormatError as error:
                newer.setdefault(record.topic, f"topic {record.topic} holds {error}")
    return list(newer.values()), len(names)


@asynccontextmanager
async def _reader(
    consumer: aiokafka.AIOKafkaConsumer,
) -> AsyncIterator[aiokafka.AIOKafkaConsumer]:
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _latest(
    consumer: aiokafka.AIOKafkaConsumer, partitions: Sequence[aiokafka.TopicPartition]
) -> AsyncIterator[Any]:
    """The latest committed records of these partitions; TimeoutError after some seconds."""
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    starts = await consumer.beginning_offsets(partitions)
    for tp, end in ends.items():
        consumer.seek(tp, max(starts[tp], end - RECORDS_LOOKED_AT))
    unread = {tp for tp, end in ends.items() if end > starts[tp]}
    async with asyncio.timeout(_SECONDS):
        while unread:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    yield record
            for tp in list(unread):
                if await consumer.position(tp) >= ends[tp]:
                    unread.discard(tp)
