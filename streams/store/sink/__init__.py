"""From outcome topics into tables: buffers, sealed batches, exactly-once inserts, commits."""

from __future__ import annotations

from streams.store.sink.pulse import Pulse
from streams.store.sink.ripeness import SealBounds
from streams.store.sink.sink import Sink, SinkParts, TableSink
from streams.store.sink.storing_observer import StoringObserver
from streams.store.sink.writer import InsertReport, TableWriter

__all__ = [
    "InsertReport",
    "Pulse",
    "SealBounds",
    "Sink",
    "SinkParts",
    "StoringObserver",
    "TableSink",
    "TableWriter",
]
