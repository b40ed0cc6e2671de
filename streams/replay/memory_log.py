"""A log in memory, on which replays and tests run the stages instead of Kafka."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from streams.stages.contract import Effects, TopicPartition


class MemoryRecord(NamedTuple):
    """Has the shape of a consumed Kafka record; `timestamp` is milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class MemoryLog:
    """Append-only topic partitions; records that were taken are forgotten."""

    def __init__(self) -> None:
        self._records: dict[TopicPartition, list[MemoryRecord]] = defaultdict(list)
        self._ends: dict[TopicPartition, int] = defaultdict(int)

    def append(self, effects: Effects, timestamp: int) -> None:
        """Append all messages of one checkpoint, with one timestamp (log time in milliseconds)."""
        for (topic, partition), messages in effects.messages.items():
            records = self._records[topic, partition]
            offset = self._ends[topic, partition]
            for message in messages:
                records.append(
                    MemoryRecord(topic, partition, offset, timestamp, message.key, message.value)
                )
                offset += 1
            self._ends[topic, partition] = offset

    def take(self, topic: str, partition: int) -> list[MemoryRecord]:
        """The records that were not taken yet, in offset order."""
        return self._records.pop((topic, partition), [])
