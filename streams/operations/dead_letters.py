"""Dead letters: counted by reason, and published again to their topics."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.decode import Unreadable, decode
from schemas.leniency import Leniency
from schemas.time import LogMs
from streams.errors import Stop
from streams.kafka.publisher import Published, Publisher
from streams.settings import Settings
from streams.store.base import SqlValue, Store
from streams.wiring.parts import core_settings, stage_rules
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
FROM
(
    SELECT reason, source_topic, source_partition, source_offset, received_at, key, payload,
        log_epoch, log_partition, log_offset
    FROM dead_letters
    UNION ALL SELECT 'quarantined', source_topic, source_partition, source_offset, received_at,
        message_key, payload, log_epoch, log_partition, log_offset
    FROM quarantined WHERE kind = 'event'
)
WHERE ({reason} = '' OR reason = {reason}) AND ({topic} = '' OR source_topic = {topic})
    AND ({app} = '' OR JSONExtractString(base64Decode(payload), 'app_id') = {app})
    AND received_at >= fromUnixTimestamp64Milli({since}, 'UTC')
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


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which dead letters; an empty text: all."""

    reason: str = ""
    topic: str = ""
    app: str = ""
    since_ms: int = 0  # log time at which they reached Kafka
    limit: int = 0  # 0: no limit


@dataclass(slots=True)
class Readability:
    """What this version makes of dead letters."""

    readable: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)  # of those that it cannot read either

    def as_json(self) -> dict[str, Any]:
        return {
            "readable": self.readable,
            "unreadable": self.by_reason.total(),
            "by_reason": dict(sorted(self.by_reason.items())),
        }


def try_again(settings: Settings, chosen: Chosen) -> Readability:
    """Read dead letters as intake would now, and publish nothing."""
    found = Readability()
    with stored(settings) as store:
        for _ in readable_letters(settings, letters(store, chosen), found):
            pass
    return found


def publish_again(settings: Settings, chosen: Chosen) -> tuple[int, Readability]:
    """Publish those that can be read now to their original topics and partitions.

    Each distinct message is published once. One that would only fail again stays where it is.
    Events that were read before do not count twice: they are known by their ids. Stop: there is
    no broker.
    """
    if settings.kafka.brokers is None:
        raise Stop("HEADWATER_KAFKA is not set: set it to the broker to publish the messages to")
    found = Readability()
    with stored(settings) as store:
        chosen_letters = readable_letters(settings, letters(store, chosen), found)
        return asyncio.run(_publish(settings, chosen_letters)), found


def readable_letters(
    settings: Settings, messages: Iterator[Published], found: Readability
) -> Iterator[Published]:
    """Those that intake can read now; `found` counts both kinds."""
    rules = stage_rules(settings).intake
    leniency = Leniency(rules.placeholder_ids, lambda app_id, name: None)
    earliest = rules.clocks.earliest_event_time
    for message in messages:
        topic, _, received_at, _, value = message
        event = decode(value, topic, LogMs(received_at or 0), earliest, leniency)
        if isinstance(event, Unreadable):
            found.by_reason[event.reason] += 1
        else:
            found.readable += 1
            yield message


def letters(store: Store, chosen: Chosen) -> Iterator[Published]:
    """The original messages, by their position in the log."""
    params: dict[str, SqlValue] = {
        "reason": chosen.reason,
        "topic": chosen.topic,
        "app": chosen.app,
        "since": chosen.since_ms,
    }
    start, most = 0, chosen.limit or 2**62
    while start < most:
        count = min(PAGE_MESSAGES, most - start)
        page = f"SELECT * FROM ({_LETTERS}) LIMIT {count} OFFSET {start}"
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
