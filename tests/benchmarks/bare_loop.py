"""The bound: read from Kafka, decode, insert columns into chdb, and decide nothing.

`python -m tests.benchmarks.bare_loop FOLDER EVENTS` reads that many messages of the source
topics named by the settings of the environment, and prints one JSON object.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiokafka
import pyarrow as pa
from chdb.state import sqlitelike

from schemas import topics
from schemas.decode import Unreadable, decode
from streams.settings.tree import read_settings
from streams.stages.contract import CLOCK_KEY
from streams.wiring.parts import core_settings

POLL_RECORDS = 20_000
INSERT_ROWS = 50_000
QUIET_SECONDS = 20.0
NAMES = (
    "topic",
    "partition",
    "log_offset",
    "event_id",
    "app_id",
    "event_time",
    "install_id",
    "amount_micros",
    "currency",
)
TABLE = """
CREATE TABLE events
(
    topic LowCardinality(String), partition Int64, log_offset Int64, event_id String,
    app_id LowCardinality(String), event_time Int64, install_id String, amount_micros Int64,
    currency LowCardinality(String)
)
ENGINE = MergeTree ORDER BY (topic, partition, log_offset)
"""


class Inserter:
    """Inserts in a thread, while the next messages are read."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlitelike.Connection(str(folder))
        self._connection.query(TABLE)
        self._rows: list[tuple[Any, ...]] = []
        self._running: asyncio.Task[None] | None = None

    async def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._rows.extend(rows)
        if len(self._rows) >= INSERT_ROWS:
            await self.flush()

    async def flush(self) -> None:
        await self.wait()
        rows, self._rows = self._rows, []
        self._running = asyncio.create_task(asyncio.to_thread(self._insert, rows))

    async def wait(self) -> None:
        if self._running is not None:
            await self._running

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        columns = [pa.array(column) for column in zip(*rows, strict=True)]
        batch = pa.record_batch(columns, names=list(NAMES))
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        statement = f"INSERT INTO events ({', '.join(NAMES)})"
        with self._connection.send_insert(statement, "ArrowStream") as inserter:
            inserter.append(sink.getvalue())
            inserter.finish()


async def run(folder: Path, events: int) -> dict[str, float]:
    settings = read_settings()
    core = core_settings(settings)
    earliest = settings.rules.earliest_event_time
    names = {core.topic(topic.name): topic.name for topic in topics.SOURCES}
    consumer = aiokafka.AIOKafkaConsumer(
        **core.client(), enable_auto_commit=False, auto_offset_reset="earliest",
        max_poll_records=POLL_RECORDS, max_partition_fetch_bytes=2_000_000,
    )  # fmt: skip
    inserter = Inserter(folder)
    await consumer.start()
    consumer.assign([
        aiokafka.TopicPartition(name, p) for name in names for p in range(settings.kafka.partitions)
    ])  # fmt: skip
    started, seen = time.monotonic(), 0
    while seen < events:
        polled = await consumer.getmany(timeout_ms=int(QUIET_SECONDS * 1000))
        if not polled:
            raise TimeoutError(f"{seen} of {events} messages came")
        for tp, records in polled.items():
            real = [record for record in records if record.key != CLOCK_KEY]
            seen += len(real)
            await inserter.add(_rows(names[tp.topic], real, earliest))
    await inserter.flush()
    await inserter.wait()
    seconds = time.monotonic() - started
    await consumer.stop()
    return {"events": seen, "seconds": seconds, "events_per_second": seen / seconds}


def _rows(topic: str, records: list[Any], earliest: int) -> list[tuple[Any, ...]]:
    rows = []
    for record in records:
        event = decode(record.value, topic, record.timestamp, earliest)
        if isinstance(event, Unreadable):
            continue
        rows.append((
            topic,
            record.partition,
            record.offset,
            event.event_id,
            event.app_id,
            event.event_time,
            getattr(event, "install_id", None) or "",
            getattr(event, "amount_micros", 0),
            getattr(event, "currency", ""),
        ))  # fmt: skip
    return rows


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))))
