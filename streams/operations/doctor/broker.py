"""Whether the broker answers, and has the topics with the partitions and clocks that they need."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterator, Mapping

from streams.errors import Stop
from streams.kafka.topics import (
    STAMPS_AHEAD,
    FoundTopic,
    WantedTopic,
    admin,
    find_topics,
    problems,
    wanted_topics,
)
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
    wanted = wanted_topics(kafka)
    wrong = problems(wanted, found)
    stamps = [line for line in wrong if _STAMPS in line] or unbounded_stamps(wanted, found)
    others = [line for line in wrong if _STAMPS not in line]
    yield verdict("topics", others, f"{len(found)} topics of {kafka.partitions} partitions")
    yield verdict("timestamps", stamps, f"source topics: {kafka.source_timestamps} time")


def _embedded() -> Check:
    if importlib.util.find_spec("confluent_kafka") is None:
        return Check(
            "broker", False, "set HEADWATER_KAFKA=host:port, or install headwater[embedded]"
        )
    return Check("broker", True, "HEADWATER_KAFKA is not set: an in-process broker in memory")


def unbounded_stamps(wanted: list[WantedTopic], found: Mapping[str, FoundTopic]) -> list[str]:
    """One line for each topic in which one wrong stamp may take a partition's time along."""
    return [
        f"topic {want.name} takes records that are stamped any time ahead, and one takes the time "
        f"of its partition along: kafka-configs.sh --alter --topic {want.name} --add-config "
        f"{STAMPS_AHEAD}={limit}"
        for want in wanted
        if (limit := want.config.get(STAMPS_AHEAD)) and want.name in found
        if int(found[want.name].config.get(STAMPS_AHEAD, limit)) > int(limit)
    ]


async def _find(kafka: KafkaSettings) -> dict[str, FoundTopic]:
    async with admin(kafka) as client:
        return await find_topics(client, [want.name for want in wanted_topics(kafka)])
