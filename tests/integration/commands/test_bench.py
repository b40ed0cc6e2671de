"""The benchmark measures all three programs in one run on real Kafka."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from deploy.local.servers import KafkaServer

EVENTS = 3_000


def run_bench(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["-m", "streams.cli", "bench", "--events", str(EVENTS), "--seed", "7", "--json"]
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.kafka
def test_bench_relates_headwater_to_a_faust_application_and_to_the_bound(
    kafka: KafkaServer,
) -> None:
    done = run_bench({"HEADWATER_KAFKA": kafka.address})

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == {
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
        "core_workers",
        "control_microseconds",
        "density",
        "peers",
    }
    assert report["events_per_second"] > 0
    assert report["idiomatic_faust_events_per_second"] > 0
    assert report["bound_events_per_second"] > 0
    assert report["rows_learned"] > 0
    assert set(report["stage_microseconds"]) == {
        "intake", "matching", "journeys", "sites", "learning", "shell", "storing",
    }  # fmt: skip
    assert {"core", "storing", "broker", "idiomatic_faust"} <= set(report["cpu_seconds"])
    measured = {"headwater", "bound", "idiomatic_faust", "dense"}
    assert set(report["control_microseconds"]) == measured
    assert report["density"]["sparse"]["days"] > report["density"]["dense"]["days"]
    assert report["density"]["dense"]["events_per_second"] > 0
    assert report["peers"] == {}  # Nobody asked for them.
    assert "distort" in done.stderr


def test_bench_without_a_broker_says_what_it_needs() -> None:
    done = run_bench({"HEADWATER_KAFKA": ""})

    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "headwater: bench needs a real Kafka: set HEADWATER_KAFKA=host:port, or use `make bench`, "
        "which starts one"
    ]
