"""Valid events at every edge, in any number: nothing stops, every one is accounted for.

`python -m tests.simulation.valid_extremes --inputs 20000 [--seed 1]` replays them, holds every
message and state value against a broker's limits, and every row against its table.
With `--kafka`, beside `python -m deploy.local.servers run`, it publishes them to a real broker, and
a real worker takes them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import aiokafka
import msgspec

from schemas import topics
from schemas.outcomes import LedgerRow
from schemas.time import EventMs
from streams.kafka.publisher import Publisher
from streams.replay.engine import SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.settings.core import CoreSettings
from streams.stages.common.observer import StageObserver
from streams.stages.factory import StageRules
from streams.stages.intake.intake import IntakeRules
from streams.store.columns import OutcomeDecoder
from streams.store.tables import TABLE_OF_TOPIC
from tests.simulation.sizes.measured_replay import MeasuredReplay, SizeWatch
from tests.simulation.sizes.valid_events import Draw
from tests.worlds.clock import NOON

_ledger = msgspec.json.Decoder(LedgerRow)
KAFKA_SECONDS = 1_200


class Books:
    """What became of every source offset, by the ledger."""

    def __init__(self, records: Sequence[MemoryRecord]) -> None:
        self._open = {(one.topic, one.partition, one.offset) for one in records}
        self._expected = set(self._open)
        self.found: Counter[str] = Counter()

    def enter(self, row: LedgerRow) -> None:
        """Settle the offsets of a row; a later row of the same offset only changes its fate."""
        for offset in row.offsets:
            source = row.source_topic, row.source_partition, offset
            assert source in self._expected, f"{source} was never sent"
            self._open.discard(source)
        self.found[row.disposition] += len(row.offsets)

    @property
    def missing(self) -> int:
        """Offsets that are settled nowhere."""
        return len(self._open)


class Evictions(StageObserver):
    """Counts by bound what was evicted."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    def on_evicted(self, bound: str, count: int) -> None:
        self.found[bound] += count


def replayed(records: Sequence[MemoryRecord]) -> tuple[SizeWatch, Books, Evictions]:
    """Replay the records; every row is decoded as storing does it."""
    order = SourceOrder()
    for record in records:
        order.see(record)
    watch, books, evictions = SizeWatch(), Books(records), Evictions()
    decoders = {topic: OutcomeDecoder(table) for topic, table in TABLE_OF_TOPIC.items()}

    def keep(topic: str, rows: Sequence[MemoryRecord]) -> None:
        decoders[topic].decode([row.value for row in rows], 0, [row.offset for row in rows])
        if topic == topics.LEDGER.name:
            for row in rows:
                books.enter(_ledger.decode(row.value or b""))

    rules = StageRules(IntakeRules(b"s", EventMs(0), 1.0, 10**9))
    MeasuredReplay(rules, keep, watch, evictions).run(records, order)
    return watch, books, evictions


async def _publish(settings: CoreSettings, records: Sequence[MemoryRecord]) -> None:
    async with Publisher(settings) as publisher:
        await publisher.publish(
            (one.topic, one.partition, one.timestamp, one.key, one.value or b"") for one in records
        )


async def _settled(settings: CoreSettings, books: Books, worker: subprocess.Popen[str]) -> None:
    consumer = aiokafka.AIOKafkaConsumer(
        settings.topic("ledger"), bootstrap_servers=settings.bootstrap_servers,
        isolation_level="read_committed", auto_offset_reset="earliest",
    )  # fmt: skip
    await consumer.start()
    deadline = time.monotonic() + KAFKA_SECONDS
    try:
        while books.missing:
            assert worker.poll() is None, "the worker ended"
            assert time.monotonic() < deadline, f"{books.missing} offsets are settled nowhere"
            for found in (await consumer.getmany(timeout_ms=500)).values():
                for record in found:
                    books.enter(_ledger.decode(record.value))
    finally:
        await consumer.stop()


def on_kafka(records: Sequence[MemoryRecord]) -> tuple[Books, int]:
    """Publish the records to HEADWATER_KAFKA and let a worker take them; its largest memory."""
    books = Books(records)
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
        command = [sys.executable, "-m", "streams.cli"]
        subprocess.run([*command, "migrate"], env=environ, check=True, stdout=subprocess.DEVNULL)
        settings = CoreSettings(
            os.environ["HEADWATER_KAFKA"], topic_prefix=own["HEADWATER_TOPIC_PREFIX"]
        )
        asyncio.run(_publish(settings, records))
        worker = subprocess.Popen([*command, "worker", "--role", "core"], env=environ, text=True)
        try:
            asyncio.run(_settled(settings, books, worker))
            status = Path(f"/proc/{worker.pid}/status").read_text().split()
            peak = int(status[status.index("VmHWM:") + 1])
        finally:
            worker.terminate()
            worker.wait(30)
    assert worker.returncode == 0
    return books, peak


def main() -> None:
    """Run as asked, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kafka", action="store_true")
    asked = parser.parse_args()
    records = list(Draw(asked.seed).records(asked.inputs, NOON))
    began = time.monotonic()
    if asked.kafka:
        books, peak = on_kafka(records)
        print(f"worker: {peak // 1_024} MiB at most")
    else:
        watch, books, evictions = replayed(records)
        assert not watch.refused(), watch.refused()
        print("largest:", dict(sorted(watch.largest.items(), key=lambda one: -one[1])[:5]))
        print("evicted:", dict(evictions.found))
        print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024} MiB at most")
    octets = sum(len(one.value or b"") for one in records)
    seconds = time.monotonic() - began
    print(f"{len(records)} events, {octets / 1e6:.1f} MB, {seconds:.0f} s: {dict(books.found)}")
    assert books.missing == 0, f"{books.missing} offsets are settled nowhere"
    assert not books.found["dead_lettered"]


if __name__ == "__main__":
    main()
