"""The constants of deploy/capacity.md are per CPU second, event, row and million installs."""

from __future__ import annotations

from streams.lab.bench.lap import Lap
from tests.benchmarks.capacity.__main__ import CapacityRun, figures_of, memory_growth


def ran(installs: int, core_mb: float) -> CapacityRun:
    cpu = {"core": 2.0, "storing": 1.0, "broker": 0.5}
    memory = {"core-0": core_mb, "core-1": core_mb, "storing": 500.0}
    return CapacityRun(
        lap=Lap(10_000, 4.0, cpu, {}, memory),
        installs=installs,
        rows=20_000,
        broker_bytes={"source": 4_000_000, "changelog": 1_000_000},
        state_bytes=3_000_000,
        store_bytes=1_000_000,
    )


def test_figures_are_told_per_unit() -> None:
    assert figures_of(ran(500, 300.0)) == {
        "events_per_second": 2500,
        "events_per_core_cpu_second": 5000,
        "rows_per_storing_cpu_second": 20_000,
        "rows_per_event": 2.0,
        "broker_cpu_microseconds_per_event": 50.0,
        "broker_bytes_per_event": {"source": 400, "changelog": 100},
        "state_mb_per_million_installs": 6000,
        "store_bytes_per_row": 50.0,
        "memory_mb": {"core-0": 300.0, "core-1": 300.0, "storing": 500.0},
    }


def test_memory_grows_by_what_core_workers_took_more() -> None:
    assert memory_growth(ran(500, 300.0), ran(1500, 301.0)) == 2000
