"""`headwater bench`: events per second from Kafka to stored rows, beside two other programs.

The events wait in Kafka before anything starts. The clock runs from the moment the deciding
process is ready until the last row is in the store, as the store itself dates it. The two
programs to compare with are in `tests/benchmarks` of the source checkout.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from schemas import topics
from streams.composition import core_settings, group_of
from streams.errors import Stop
from streams.lag import caught_up
from streams.measuring import Program, cpu_seconds, metrics_of, running
from streams.offsets import Offsets
from streams.publishing import Publisher
from streams.settings import Settings
from streams.simulator import Scenario, SimulatedMessage, simulate
from streams.store.tables import TABLES
from streams.workers import migrate_in_child

Advance = Callable[[str, int, int], None]

CHECKOUT = Path(__file__).resolve().parents[1]
COMPARISONS = CHECKOUT / "tests" / "benchmarks"
SLOW_SHARE = 10
SLOW_EVENTS_MIN = 10_000
"""The slow program gets a tenth of the events, but not less than this."""
PATIENCE_SECONDS = 1_800.0
LOOK_SECONDS = 0.5
STAGES = ("intake", "matching", "journeys", "learning")
_DECIDING = [topic.name for topic in (*topics.SOURCES, topics.MATCH, topics.JOURNEYS)]
_OUTCOMES = [topic.name for topic in topics.OUTCOMES]


@dataclass(frozen=True, slots=True)
class Lap:
    """One program over its events."""

    events: int
    seconds: float
    cpu: dict[str, float]
    metrics: dict[tuple[str, str], float]  # of the deciding process; empty if it has none

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds


@dataclass(frozen=True, slots=True)
class Course:
    """Where the events of one lap wait, and where its rows go."""

    settings: Settings
    broker_pid: int | None

    @classmethod
    def new(cls, settings: Settings, folder: Path, broker_pid: int | None) -> Course:
        folder.mkdir()
        name = f"bench-{uuid.uuid4().hex[:8]}-"
        kafka = replace(settings.kafka, topic_prefix=name, source_timestamps="create")
        folders = replace(settings.folders, data=folder, own_state=None)
        store = replace(settings.store, url=None)
        return cls(replace(settings, kafka=kafka, folders=folders, store=store), broker_pid)

    @property
    def environ(self) -> dict[str, str]:
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("HEADWATER_CLICKHOUSE", "HEADWATER_STATE_DIR"))
        }
        return kept | {
            "HEADWATER_KAFKA": self.settings.kafka.brokers or "",
            "HEADWATER_TOPIC_PREFIX": self.settings.kafka.topic_prefix,
            "HEADWATER_SOURCE_TIMESTAMPS": "create",
            "HEADWATER_DATA": str(self.settings.folders.data),
            "HEADWATER_METRICS_HOST": "127.0.0.1",
            "HEADWATER_LOG_LEVEL": "warning",
        }


def run_bench(settings: Settings, events: int, seed: int, advance: Advance) -> dict[str, Any]:
    """Everything in one run, on one broker; Stop when a part fails."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headwater-bench-")))
        settings, broker_pid = stack.enter_context(_kafka(settings, folder))
        course = Course.new(settings, folder / "headwater", broker_pid)
        advance("headwater: publishing", 0, events)
        count = _prepare(course, simulate(Scenario.standard(events, seed)))
        lap = asyncio.run(_run_lap(course, _headwater(), count, advance))
        bound = _bound(course, folder, count, advance)
        slow = _idiomatic(settings, folder, (events, seed), broker_pid, advance)
    return _report(lap, slow, bound, settings.kafka.brokers or "")


@contextlib.contextmanager
def _kafka(settings: Settings, folder: Path) -> Iterator[tuple[Settings, int | None]]:
    """The broker of the settings; in a source checkout without one, a broker of our own."""
    if settings.kafka.brokers is not None:
        yield settings, None
        return
    try:
        servers = importlib.import_module("deploy.local.servers")
    except ImportError as error:
        raise Stop("bench needs a real Kafka: set HEADWATER_KAFKA=host:port") from error
    server = servers.own_kafka(folder / "kafka")
    try:
        server.start(dies_with_parent=True)
        server.wait_ready()
        kafka = replace(settings.kafka, brokers=server.address)
        yield replace(settings, kafka=kafka), server.program.pid()
    except servers.ServerError as error:
        raise Stop(f"{error}; or set HEADWATER_KAFKA=host:port") from error
    finally:
        server.stop()


def _prepare(course: Course, messages: Iterable[SimulatedMessage]) -> int:
    """Create topics and tables and publish; how many events there are, ticks excepted."""
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


@dataclass(frozen=True, slots=True)
class Contestant:
    """A deciding program: its group, and the topics it reads beside the sources."""

    name: str
    program: Program
    group: str
    topics: Sequence[str]


def _headwater() -> Contestant:
    command = [sys.executable, "-m", "streams.cli", "worker", "--role", "core"]
    return Contestant("headwater", Program("core", command, _free_port()), "headwater-core",
                      _DECIDING)  # fmt: skip


async def _run_lap(course: Course, who: Contestant, events: int, advance: Advance) -> Lap:
    storing = Program(
        "storing",
        [sys.executable, "-m", "streams.cli", "worker", "--role", "storing"],
        _free_port(),
    )
    # Storing is ready first: then the clock starts with the deciding process.
    with running([storing, who.program], course.environ, CHECKOUT) as ran:
        started = time.time()
        ran.start_counting()
        broker_before = cpu_seconds(course.broker_pid) if course.broker_pid else 0.0
        async with asyncio.timeout(PATIENCE_SECONDS):
            await _until_stored(course.settings, who, events, ran.require_all, advance)
        cpu = ran.cpu_seconds()
        if course.broker_pid:
            cpu["broker"] = round(cpu_seconds(course.broker_pid) - broker_before, 2)
        port = who.program.metrics_port
        metrics = await asyncio.to_thread(metrics_of, port) if port else {}
    return Lap(events, _last_insert(course) - started, cpu, metrics)


async def _until_stored(
    settings: Settings, who: Contestant, events: int, check: Callable[[], None], advance: Advance
) -> None:
    core = core_settings(settings)
    prefix = settings.kafka.topic_prefix
    group = f"{prefix}{who.group}"
    sources = [
        (topic.name, p) for topic in topics.SOURCES for p in range(settings.kafka.partitions)
    ]
    offsets = Offsets(core)
    await offsets.start()
    try:
        ends = await offsets.high_watermark(sources)
        total = sum(ends.values())
        while True:
            check()
            done = sum((await offsets.committed(group, sources)).values())
            advance(f"{who.name}: deciding and storing", events * done // total, events)
            if done == total:
                break
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await offsets.stop()
    for name, read in ((group, who.topics), (group_of("storing", settings.kafka), _OUTCOMES)):
        while not await caught_up(core.bootstrap_servers, name, read, core):
            check()
            await asyncio.sleep(LOOK_SECONDS)


def _last_insert(course: Course) -> float:
    """When the last row was stored, in seconds since 1970, by the store.

    Asked in a process of its own: chdb must not be open where others start.
    """
    latest = " UNION ALL ".join(f"SELECT max(inserted_at) AS at FROM {name}" for name in TABLES)
    sql = f"SELECT toUnixTimestamp64Milli(max(at)) AS latest FROM ({latest})"
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "query", "--json", sql],
        env=course.environ,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise Stop("the store cannot be read: its own message is above")
    return int(json.loads(done.stdout)["rows"][0][0]) / 1000


def _idiomatic(
    settings: Settings,
    folder: Path,
    wanted: tuple[int, int],
    broker_pid: int | None,
    advance: Advance,
) -> Lap | None:
    """The Faust application, over fewer events of the same mix and without clock ticks."""
    if not _is_there("idiomatic_faust"):
        return None
    events, seed = wanted
    fewer = min(events, max(events // SLOW_SHARE, SLOW_EVENTS_MIN))
    course = Course.new(settings, folder / "idiomatic", broker_pid)
    advance("idiomatic Faust: publishing", 0, fewer)
    messages = simulate(Scenario.standard(fewer, seed))
    count = _prepare(course, (message for message in messages if not message.is_tick))
    command = [sys.executable, "-m", "tests.benchmarks.idiomatic_faust", "worker", "-l", "error"]
    own = ["idiomatic-matches", "idiomatic-journeys"]
    who = Contestant(
        "idiomatic Faust",
        Program("idiomatic", command),
        "idiomatic",
        [*(topic.name for topic in topics.SOURCES), *own],
    )
    return asyncio.run(_run_lap(course, who, count, advance))


def _bound(course: Course, folder: Path, events: int, advance: Advance) -> float | None:
    """Events per second of a loop that only reads, decodes and inserts the same messages."""
    if not _is_there("bare_loop.py"):
        return None
    advance("bare loop", 0, events)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bare_loop", str(folder / "bare"), str(events)],
        env=course.environ,
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise Stop(f"the bare loop ended with exit code {done.returncode}: see above")
    return float(json.loads(done.stdout)["events_per_second"])


def _is_there(name: str) -> bool:
    if (COMPARISONS / name).exists():
        return True
    print(f"headwater: no {name} to compare with: run bench in a source checkout", file=sys.stderr)
    return False


def _report(lap: Lap, slow: Lap | None, bound: float | None, broker: str) -> dict[str, Any]:
    rate = lap.events_per_second
    cpu = lap.cpu | ({"idiomatic_faust": slow.cpu["idiomatic"]} if slow else {})
    return {
        "events_per_second": round(rate),
        "idiomatic_faust_events_per_second": round(slow.events_per_second) if slow else None,
        "ratio_idiomatic": round(rate / slow.events_per_second, 2) if slow else None,
        "bound_events_per_second": round(bound) if bound else None,
        "share_of_bound": round(rate / bound, 3) if bound else None,
        "stage_microseconds": _stage_microseconds(lap),
        "cpu_seconds": cpu,
        "rows_learned": int(_total(lap.metrics, "headwater_examples_total")),
        "broker": f"Kafka at {broker}",
        "store": "chdb",
    }


def _stage_microseconds(lap: Lap) -> dict[str, float]:
    """Time of each stage per source event. `shell` is the rest of the deciding process's CPU."""
    spent = {
        stage: lap.metrics.get(("headwater_decide_seconds_sum", stage), 0.0) for stage in STAGES
    }
    spent["shell"] = max(lap.cpu["core"] - sum(spent.values()), 0.0)
    spent["storing"] = lap.cpu["storing"]
    return {stage: round(seconds / lap.events * 1e6, 2) for stage, seconds in spent.items()}


def _total(metrics: Mapping[tuple[str, str], float], name: str) -> float:
    return sum(value for (sample, _), value in metrics.items() if sample == name)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
