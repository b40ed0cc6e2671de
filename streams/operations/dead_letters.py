"""Dead letters: counted by reason, and published again to their topics."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import NamedTuple

from streams.errors import Stop
from streams.kafka.publisher import Published, Publisher
from streams.settings import Settings
from streams.store.base import SqlValue, Store
from streams.wiring.parts import core_settings
from streams.wiring.store import stored

PAGE_MESSAGES = 1_000  # read at a time: each may have a megabyte

_BY_REASON = """
SELECT source_topic, reason, uniqExact(log_epoch, source_partition, source_offset) AS messages,
    argMin(detail, (received_at, source_partition, source_offset)) AS detail
FROM dead_letters GROUP BY source_topic, reason ORDER BY messages DESC, source_topic, reason
"""
_LETTERS = """
SELECT source_topic, source_partition, source_offset, toUnixTimestamp64Milli(received_at), key,
    payload
FROM dead_letters
WHERE ({reason} = '' OR reason = {reason})
ORDER BY source_topic, source_partition, source_offset, log_epoch, log_partition, log_offset
LIMIT 1 BY source_topic, key, payload
"""


class DeadLetterKind(NamedTuple):
    """The dead letters of one topic and reason."""

    topic: str
    reason: str
    messages: int
    example: str


def count_by_reason(settings: Settings) -> list[DeadLetterKind]:
    """Dead letters by topic and reason, the most frequent first."""
    with stored(settings) as store:
        return [DeadLetterKind(*row) for row in store.query(_BY_REASON).rows]


def publish_again(settings: Settings, reason: str | None) -> int:
    """Publish dead letters to their original topics and partitions; the number of them.

    Each distinct message is published once, so that those that fail again do not multiply. Events
    that were read before do not count twice: they are known by their ids. Stop: there is no broker.
    """
    if settings.kafka.brokers is None:
        raise Stop("HEADWATER_KAFKA is not set: set it to the broker to publish the messages to")
    with stored(settings) as store:
        return asyncio.run(_publish(settings, letters(store, reason)))


def letters(store: Store, reason: str | None) -> Iterator[Published]:
    """The original messages, by their position in the log; of one reason, or all."""
    params: dict[str, SqlValue] = {"reason": reason or ""}
    start = 0
    while True:
        page = f"SELECT * FROM ({_LETTERS}) LIMIT {PAGE_MESSAGES} OFFSET {start}"
        rows = store.query(page, params).rows
        for topic, partition, _, received_at, key, payload in rows:
            yield (
                str(topic),
                int(partition),
                int(received_at),
                base64.b64decode(key) if key else None,
                base64.b64decode(payload),
            )
        if len(rows) < PAGE_MESSAGES:
            return
        start += len(rows)


async def _publish(settings: Settings, messages: Iterator[Published]) -> int:
    async with Publisher(core_settings(settings)) as publisher:
        return await publisher.publish(messages)
