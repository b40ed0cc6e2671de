"""Valid events on a real broker, and a real worker that takes them while they are published."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiokafka
import msgspec

from schemas.outcomes import LedgerRow
from streams.kafka.publisher import Publisher
from streams.replay.memory_log import MemoryRecord
from streams.settings.core import CoreSettings
from tests.simulation.sizes.books import Books

AHEAD = 2_000
"""Events that are published at once, and so many may be open when the next ones are."""
SECONDS_WITHOUT_A_ROW = 300
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
            "HEADWATER_PSEUDONYM_SECRET": "a secret of this run",
            "HEADWATER_SOURCE_TIMESTAMPS": "create",
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
    sent = books.sending(records)
    consumer = aiokafka.AIOKafkaConsumer(
        settings.topic("ledger"), bootstrap_servers=settings.bootstrap_servers,
        isolation_level="read_committed", auto_offset_reset="earliest",
    )  # fmt: skip
    await consumer.start()
    try:
        async with Publisher(settings) as publisher:
            while chunk := list(itertools.islice(sent, AHEAD)):
                await publisher.publish(
                    (one.topic, one.partition, one.timestamp, one.key, one.value or b"")
                    for one in chunk
                )
                await _settled(consumer, books, worker, AHEAD)
                progress(books)
        await _settled(consumer, books, worker, 0)
    finally:
        await consumer.stop()


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
        assert time.monotonic() < deadline, f"{books.missing} offsets are settled nowhere"
        for found in (await consumer.getmany(timeout_ms=500)).values():
            deadline = time.monotonic() + SECONDS_WITHOUT_A_ROW
            for record in found:
                books.enter(_ledger.decode(record.value))
