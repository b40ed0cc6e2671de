"""Valid events on a real broker, and a real worker that takes them while they are published."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiokafka
import msgspec

from schemas import topics
from schemas.outcomes import LedgerRow
from schemas.time import MINUTE_MS
from streams.kafka.publisher import Published, Publisher
from streams.replay.memory_log import MemoryRecord
from streams.runtime.clients import new_consumer
from streams.settings.core import CoreSettings
from streams.stages.contract import CLOCK_KEY, is_tick
from tests.simulation.sizes.books import Books

AHEAD = 2_000
"""Events that are published at once, and so many may be open when the next ones are."""
SECONDS_WITHOUT_A_ROW = 300
MINUTES_AFTER = 90
PARTITIONS = 4
_ledger = msgspec.json.Decoder(LedgerRow)
_COMMAND = (sys.executable, "-m", "streams.cli")
Progress = Callable[[Books], None]


def worked(records: Iterator[MemoryRecord], books: Books, progress: Progress) -> int:
    """Publish the records to HEADWATER_KAFKA and let a worker take them; its largest memory, MiB.

    AssertionError: the worker ended, or settles nothing any more.
    """
    with tempfile.TemporaryDirectory() as folder:
        own = {
            "HEADWATER_TOPIC_PREFIX": f"extremes{os.getpid()}-",
            "HEADWATER_DATA": folder,
            "HEADWATER_PSEUDONYM_SECRET": "a secret of this run, of 32 bytes",
            "HEADWATER_SOURCE_TIMESTAMPS": "create",
            "HEADWATER_SOURCE_STAMPS_AHEAD": "36500d",
            "HEADWATER_METRICS_PORT": "0",
            "HEADWATER_LOG_LEVEL": "warning",
        }
        environ = {**os.environ, **own}
        subprocess.run([*_COMMAND, "migrate"], env=environ, check=True, stdout=subprocess.DEVNULL)
        settings = CoreSettings(
            os.environ["HEADWATER_KAFKA"], topic_prefix=own["HEADWATER_TOPIC_PREFIX"]
        )
        worker = subprocess.Popen([*_COMMAND, "worker", "--role", "core"], env=environ, text=True)
        try:
            asyncio.run(_fed(settings, records, books, worker, progress))
            status = Path(f"/proc/{worker.pid}/status").read_text().split()
            peak = int(status[status.index("VmHWM:") + 1]) // 1_024
        finally:
            worker.terminate()
            worker.wait(60)
    assert worker.returncode == 0, f"the worker ended with {worker.returncode}"
    return peak


async def _fed(
    settings: CoreSettings,
    records: Iterator[MemoryRecord],
    books: Books,
    worker: subprocess.Popen[str],
    progress: Progress,
) -> None:
    latest = 0
    async with Publisher(settings) as publisher, _reading(settings, ["ledger"]) as ledger:
        async with _reading(settings, [topic.name for topic in topics.SOURCES]) as sources:
            while chunk := list(itertools.islice(records, AHEAD)):
                await publisher.publish(
                    (one.topic, one.partition, one.timestamp, one.key, one.value or b"")
                    for one in chunk
                )
                latest = chunk[-1].timestamp
                await _enter_sent(settings, sources, books, len(chunk))
                await _settled(ledger, books, worker, AHEAD)
                progress(books)
        # Log time ends with the last event, and some wait for it to go on.
        await publisher.publish(_ticks(latest))
        await _settled(ledger, books, worker, 0)


@asynccontextmanager
async def _reading(
    settings: CoreSettings, names: Sequence[str]
) -> AsyncIterator[aiokafka.AIOKafkaConsumer]:
    consumer = new_consumer(settings)
    consumer.subscribe([settings.topic(name) for name in names])
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _enter_sent(
    settings: CoreSettings, sources: aiokafka.AIOKafkaConsumer, books: Books, count: int
) -> None:
    """Read so many events back: the worker's clock ticks take offsets between them."""
    async with asyncio.timeout(SECONDS_WITHOUT_A_ROW):
        while count:
            for tp, found in (await sources.getmany(timeout_ms=500)).items():
                for record in found:
                    if not is_tick(record):
                        place = settings.topic_without_prefix(tp.topic), tp.partition
                        books.send(place, record.offset, len(record.value))
                        count -= 1


def _ticks(latest: int) -> Iterator[Published]:
    """The minutes after the last event, in every source partition."""
    for minute in range(1, MINUTES_AFTER + 1):
        for topic in topics.SOURCES:
            for p in range(PARTITIONS):
                yield topic.name, p, latest + minute * MINUTE_MS, CLOCK_KEY, b""


async def _settled(
    consumer: aiokafka.AIOKafkaConsumer,
    books: Books,
    worker: subprocess.Popen[str],
    open_max: int,
) -> None:
    """Wait until the ledger leaves at most so many events open."""
    deadline = time.monotonic() + SECONDS_WITHOUT_A_ROW
    while books.missing > open_max:
        assert worker.poll() is None, f"the worker ended with {worker.returncode}"
        assert time.monotonic() < deadline, f"settled nowhere: {books.places()}"
        for found in (await consumer.getmany(timeout_ms=500)).values():
            deadline = time.monotonic() + SECONDS_WITHOUT_A_ROW
            for record in found:
                books.enter(_ledger.decode(record.value))
