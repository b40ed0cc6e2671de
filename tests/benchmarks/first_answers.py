"""Whether the first answer is the right one, and how soon it comes.

`python -m tests.benchmarks.first_answers [--installs N] [--rate PER_SECOND] [--backlog]
[--workers N] [--timestamps append|create] [--embedded]` publishes installs, four in five with a
click 0 ms, 10 ms or 1 s before them on another partition, while workers run, or before they start
(`--backlog`). It prints, by gap, how many installs were given another version only because of how
partitions were read: the click was in the log before the install, by its timestamps; and the time
from publishing an install to its first version on `attributions`. Needs a Kafka (HEADWATER_KAFKA),
or `--embedded`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiokafka
import orjson

from schemas import topics
from streams.errors import Stop
from streams.kafka.embedded_broker import EmbeddedBroker
from streams.kafka.publisher import Published, Publisher
from streams.lab.bench.bench import core_program
from streams.lab.bench.free_port import free_port
from streams.lab.bench.lap import BENCH_SECRET, CHECKOUT
from streams.lab.bench.programs import Program, running
from streams.settings import Settings, read_settings
from streams.wiring.parts import core_settings
from streams.worker.roles import migrate_in_child

GAPS_MS = (0, 10, 1_000)
ORGANIC = -1
"""The gap of installs without a click."""
APP = "com.example.game"
STORING = Program(
    "storing", [sys.executable, "-m", "streams.cli", "worker", "--role", "storing"], free_port()
)
_WARM_SHARE = 5
_QUIET_SECONDS = 5.0
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    installs: int
    rate: int
    seed: int
    is_backlog: bool
    workers: int


@dataclass(slots=True)
class Seen:
    """What became of the installs; times in seconds since 1970."""

    gaps: dict[str, int] = field(default_factory=dict)
    published: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    versions: dict[str, dict[int, tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """By install and version: touch_id and reason."""
    logged: dict[str, int] = field(default_factory=dict)  # by id of the click or install
    latest: float = 0.0


def drafts(plan: Plan, partitions: int) -> Iterator[tuple[float, int, tuple[str, int, str, bytes]]]:
    """Messages with their seconds from the start and the gap: topic, partition, id, value."""
    chance = random.Random(plan.seed)
    now = int(time.time() * 1000)
    planned = []
    for number in range(plan.installs):
        device = str(uuid.UUID(int=chance.getrandbits(128)))
        at, name = number / plan.rate, f"i{number}"
        gap = ORGANIC if chance.random() < 0.2 else chance.choice(GAPS_MS)
        opened = now + int(at * 1000) + 1_000
        common = {"app_id": APP, "schema_version": 1, "gaid": device, "platform": "android"}
        install = common | {"type": "install", "event_id": f"e-{name}", "install_id": name}
        places = chance.sample(range(partitions), 2)
        if gap != ORGANIC:
            click = common | {"type": "touchpoint", "event_id": f"c-{name}", "touch_type": "click",
                              "touch_id": f"t-{name}", "media_source": "adnova"}  # fmt: skip
            value = orjson.dumps(click | {"event_time": opened - 60_000})
            planned.append((at, gap, (topics.TOUCHPOINTS.name, places[0], f"t-{name}", value)))
        value = orjson.dumps(install | {"event_time": opened})
        later = at + max(gap, 0) / 1000
        planned.append((later, gap, (topics.INSTALLS.name, places[1], name, value)))
    yield from sorted(planned, key=lambda one: one[0])


async def publish(plan: Plan, settings: Settings, seen: Seen) -> None:
    """Publish at the moments of the plan, or all at once for a backlog."""
    started = time.monotonic()
    batch: list[Published] = []
    async with Publisher(core_settings(settings)) as publisher:
        for due, gap, (topic, partition, name, value) in drafts(plan, settings.kafka.partitions):
            ahead = due - (time.monotonic() - started)
            if not plan.is_backlog and ahead > 0:
                await publisher.publish(batch)
                batch = []
                await asyncio.sleep(max(0.0, due - (time.monotonic() - started)))
            batch.append((topic, partition, int(time.time() * 1000), None, value))
            if topic == topics.INSTALLS.name:
                seen.gaps[name] = gap
                seen.published[name] = time.time()
        await publisher.publish(batch)


@contextlib.asynccontextmanager
async def reading(settings: Settings, seen: Seen) -> AsyncIterator[None]:
    """Notes every version as it can be read, and when clicks and installs were logged."""
    core = core_settings(settings)
    names = [topics.ATTRIBUTIONS.name, topics.TOUCHPOINTS.name, topics.INSTALLS.name]
    consumer = aiokafka.AIOKafkaConsumer(
        *map(core.topic, names), **core.client(), isolation_level="read_committed",
        auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=10,
    )  # fmt: skip
    await consumer.start()

    async def read() -> None:
        while True:
            for tp, records in (await consumer.getmany(timeout_ms=10)).items():
                now = time.time()
                for record in records:
                    if record.value:
                        note(seen, core.topic(topics.ATTRIBUTIONS.name) == tp.topic, record, now)

    task = asyncio.create_task(read())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await consumer.stop()


def note(seen: Seen, is_outcome: bool, record: aiokafka.ConsumerRecord, now: float) -> None:
    fields = orjson.loads(record.value)
    if is_outcome:
        seen.latest = now
        seen.answered.setdefault(fields["install_id"], now)
        version = fields["touch_id"], fields["reason"]
        seen.versions[fields["install_id"]][fields["version"]] = version
    else:
        name = fields.get("install_id") or fields["touch_id"]
        seen.logged.setdefault(name, record.timestamp)


async def until_answered(plan: Plan, seen: Seen) -> None:
    """Wait until every install has an answer and no more versions come, or patience ends."""
    for _ in range(int(_PATIENCE_SECONDS / 0.1)):
        await asyncio.sleep(0.1)
        is_quiet = time.time() - seen.latest >= _QUIET_SECONDS
        if is_quiet and len(seen.answered) == plan.installs:
            return


def report(seen: Seen) -> dict[str, object]:
    """By gap: installs, those changed by what was logged before them, and times in ms."""
    found: dict[str, object] = {}
    warm = len(seen.published) // _WARM_SHARE
    for gap in (*GAPS_MS, ORGANIC):
        names = [name for name, one in seen.gaps.items() if one == gap]
        before = [one for one in names if seen.logged.get(f"t-{one}", 1 << 62) <= seen.logged[one]]
        changed = [one for one in before if len(seen.versions[one]) > 1]
        waits = sorted(
            1000 * (seen.answered[one] - seen.published[one])
            for one in names
            if one in seen.answered and int(one[1:]) >= warm
        )
        title = "organic" if gap == ORGANIC else f"gap_{gap}_ms"
        found[title] = {
            "installs": len(names),
            "click_logged_before": len(before),
            "changed": len(changed),
            "share": round(len(changed) / len(before), 4) if before else 0.0,
            "reasons": sorted({v[1] for one in changed for v in seen.versions[one].values()}),
            "unanswered": sum(one not in seen.answered for one in names),
            "p50_ms": round(waits[len(waits) // 2], 1) if waits else None,
            "p99_ms": round(waits[len(waits) * 99 // 100], 1) if waits else None,
        }
    return found


async def measure(plan: Plan, settings: Settings, environ: Mapping[str, str], folder: Path) -> str:
    seen = Seen()
    programs = core_program(plan.workers, folder).programs
    # The embedded broker forgets: there, core waits for those who read its outcomes.
    storing = [STORING] if settings.kafka.is_in_process else []
    if plan.is_backlog:
        await publish(plan, settings, seen)
    with running(storing, environ, CHECKOUT, programs) as ran:
        ran.start_counting()
        async with reading(settings, seen):
            if not plan.is_backlog:
                await asyncio.sleep(3.0)  # The group has settled, and idle partitions are ticked.
                await publish(plan, settings, seen)
            await until_answered(plan, seen)
        cpu = sum(ran.cpu_seconds().values())
    return json.dumps(report(seen) | {"cpu_seconds": round(cpu, 1)})


def surroundings(
    folder: Path, broker: EmbeddedBroker | None, timestamps: str
) -> tuple[Settings, dict[str, str]]:
    """Settings and environment of workers on a fresh prefix, or on the embedded broker."""
    environ = dict(os.environ) | {
        "HEADWATER_DATA": str(folder / "headwater"),
        "HEADWATER_METRICS_HOST": "127.0.0.1",
        "HEADWATER_LOG_LEVEL": "warning",
        "HEADWATER_PSEUDONYM_SECRET": BENCH_SECRET,
        "HEADWATER_SOURCE_TIMESTAMPS": timestamps,
        "HEADWATER_SOURCE_STAMPS_AHEAD": "36500d",
    }
    if broker is not None:
        environ |= broker.environment()
    else:
        environ["HEADWATER_TOPIC_PREFIX"] = f"first-{uuid.uuid4().hex[:8]}-"
    settings = read_settings(environ)
    if settings.kafka.brokers is None:
        raise Stop("needs a Kafka: set HEADWATER_KAFKA=host:port, or pass --embedded")
    migrate_in_child(settings, environ)
    return settings, environ


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--installs", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--backlog", action="store_true")
    parser.add_argument("--timestamps", choices=("append", "create"), default="append")
    parser.add_argument("--embedded", action="store_true")
    chosen = parser.parse_args()
    plan = Plan(chosen.installs, chosen.rate, chosen.seed, chosen.backlog, chosen.workers)
    with (
        tempfile.TemporaryDirectory(prefix="first-") as name,
        EmbeddedBroker() if chosen.embedded else contextlib.nullcontext() as broker,
    ):
        settings, environ = surroundings(Path(name), broker, chosen.timestamps)
        print(asyncio.run(measure(plan, settings, environ, Path(name))))


if __name__ == "__main__":
    try:
        main()
    except Stop as problem:
        sys.exit(f"{Path(__file__).stem}: {problem}")
