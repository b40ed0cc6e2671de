"""Processes are measured from outside, and say plainly when they fail."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from streams.errors import Stop
from streams.lab.bench.bench import report_of
from streams.lab.bench.benched import STALLED_SECONDS, BenchedProgram, Stall
from streams.lab.bench.free_port import free_port
from streams.lab.bench.lap import Lap
from streams.lab.bench.programs import Program, cpu_seconds, local_pid, metrics_of, running
from streams.runtime.reports import Readiness
from streams.worker import metrics
from streams.worker.health_server import Health, HealthServer

HERE = Path(__file__).parent


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_a_program_without_metrics_is_ready_when_it_prints_a_line() -> None:
    waiting = "import signal; print('ready', flush=True); signal.pause()"
    program = Program("waiting", python(waiting))

    with running([program], os.environ, HERE) as ran:
        ran.start_counting()
        assert ran.cpu_seconds()["waiting"] >= 0.0


def test_a_program_that_ends_at_once_is_named() -> None:
    failing = Program("failing", python("raise SystemExit(3)"))

    with (
        pytest.raises(Stop, match="failing ended with exit code 3"),
        running([failing], os.environ, HERE),
    ):
        pytest.fail("it cannot be ready")


def test_a_program_that_fails_is_named_with_its_last_error() -> None:
    failing = Program("failing", python("print('ready', flush=True); {}['a key']"))

    with running([failing], os.environ, HERE) as ran:
        ran.processes["failing"].wait()
        with pytest.raises(Stop, match=r"^failing ended with exit code 1: KeyError: 'a key'$"):
            ran.require_all()


def test_a_program_that_lives_and_reads_no_more_is_named_with_its_last_error() -> None:
    """As Faust does once an agent has raised."""
    dead = "import os, time; os.write(2, b'ValueError: no'); print(1, flush=True); time.sleep(600)"
    peer = BenchedProgram("peer", [Program("agents", python(dead))], "group", [])
    now = [0.0]

    with running(peer.programs, os.environ, HERE) as ran:
        stall = Stall(peer, ran, lambda: now[0])
        stall.look(7)
        now[0] = STALLED_SECONDS
        stall.look(8)
        now[0] += STALLED_SECONDS
        stall.look(8)
        now[0] += 1.0
        with pytest.raises(Stop, match=r"^peer has read nothing for 90 s .*: ValueError: no$"):
            stall.look(8)


def test_programs_end_with_the_measurement() -> None:
    endless = Program("endless", python("import time; print(1, flush=True); time.sleep(600)"))

    with running([endless], os.environ, HERE) as ran:
        process = ran.processes["endless"]
    assert process.returncode is not None


def test_work_shows_as_cpu_time() -> None:
    before = cpu_seconds(os.getpid())

    while cpu_seconds(os.getpid()) - before < 0.02:
        sum(range(100_000))

    assert cpu_seconds(os.getpid()) > before


def test_a_server_on_this_machine_is_found_by_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert local_pid(address) == os.getpid()
    assert local_pid(address) is None
    assert local_pid("nowhere") is None


def test_metrics_are_read_by_name_and_first_label() -> None:
    metrics.RECORDS_TOTAL.labels("a-stage-of-this-test").inc(7)
    server = HealthServer(Health(lambda: Readiness(True, "")), "127.0.0.1", free_port())
    try:
        found = metrics_of(server.port)
    finally:
        server.close()

    assert found["headwater_records_total", "a-stage-of-this-test"] == 7


SAMPLES = {
    ("headwater_decide_seconds_sum", "intake"): 1.0,
    ("headwater_decide_seconds_sum", "journeys"): 2.0,
    ("headwater_examples_total", "payer_d7"): 30.0,
}
OURS = Lap(100_000, 10.0, {"core": 5.0, "storing": 1.0}, SAMPLES)
FAUST = Lap(10_000, 10.0, {"idiomatic": 9.0, "storing": 1.0}, {})


def test_the_report_relates_the_three_rates() -> None:
    report = report_of(OURS, FAUST, 40_000.0, "host:9092")

    assert report["events_per_second"] == 10_000
    assert report["idiomatic_faust_events_per_second"] == 1_000
    assert report["ratio_idiomatic"] == 10.0
    assert report["share_of_bound"] == 0.25
    assert report["rows_learned"] == 30


def test_the_cpu_of_the_deciding_process_is_shared_out_over_its_stages() -> None:
    stages = report_of(OURS, FAUST, 40_000.0, "host:9092")["stage_microseconds"]

    assert stages == {
        "intake": 10.0,
        "matching": 0.0,
        "journeys": 20.0,
        "sites": 0.0,
        "learning": 0.0,
        "shell": 20.0,
        "storing": 10.0,
    }


def test_without_the_comparison_programs_their_figures_are_empty() -> None:
    report = report_of(OURS, None, None, "host:9092")

    assert report["events_per_second"] == 10_000
    assert report["ratio_idiomatic"] is None
    assert report["share_of_bound"] is None
    assert list(report) == [
        "events_per_second",
        "idiomatic_faust_events_per_second",
        "ratio_idiomatic",
        "bound_events_per_second",
        "share_of_bound",
        "stage_microseconds",
        "cpu_seconds",
        "rows_learned",
        "broker",
        "store",
    ]
