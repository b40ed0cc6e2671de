"""Whole poll batches for Faust agents.

Faust passes its agents one record at a time, which costs about 150 µs per record. Here the consumer
scheduler passes one record per partition and poll, whose value is the list of records.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import faust
from faust.types import TP

from streams.stages.contract import LogRecord


class PollBatch:
    """One partition's records from one poll. Has the shape of a record, so Faust carries it."""

    __slots__ = ("generation", "offset", "partition", "records", "topic")

    # Faust copies these from records; nothing reads them.
    timestamp = None
    timestamp_type = 0
    headers = ()
    key = None
    checksum = None
    serialized_key_size = -1
    serialized_value_size = -1

    def __init__(self, tp: TP, records: Sequence[LogRecord]) -> None:
        self.topic: str = tp.topic
        self.partition: int = tp.partition
        self.offset: int = records[0].offset
        self.records = records
        self.generation = 0  # of the consumer group; set when Faust takes the batch

    @property
    def value(self) -> PollBatch:
        return self


class BatchScheduler:
    """Faust's consumer scheduler: one batch per partition and poll."""

    def iterate(self, records: Mapping[TP, Sequence[LogRecord]]) -> Iterator[tuple[TP, PollBatch]]:
        for tp, polled in records.items():
            if polled:
                yield tp, PollBatch(tp, polled)


class BatchSchema(faust.Schema):
    """Passes the batch to the agent undecoded: stages decode records themselves."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[Any]]:
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            batch: PollBatch = message.value
            batch.generation = message.generation_id
            return create_event(None, batch, None, message)

        return decode
