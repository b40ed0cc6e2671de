"""The constants of deploy/capacity.md, measured on this machine.

`python -m tests.benchmarks.capacity [--events N] [--workers 1,2,4] [--days N] [--seed S] [--json]`
runs the standard mix once per number of core workers, each a process beside one storing worker and
the broker, and prints per CPU second, event, row and install what they took. `events_per_second` is
what they reached together on the cores that this machine has; figures per CPU second also hold
where every worker has a core of its own. A first run with a quarter of the events tells what memory
grows by. Needs a real Kafka (`python -m deploy.local.servers run`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from schemas import topics
from streams.cli.output import progress
from streams.errors import Stop
from streams.lab.bench.bench import core_program, warn_of_few
from streams.lab.bench.control_loop import ControlLoop
from streams.lab.bench.lap import Course, Lap, prepare, require_kafka, run_lap, stored_rows
from streams.lab.simulator import Scenario, SimulatedMessage, simulate_traffic
from streams.progress import Progress
from streams.settings import Settings, read_settings
from streams.store.tables import TABLES
from streams.wiring.parts import core_settings
from tests.benchmarks.capacity.log_sizes import log_bytes

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class CapacityRun:
    """One number of workers, and all that it left behind."""

    lap: Lap
    installs: int
    rows: int
    broker_bytes: dict[str, int]
    state_bytes: int
    store_bytes: int

    @property
    def core_memory_mb(self) -> float:
        return sum(mb for name, mb in self.lap.memory_mb.items() if name.startswith("core"))


def run_capacity(
    settings: Settings, scenario: Scenario, workers: int, folder: Path, advance: Progress
) -> CapacityRun:
    """Publish, decide and store everything; Stop: a process fails."""
    folder.mkdir()
    course = Course.new(settings, folder / "headwater")
    installs = 0

    def counted(messages: Iterable[SimulatedMessage]) -> Iterator[SimulatedMessage]:
        nonlocal installs
        for message in messages:
            installs += message.topic == topics.INSTALLS.name and not message.is_tick
            yield message

    advance(f"{workers} core workers: publishing", 0, scenario.events)
    count = prepare(course, counted(simulate_traffic(scenario)))
    lap = asyncio.run(run_lap(course, core_program(workers, folder), count, advance))
    core = core_settings(course.settings)
    return CapacityRun(
        lap=lap,
        installs=installs,
        rows=_rows(course),
        broker_bytes=asyncio.run(log_bytes(core, settings.kafka.partitions)),
        state_bytes=sum(map(_size, folder.glob("state-*"))),
        store_bytes=_size(course.settings.folders.store),
    )


def figures_of(run: CapacityRun) -> dict[str, object]:
    """What one run tells: per CPU second of a role, per event, per row and per million installs."""
    lap, events = run.lap, run.lap.events
    broker = lap.cpu.get("broker", 0.0)
    return {
        "events_per_second": round(lap.events_per_second),
        "events_per_core_cpu_second": round(events / lap.cpu["core"]),
        "rows_per_storing_cpu_second": round(run.rows / lap.cpu["storing"]),
        "rows_per_event": round(run.rows / events, 2),
        "broker_cpu_microseconds_per_event": round(broker / events * 1e6, 1),
        "broker_bytes_per_event": {
            kind: round(size / events) for kind, size in run.broker_bytes.items()
        },
        "state_mb_per_million_installs": round(run.state_bytes / run.installs),
        "store_bytes_per_row": round(run.store_bytes / run.rows, 1),
        "memory_mb": lap.memory_mb,
    }


def memory_growth(small: CapacityRun, large: CapacityRun) -> float:
    """MB of core workers per million installs more in state."""
    more = large.installs - small.installs
    return round((large.core_memory_mb - small.core_memory_mb) / more * MILLION)


def _rows(course: Course) -> int:
    counts = " UNION ALL ".join(f"SELECT count() AS rows FROM {name}" for name in TABLES)
    sql = f"SELECT sum(rows) AS rows FROM ({counts})"
    return int(stored_rows(course, sql)[0][0])


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def measure(settings: Settings, scenario: Scenario, numbers: Iterable[int]) -> dict[str, object]:
    require_kafka(settings)
    warn_of_few(scenario.events)
    control = ControlLoop()
    by_workers: dict[str, object] = {}
    growth = 0.0
    with (
        tempfile.TemporaryDirectory(prefix="capacity-") as name,
        progress() as advance,
    ):
        folder = Path(name)
        quarter = replace(scenario, events=scenario.events // 4)
        small = run_capacity(settings, quarter, 1, folder / "quarter", advance)
        control.after("quarter")
        for number in numbers:
            run = run_capacity(settings, scenario, number, folder / str(number), advance)
            by_workers[str(number)] = figures_of(run)
            growth = memory_growth(small, run) if number == 1 else growth
            control.after(str(number))
    return {
        "events": scenario.events,
        "cores_of_this_machine": os.cpu_count(),
        "by_workers": by_workers,
        "memory_mb_per_million_installs": growth,
        "control_microseconds": control.microseconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=400_000, help="of each run")
    parser.add_argument("--workers", default="1,2,4", help="numbers of core workers")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one line instead of many")
    chosen = parser.parse_args()
    scenario = replace(Scenario.standard(chosen.events, chosen.seed), days=chosen.days)
    report = measure(read_settings(), scenario, map(int, chosen.workers.split(",")))
    print(json.dumps(report, indent=None if chosen.json else 2))


if __name__ == "__main__":
    try:
        main()
    except Stop as problem:
        sys.exit(f"capacity: {problem}")
