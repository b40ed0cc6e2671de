"""Which dead letters a person means, and their messages as the store has them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from streams.store.base import SqlValue, Store

PAGE_MESSAGES = 1_000  # read at a time: each may have a megabyte

QUARANTINED_REASON = "quarantined"
"""Stands for a reason code where a person chooses what was quarantined."""

DROPPED_NOTE = " (bytes dropped)"
"""Ends the detail of a row whose bytes an operator dropped; an empty message has no such note."""

WITH_BYTES = f"NOT (payload = '' AND endsWith(detail, '{DROPPED_NOTE}'))"
"""SQL: rows whose bytes are still there."""

_LETTERS = f"""
SELECT source_topic, source_partition, source_offset, toUnixTimestamp64Milli(received_at), key,
    payload
FROM
(
    SELECT reason, source_topic, source_partition, source_offset, received_at, key, payload,
        log_epoch, log_partition, log_offset
    FROM dead_letters WHERE {WITH_BYTES}
    UNION ALL SELECT '{QUARANTINED_REASON}', source_topic, source_partition, source_offset,
        received_at, message_key, payload, log_epoch, log_partition, log_offset
    FROM quarantined WHERE kind = 'event' AND {WITH_BYTES}
)
WHERE ({{reason}} = '' OR reason = {{reason}}) AND ({{topic}} = '' OR source_topic = {{topic}})
    AND ({{app}} = '' OR JSONExtractString(base64Decode(payload), 'app_id') = {{app}})
    AND received_at >= fromUnixTimestamp64Milli({{since}}, 'UTC')
ORDER BY source_topic, source_partition, source_offset, log_epoch, log_partition, log_offset
LIMIT 1 BY source_topic, key, payload
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which dead letters; an empty text: all."""

    reason: str = ""
    topic: str = ""
    app: str = ""
    since_ms: int = 0  # log time at which they reached Kafka
    limit: int = 0  # 0: no limit


class StoredMessage(NamedTuple):
    """The message of a dead letter, byte for byte."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes


def chosen_messages(store: Store, chosen: Chosen) -> Iterator[StoredMessage]:
    """The original messages of producers, by their position in the log; of equal ones the first."""
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
        for topic, partition, offset, received_at, key, payload in rows:
            yield StoredMessage(
                topic=str(topic),
                partition=int(partition),
                offset=int(offset),
                timestamp_ms=int(received_at),
                key=base64.b64decode(key) if key else None,
                value=base64.b64decode(payload),
            )
        if len(rows) < PAGE_MESSAGES:
            return
        start += len(rows)
