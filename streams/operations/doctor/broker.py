"""Whether the broker answers, and has the topics with the partitions and clocks that they need."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterator

from streams.errors import Stop
from streams.kafka.topics import FoundTopic, admin, find_topics, problems, wanted_topics
from streams.operations.doctor.check import Check, verdict
from streams.settings import KafkaSettings

_STAMPS = "message.timestamp.type"


def examine_broker(kafka: KafkaSettings) -> Iterator[Check]:
    """The checks `broker`, `topics` and `timestamps`."""
    if kafka.brokers is None:
        yield _embedded()
        return
    try:
        found = asyncio.run(_find(kafka))
    except Stop as error:
        yield Check("broker", False, str(error))
        yield Check("topics", False, "unknown without a broker")
        yield Check("timestamps", False, "unknown without a broker")
        return
    yield Check("broker", True, f"answers at {kafka.brokers}")
    wrong = problems(wanted_topics(kafka), found)
    stamps = [line for line in wrong if _STAMPS in line]
    others = [line for line in wrong if _STAMPS not in line]
    yield verdict("topics", others, f"{len(found)} topics of {kafka.partitions} partitions")
    yield verdict("timestamps", stamps, f"source topics: {kafka.source_timestamps} time")


def _embedded() -> Check:
    if importlib.util.find_spec("confluent_kafka") is None:
        return Check(
            "broker", False, "set HEADWATER_KAFKA=host:port, or install headwater[embedded]"
        )
    return Check("broker", True, "HEADWATER_KAFKA is not set: an in-process broker in memory")


async def _find(kafka: KafkaSettings) -> dict[str, FoundTopic]:
    async with admin(kafka) as client:
        return await find_topics(client, [want.name for want in wanted_topics(kafka)])
