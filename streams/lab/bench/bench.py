"""`headwater bench`: events per second from Kafka to stored rows, beside other programs.

The events are in Kafka before anything starts. The clock runs from the moment the core worker is
ready until the last row is in the store, by the time that the store gave the row. The programs to
compare with are in `tests/benchmarks` of the source checkout.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from schemas import topics
from streams.errors import Stop
from streams.lab.bench.benched import BenchedProgram
from streams.lab.bench.control_loop import ControlLoop
from streams.lab.bench.free_port import free_port
from streams.lab.bench.lap import (
    CHECKOUT,
    Course,
    Lap,
    prepare,
    require_kafka,
    run_lap,
)
from streams.lab.bench.peers import SOURCE_NAMES, peer_programs
from streams.lab.bench.programs import Program
from streams.lab.simulator import Scenario, simulate_traffic
from streams.progress import Progress
from streams.settings import Settings

COMPARISONS = CHECKOUT / "tests" / "benchmarks"
SLOW_SHARE = 5
SLOW_EVENTS_MIN = 100_000
"""The slow program gets a fifth of the events, but at least this many, if there are."""
EVENTS_TRUSTED_MIN = 60_000
"""With fewer events than this, start, drain and clock ticks distort what is measured."""
DENSE_DAYS = 3
_STAGES = ("intake", "matching", "journeys", "sites", "learning")


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """How many events of the standard mix, how many core workers, and beside whom."""

    events: int
    seed: int
    workers: int = 1
    peers: Path | None = None
    """The environments that `make bench-peers` makes; None: without peers."""


def run_bench(settings: Settings, plan: BenchPlan, advance: Progress) -> dict[str, Any]:
    """Measure all programs on one broker; figures for one JSON object. Stop: a part fails."""
    require_kafka(settings)
    warn_of_few(plan.events)
    sparse = Scenario.standard(plan.events, plan.seed)
    control = ControlLoop()
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name:
        folder = Path(name)
        course, lap = _headwater(settings, plan, folder / "sparse", sparse, advance)
        control.after("headwater")
        bound = _bound(course, folder, lap.events, advance)
        control.after("bound")
        slow = _idiomatic(settings, folder, (plan.events, plan.seed), advance)
        control.after("idiomatic_faust")
        denser = replace(sparse, days=DENSE_DAYS)
        _, dense = _headwater(settings, plan, folder / "dense", denser, advance)
        control.after("dense")
        peers: dict[str, Lap] = {}
        for peer in peer_programs(plan.peers, folder) if plan.peers else ():
            course = Course.new(settings, folder / peer.name)
            peers[peer.name] = _peer_lap(course, peer, sparse, advance)
            control.after(peer.name)
    report = report_of(lap, slow, bound, settings.kafka.brokers or "")
    return report | {
        "core_workers": plan.workers,
        "control_microseconds": control.microseconds,
        "density": {
            "sparse": density_of(lap, sparse.days),
            "dense": density_of(dense, denser.days),
        },
        "peers": {name: peer_figures(lap, name) for name, lap in peers.items()},
    }


def warn_of_few(events: int) -> None:
    """One line on stderr where start and drain would be a good part of what is measured."""
    if events < EVENTS_TRUSTED_MIN:
        print(
            f"headwater: {events:,} events are few: starting, draining and clock ticks distort what"
            f" is measured with fewer than {EVENTS_TRUSTED_MIN:,}; report nothing below 100,000",
            file=sys.stderr,
        )


def _headwater(
    settings: Settings, plan: BenchPlan, folder: Path, scenario: Scenario, advance: Progress
) -> tuple[Course, Lap]:
    folder.mkdir()
    course = Course.new(settings, folder / "headwater")
    advance("headwater: publishing", 0, plan.events)
    count = prepare(course, simulate_traffic(scenario))
    lap = asyncio.run(run_lap(course, core_program(plan.workers, folder), count, advance))
    return course, lap


def _peer_lap(course: Course, peer: BenchedProgram, scenario: Scenario, advance: Progress) -> Lap:
    """Of a program that knows no clock ticks."""
    advance(f"{peer.name}: publishing", 0, scenario.events)
    count = prepare(course, (one for one in simulate_traffic(scenario) if not one.is_tick))
    return asyncio.run(run_lap(course, peer, count, advance))


def density_of(lap: Lap, days: int) -> dict[str, float]:
    """What the events cost that were spread over so many days of log time."""
    cpu = sum(lap.cpu.values())
    return {
        "days": days,
        "events_per_second": round(lap.events_per_second),
        "cpu_microseconds": round(cpu / lap.events * 1e6, 1),
    }


def peer_figures(lap: Lap, name: str) -> dict[str, float]:
    """`cpu_microseconds` is the CPU time of the deciding process per event."""
    return {
        "events_per_second": round(lap.events_per_second),
        "cpu_microseconds": round(lap.cpu[name] / lap.events * 1e6, 1),
    }


def core_program(workers: int = 1, folder: Path | None = None) -> BenchedProgram:
    """Core workers. Several of them need a folder, in which each keeps its state."""
    inputs = [*SOURCE_NAMES, topics.MATCH.name, topics.JOURNEYS.name, topics.SITES.name]
    programs = [_core(number, folder) for number in range(workers)]
    return BenchedProgram("headwater", programs, "headwater-core", inputs)


def _core(number: int, folder: Path | None) -> Program:
    command = [sys.executable, "-m", "streams.cli", "worker", "--role", "core"]
    own = {"HEADWATER_STATE_DIR": str(folder / f"state-{number}")} if folder else {}
    return Program(f"core-{number}", command, free_port(), own)


def _idiomatic(
    settings: Settings,
    folder: Path,
    size: tuple[int, int],
    advance: Progress,
) -> Lap | None:
    """A Faust application as its tutorial writes it, over fewer events and without clock ticks."""
    if not _is_there("idiomatic_faust"):
        return None
    events, seed = size
    fewer = min(events, max(events // SLOW_SHARE, SLOW_EVENTS_MIN))
    options = ["worker", "--loglevel", "error", "--without-web"]
    command = [sys.executable, "-m", "tests.benchmarks.idiomatic_faust", *options]
    own = ["idiomatic-matches", "idiomatic-journeys"]
    faust = Program("idiomatic", command)
    who = BenchedProgram("idiomatic Faust", [faust], "idiomatic", [*SOURCE_NAMES, *own])
    course = Course.new(settings, folder / "idiomatic")
    return _peer_lap(course, who, Scenario.standard(fewer, seed), advance)


def _bound(course: Course, folder: Path, events: int, advance: Progress) -> float | None:
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
    print(f"headwater: {name} is not compared: run bench in a source checkout", file=sys.stderr)
    return False


def report_of(lap: Lap, slow: Lap | None, bound: float | None, broker: str) -> dict[str, Any]:
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
    """CPU time of each stage per source event. `shell` is the rest of the core worker's CPU."""
    spent = {
        stage: lap.metrics.get(("headwater_decide_seconds_sum", stage), 0.0) for stage in _STAGES
    }
    spent["shell"] = max(lap.cpu["core"] - sum(spent.values()), 0.0)
    spent["storing"] = lap.cpu["storing"]
    return {stage: round(seconds / lap.events * 1e6, 2) for stage, seconds in spent.items()}


def _total(metrics: Mapping[tuple[str, str], float], name: str) -> float:
    return sum(value for (sample, _), value in metrics.items() if sample == name)
