"""One lap of a benchmark: a deciding program and a storing worker, over events in Kafka."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from schemas import topics
from schemas.time import format_duration
from streams.errors import Stop
from streams.kafka.caught_up import caught_up, committed_sum
from streams.kafka.publisher import Publisher
from streams.lab.bench.benched import BenchedProgram, Stall
from streams.lab.bench.free_port import free_port
from streams.lab.bench.programs import (
    Program,
    Running,
    cpu_seconds,
    local_pid,
    memory_mb,
    metrics_of,
    running,
)
from streams.lab.simulator import SimulatedMessage
from streams.progress import Progress
from streams.runtime.offsets import Offsets
from streams.settings import Settings
from streams.settings.kafka import STAMPS_AHEAD_MS_MAX
from streams.store.tables import TABLES
from streams.wiring.parts import core_settings
from streams.worker.roles import migrate_in_child

CHECKOUT = Path(__file__).resolve().parents[3]
_PATIENCE_SECONDS = 1_800.0
POLL_SECONDS = 0.5
ENDED_SECONDS = 0.05
BENCH_SECRET = "the published key of the benchmark"
"""Its events are simulated, so there is nobody to protect."""
_OF_THE_INSTALLATION = ("HEADWATER_CLICKHOUSE", "HEADWATER_STATE_DIR", "HEADWATER_PSEUDONYM")
_OUTCOMES = [topic.name for topic in topics.OUTCOMES]


@dataclass(frozen=True, slots=True)
class Lap:
    """What one program took for its events."""

    events: int
    seconds: float
    cpu: dict[str, float]
    metrics: dict[tuple[str, str], float]  # of the deciding program; empty if it has none
    memory_mb: dict[str, float] = field(default_factory=dict)
    """The most that each process took."""

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds


@dataclass(frozen=True, slots=True)
class Course:
    """Where the events of one lap are, and where its rows go."""

    settings: Settings

    @classmethod
    def new(
        cls, settings: Settings, folder: Path, timestamps: Literal["append", "create"] = "create"
    ) -> Course:
        """A new topic prefix on the broker of the settings, and a new folder.

        `timestamps`: whose clock stamps the records of source topics.
        """
        require_kafka(settings)
        folder.mkdir()
        name = f"bench-{uuid.uuid4().hex[:8]}-"
        kafka = replace(
            settings.kafka, topic_prefix=name, source_timestamps=timestamps,
            stamps_ahead_ms=STAMPS_AHEAD_MS_MAX,
        )  # fmt: skip
        folders = replace(settings.folders, data=folder, own_state=None)
        store = replace(settings.store, url=None)
        return cls(replace(settings, kafka=kafka, folders=folders, store=store))

    @property
    def environ(self) -> dict[str, str]:
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(_OF_THE_INSTALLATION)
        }
        return kept | {
            "HEADWATER_KAFKA": self.settings.kafka.brokers or "",
            "HEADWATER_PSEUDONYM_SECRET": BENCH_SECRET,
            "HEADWATER_TOPIC_PREFIX": self.settings.kafka.topic_prefix,
            "HEADWATER_PARTITIONS": str(self.settings.kafka.partitions),
            "HEADWATER_SOURCE_TIMESTAMPS": self.settings.kafka.source_timestamps,
            "HEADWATER_SOURCE_STAMPS_AHEAD": format_duration(self.settings.kafka.stamps_ahead_ms),
            "HEADWATER_DATA": str(self.settings.folders.data),
            "HEADWATER_METRICS_HOST": "127.0.0.1",
            "HEADWATER_LOG_LEVEL": "warning",
        }


def require_kafka(settings: Settings) -> None:
    """Stop: there is none. The in-process broker is too small for the events of a benchmark."""
    if settings.kafka.brokers is None:
        raise Stop(
            "bench needs a real Kafka: set HEADWATER_KAFKA=host:port, or use `make bench`, "
            "which starts one"
        )


def prepare(course: Course, messages: Iterable[SimulatedMessage]) -> int:
    """Create topics and tables, and publish. Returns the number of events, without clock ticks."""
    migrate_in_child(course.settings, course.environ)
    count = 0

    def counted() -> Iterator[SimulatedMessage]:
        nonlocal count
        for message in messages:
            count += not message.is_tick
            yield message

    async def publish() -> None:
        async with Publisher(core_settings(course.settings)) as publisher:
            await publisher.publish(counted())

    asyncio.run(publish())
    return count


async def run_lap(course: Course, benched: BenchedProgram, events: int, advance: Progress) -> Lap:
    """Measure one program. Stop: a process ends. TimeoutError: after half an hour."""
    storing = Program(
        "storing",
        [sys.executable, "-m", "streams.cli", "worker", "--role", "storing"],
        free_port(),
    )
    # Storing is ready first, so that the clock starts with the deciding program.
    with running([storing], course.environ, CHECKOUT, benched.programs) as ran:
        started = ran.first_ready_at
        ran.start_counting()
        broker = local_pid(course.settings.kafka.brokers or "")
        broker_before = cpu_seconds(broker) if broker else 0.0
        async with asyncio.timeout(_PATIENCE_SECONDS):
            if any(program.ends for program in benched.programs):
                await _until_ended(course.settings, benched, ran, advance)
            else:
                await _until_stored(course.settings, benched, events, ran, advance)
        cpu = _by_role(ran.cpu_seconds())
        if broker:
            cpu["broker"] = round(cpu_seconds(broker) - broker_before, 2)
        metrics = await asyncio.to_thread(_metrics_of_all, benched.programs)
        memory = {name: memory_mb(one.pid).most for name, one in ran.processes.items()}
    return Lap(events, _last_insert(course) - started, cpu, metrics, memory)


def _by_role(spent: dict[str, float]) -> dict[str, float]:
    """CPU seconds of all processes of a role; `core-1` is of the role core."""
    by_role: dict[str, float] = {}
    for name, seconds in spent.items():
        role = name.partition("-")[0]
        by_role[role] = round(by_role.get(role, 0.0) + seconds, 2)
    return by_role


def _metrics_of_all(programs: Sequence[Program]) -> dict[tuple[str, str], float]:
    """Summed over the processes that have metrics."""
    found: dict[tuple[str, str], float] = {}
    for program in programs:
        if program.metrics_port:
            for sample, value in metrics_of(program.metrics_port).items():
                found[sample] = found.get(sample, 0.0) + value
    return found


async def _until_ended(
    settings: Settings, benched: BenchedProgram, ran: Running, advance: Progress
) -> None:
    """Of a program that ends by itself, and tells Kafka nothing of how far it is."""
    names = {program.name for program in benched.programs}
    advance(f"{benched.name}: deciding and storing", 0, 1)
    while not all(map(ran.ended, names)):
        ran.require_all(names)
        await asyncio.sleep(ENDED_SECONDS)
    ran.require_all(names)
    await until_settled(settings, benched, ran, names)


async def _until_stored(
    settings: Settings,
    benched: BenchedProgram,
    events: int,
    ran: Running,
    advance: Progress,
) -> None:
    core = core_settings(settings)
    stall = Stall(benched, ran)
    prefix = settings.kafka.topic_prefix
    group = f"{prefix}{benched.group}"
    sources = [
        (topic.name, p) for topic in topics.SOURCES for p in range(settings.kafka.partitions)
    ]
    offsets = Offsets(core)
    await offsets.start()
    try:
        ends = await offsets.high_watermark(sources)
        total = sum(ends.values())
        while True:
            ran.require_all()
            done = sum((await offsets.committed(group, sources)).values())
            stall.look(done)
            share = min(done / total, 1.0)  # Clock ticks come after the events.
            advance(f"{benched.name}: deciding and storing", int(events * share), events)
            if done >= total:
                break
            await asyncio.sleep(POLL_SECONDS)
    finally:
        await offsets.stop()
    await until_settled(settings, benched, ran)


async def until_settled(
    settings: Settings, benched: BenchedProgram, ran: Running, finishing: Collection[str] = ()
) -> None:
    """Wait until the program, then the storing worker, has read everything.

    Those that are `finishing` may end by themselves.
    """
    core = core_settings(settings)
    group = f"{settings.kafka.topic_prefix}{benched.group}"
    readers = [(settings.kafka.consumer_group("storing"), _OUTCOMES)]
    if benched.topics:
        readers.insert(0, (group, list(benched.topics)))
    for name, read in readers:
        stall = Stall(benched, ran)
        while not await caught_up(core.bootstrap_servers, name, read, core):
            ran.require_all(finishing)
            stall.look(await committed_sum(core, name, read))
            await asyncio.sleep(POLL_SECONDS)


def _last_insert(course: Course) -> float:
    """When the last row was stored, in seconds since 1970, by the store."""
    latest = " UNION ALL ".join(f"SELECT max(inserted_at) AS at FROM {name}" for name in TABLES)
    sql = f"SELECT toUnixTimestamp64Milli(max(at)) AS latest FROM ({latest})"
    return int(stored_rows(course, sql)[0][0]) / 1000


def stored_rows(course: Course, sql: str) -> list[list[Any]]:
    """The rows of a statement. Stop when the store cannot be read.

    Asked in a process of its own: chdb must not be open where others start.
    """
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "query", "--json", sql],
        env=course.environ,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise Stop("the store cannot be read: its own message is above")
    rows: list[list[Any]] = json.loads(done.stdout)["rows"]
    return rows
