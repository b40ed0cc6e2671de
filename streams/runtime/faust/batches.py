"""Whole poll batches for Faust agents.

Faust passes its agents one record at a time, which costs about 150 µs per record, more than a poll
of many partitions can bear even per partition. Here the consumer scheduler passes one record per
topic and poll, whose value is what was polled of the topic, by partition.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import faust
from faust.types import TP

from streams.stages.contract import LogRecord


class PollBatch:
    """One topic's records from one poll. Has the shape of a record, so Faust carries it."""

    __slots__ = ("by_partition", "generation", "offset", "partition", "topic")

    # Faust copies these from records; nothing reads them.
    timestamp = None
    timestamp_type = 0
    headers = ()
    key = None
    checksum = None
    serialized_key_size = -1
    serialized_value_size = -1

    def __init__(self, topic: str, by_partition: Mapping[int, Sequence[LogRecord]]) -> None:
        """At least one record of each partition; to Faust, it is a record of the first of them."""
        self.topic = topic
        self.by_partition = by_partition
        self.partition = next(iter(by_partition))
        self.offset: int = by_partition[self.partition][0].offset
        self.generation = 0  # of the consumer group; set when Faust takes the batch

    @property
    def value(self) -> PollBatch:
        return self


class BatchScheduler:
    """Faust's consumer scheduler: one batch per topic and poll."""

    def iterate(self, records: Mapping[TP, Sequence[LogRecord]]) -> Iterator[tuple[TP, PollBatch]]:
        by_topic: dict[str, dict[int, Sequence[LogRecord]]] = {}
        for tp, polled in records.items():
            if polled:
                by_topic.setdefault(tp.topic, {})[tp.partition] = polled
        for topic, by_partition in by_topic.items():
            batch = PollBatch(topic, by_partition)
            yield TP(topic, batch.partition), batch


class BatchSchema(faust.Schema):
    """Passes the batch to the agent undecoded: stages decode records themselves."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[Any]]:
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            batch: PollBatch = message.value
            batch.generation = message.generation_id
            return create_event(None, batch, None, message)

        return decode
