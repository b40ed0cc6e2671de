"""How soon an install is scored, and its prediction readable in the store.

`python -m tests.benchmarks.latency [--rate EVENTS_PER_SECOND] [--events N] [--partitions N]
[--timestamps append|create] [--seed S] [--learning-apart] [--json]` publishes at that rate and
prints p50 and p99 in milliseconds: from publishing an install to its prediction on the
`predictions` topic, to that row in the store, as the store dates it, and by hop on the way to the
prediction. The first fifth of the installs only warms up.

What is published is a day of events up to now, on all partitions, stamped when it is published: by
the broker, as topics are by default, or by the producer. So log time goes as it does in production.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import aiokafka
import msgspec
import orjson

from schemas import topics
from streams.cli.output import progress
from streams.errors import Stop
from streams.kafka.publisher import Pace, Publisher
from streams.lab.bench.bench import core_program
from streams.lab.bench.benched import BenchedProgram
from streams.lab.bench.control_loop import ControlLoop
from streams.lab.bench.free_port import free_port
from streams.lab.bench.lap import (
    CHECKOUT,
    POLL_SECONDS,
    Course,
    prepare,
    stored_rows,
)
from streams.lab.bench.programs import Program, running
from streams.lab.simulator import Scenario, SimulatedMessage, simulate_traffic
from streams.settings import read_settings
from streams.wiring.parts import core_settings
from tests.benchmarks.latency.hops import HopTrace, by_hop
from tests.benchmarks.latency.install_places import read_places

LANDMARK = "install"
DAY_MS = 24 * 3_600_000
CHUNKS_PER_SECOND = 50
"""In as many pieces messages are published: in one for each, an install would wait for the next."""
QUIET_SECONDS = 5.0
"""Nothing arrives for so long: what was published and has no prediction gets none."""
PATIENCE_SECONDS = 60.0
SETTLING_SECONDS = 3.0
"""The group has settled, and idle partitions are ticked, before anything is published."""
ROWS_SECONDS = 4.0
"""How long rows may take that are not inserted when the last prediction is read."""
TRACED_WORKER = "tests.benchmarks.latency.traced_worker"
WARM_SHARE = 5
"""The first fifth only warms up: imports, caches, the first model."""


class Load(NamedTuple):
    """What is published."""

    rate: int  # events per second
    events: int
    seed: int
    partitions: int

    def messages(self) -> Iterator[SimulatedMessage]:
        """Events of the last day. Ticks are what the workers write."""
        scenario = replace(
            Scenario.standard(self.events, self.seed),
            partitions=self.partitions,
            days=1,
            start_ms=_now_ms() - DAY_MS,
        )
        return (one for one in simulate_traffic(scenario) if not one.is_tick)

    @property
    def pace(self) -> Pace:
        return Pace(self.rate, chunks_per_second=CHUNKS_PER_SECOND)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Published:
    """When each install was handed to the producer, in seconds since 1970."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def noted(self, messages: Iterable[SimulatedMessage]) -> Iterator[SimulatedMessage]:
        for message in messages:
            if message.topic == topics.INSTALLS.name:
                self._note(message.value)
            yield message._replace(timestamp_ms=_now_ms())

    def _note(self, value: bytes) -> None:
        with contextlib.suppress(orjson.JSONDecodeError):
            fields = orjson.loads(value)
            if isinstance(fields, dict) and isinstance(fields.get("install_id"), str):
                self.at.setdefault(fields["install_id"], time.time())


def learner(folder: Path) -> Program:
    """A learning worker, so that core does not learn."""
    command = [sys.executable, "-m", "streams.cli", "worker", "--role", "learning"]
    own = {"HEADWATER_STATE_DIR": str(folder / "state-learning")}
    return Program("learning", command, free_port(), own)


async def measure(
    course: Course, load: Load, folder: Path, beside: Sequence[Program] = ()
) -> dict[str, object]:
    storing = [sys.executable, "-m", "streams.cli", "worker", "--role", "storing"]
    deciding, traces = traced(core_program(), folder)
    programs = [Program("storing", storing, free_port()), *deciding.programs, *beside]
    published = Published()
    arrived: dict[str, float] = {}
    core = core_settings(course.settings)
    control = ControlLoop()
    with running(programs, course.environ, CHECKOUT) as ran:
        async with _predictions(course, arrived), Publisher(core) as to:
            await asyncio.sleep(SETTLING_SECONDS)
            messages = published.noted(load.messages())
            started = time.monotonic()
            with progress() as advance:
                sent = await to.publish(
                    messages, load.pace, lambda done: advance("published", done, load.events)
                )
            seconds = time.monotonic() - started
            await _until_predicted(published, arrived, ran.require_all)
    control.after("latency")
    measured = list(published.at)[len(published.at) // WARM_SHARE :]
    stored = _stored(course)
    places = await read_places(core, course.settings.kafka.partitions)
    trace = HopTrace.of_files(path for path in traces if path.exists())
    rows = [
        hops
        for one in measured
        if one in arrived
        if (hops := trace.hops(one, published.at[one], places, arrived[one]))
    ]
    return {
        "messages_per_second": round(sent / seconds),
        "partitions": course.settings.kafka.partitions,
        "timestamps": course.settings.kafka.source_timestamps,
        "installs": len(measured),
        "to_prediction_ms": _percentiles(measured, published.at, arrived),
        "to_row_ms": _percentiles(measured, published.at, stored),
        "by_hop": by_hop(rows),
        "installs_by_hop": len(rows),
        "control_microseconds": control.microseconds["latency"],
    }


def traced(deciding: BenchedProgram, folder: Path) -> tuple[BenchedProgram, list[Path]]:
    """The same program, whose core workers write traces into a folder."""
    programs, traces = [], []
    for program in deciding.programs:
        if program.name.startswith("core"):
            traces.append(folder / f"{program.name}.trace")
            command = [sys.executable, "-m", TRACED_WORKER, str(traces[-1])]
            programs.append(replace(program, command=command))
        else:
            programs.append(program)
    return replace(deciding, programs=programs), traces


async def _until_predicted(
    published: Published, arrived: Mapping[str, float], check: Callable[[], None]
) -> None:
    """Wait until every install is predicted, or no more are, and the rows are stored."""
    began = time.time()
    while (now := time.time()) - began < PATIENCE_SECONDS:
        check()
        latest = max(arrived.values(), default=began)
        if now - latest >= QUIET_SECONDS or published.at.keys() <= arrived.keys():
            break
        await asyncio.sleep(POLL_SECONDS)
    await asyncio.sleep(ROWS_SECONDS)


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
    return {
        install_id: datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        for install_id, text in stored_rows(course, f"{sql} GROUP BY install_id")
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
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--timestamps", choices=("append", "create"), default="append")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--learning-apart", action="store_true", help="a learning worker, too")
    parser.add_argument("--json", action="store_true", help="one line instead of many")
    chosen = parser.parse_args()
    settings = read_settings()
    kafka = msgspec.structs.replace(settings.kafka, partitions=chosen.partitions)
    load = Load(chosen.rate, chosen.events, chosen.seed, chosen.partitions)
    with tempfile.TemporaryDirectory(prefix="latency-") as name:
        folder = Path(name)
        course = Course.new(
            msgspec.structs.replace(settings, kafka=kafka), folder / "headwater", chosen.timestamps
        )
        prepare(course, ())
        beside = [learner(folder)] if chosen.learning_apart else []
        report = asyncio.run(measure(course, load, folder, beside))
    print(json.dumps(report, indent=None if chosen.json else 2))


if __name__ == "__main__":
    try:
        main()
    except Stop as problem:
        sys.exit(f"latency: {problem}")
