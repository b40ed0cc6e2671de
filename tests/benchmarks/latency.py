"""How soon an install is scored, and its prediction readable in the store.

`python -m tests.benchmarks.latency [--rate EVENTS_PER_SECOND] [--events N] [--seed S]` publishes
at that rate and prints p50 and p99 in milliseconds: from publishing an install to its prediction
on the `predictions` topic, and to that row in the store, as the store dates it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import aiokafka
import orjson

from schemas import topics
from streams.errors import Stop
from streams.kafka.publisher import Pace, Publisher
from streams.lab.bench.bench import core_program
from streams.lab.bench.free_port import free_port
from streams.lab.bench.lap import CHECKOUT, Course, prepare, until_settled
from streams.lab.bench.programs import Program, running
from streams.lab.simulator import Scenario, SimulatedMessage, simulate_traffic
from streams.settings import read_settings
from streams.wiring.parts import core_settings

LANDMARK = "install"
WARM_SHARE = 5
"""The first fifth only warms up: imports, caches, the first model."""


class Published:
    """When each install was handed to the producer, in seconds since 1970."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def noted(self, messages: Iterable[SimulatedMessage]) -> Iterator[SimulatedMessage]:
        for message in messages:
            if message.topic == topics.INSTALLS.name and not message.is_tick:
                self._note(message.value)
            yield message

    def _note(self, value: bytes) -> None:
        with contextlib.suppress(orjson.JSONDecodeError):
            fields = orjson.loads(value)
            if isinstance(fields, dict) and isinstance(fields.get("install_id"), str):
                self.at.setdefault(fields["install_id"], time.time())


async def measure(course: Course, rate: int, events: int, seed: int) -> dict[str, object]:
    storing = [sys.executable, "-m", "streams.cli", "worker", "--role", "storing"]
    deciding = core_program()
    programs = [Program("storing", storing, free_port()), *deciding.programs]
    published = Published()
    arrived: dict[str, float] = {}
    with running(programs, course.environ, CHECKOUT) as ran:
        async with _predictions(course, arrived), Publisher(core_settings(course.settings)) as to:
            messages = published.noted(simulate_traffic(Scenario.standard(events, seed)))
            started = time.monotonic()
            sent = await to.publish(messages, Pace(rate))
            seconds = time.monotonic() - started
            await until_settled(course.settings, deciding, ran.require_all)
    measured = list(published.at)[len(published.at) // WARM_SHARE :]
    stored = _stored(course)
    return {
        "messages_per_second": round(sent / seconds),
        "installs": len(measured),
        "to_prediction_ms": _percentiles(measured, published.at, arrived),
        "to_row_ms": _percentiles(measured, published.at, stored),
    }


@contextlib.asynccontextmanager
async def _predictions(course: Course, arrived: dict[str, float]) -> AsyncIterator[None]:
    """Notes when the first prediction of each install can be read."""
    core = core_settings(course.settings)
    consumer = aiokafka.AIOKafkaConsumer(
        core.topic(topics.PREDICTIONS.name), **core.client(), isolation_level="read_committed",
        auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=20,
    )  # fmt: skip
    await consumer.start()

    async def read() -> None:
        while True:
            polled = await consumer.getmany(timeout_ms=20)
            now = time.time()
            for records in polled.values():
                for record in records:
                    fields = orjson.loads(record.value)
                    if fields["landmark"] == LANDMARK:
                        arrived.setdefault(fields["install_id"], now)

    reading = asyncio.create_task(read())
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.wait([reading])
        await consumer.stop()


def _stored(course: Course) -> dict[str, float]:
    sql = f"SELECT install_id, min(inserted_at) FROM predictions WHERE landmark = '{LANDMARK}'"
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "query", "--json", f"{sql} GROUP BY install_id"],
        env=course.environ,
        stdout=subprocess.PIPE,
        check=True,
    )
    return {
        install_id: datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        for install_id, text in json.loads(done.stdout)["rows"]
    }


def _percentiles(
    installs: list[str], since: Mapping[str, float], until: Mapping[str, float]
) -> dict[str, float]:
    waits = sorted(1000 * (until[one] - since[one]) for one in installs if one in until)
    found = {
        f"p{share}": round(waits[min(len(waits) - 1, len(waits) * share // 100)], 1)
        for share in (50, 99)
    }
    return {**found, "max": round(waits[-1], 1), "measured": len(waits)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=6_000)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="latency-") as folder:
        course = Course.new(read_settings(), Path(folder) / "headwater")
        prepare(course, ())
        print(json.dumps(asyncio.run(measure(course, chosen.rate, chosen.events, chosen.seed))))


if __name__ == "__main__":
    try:
        main()
    except Stop as problem:
        sys.exit(f"{Path(__file__).stem}: {problem}")
