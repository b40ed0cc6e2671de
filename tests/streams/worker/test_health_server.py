"""Probes report the true state, also while the event loop is stalled."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.errors import Stop
from streams.lab.bench.free_port import free_port
from streams.runtime.reports import Readiness
from streams.worker.health_server import Health, HealthServer
from streams.worker.observers import LaneMetrics, StageMetrics, StoringMetrics

LOOPBACK = "127.0.0.1"


def _get(server: HealthServer, path: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{LOOPBACK}:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_worker_in_recovery_is_alive_but_not_ready() -> None:
    server = HealthServer(Health(lambda: Readiness(False, "restoring journeys-2")), LOOPBACK, 0)
    try:
        assert _get(server, "/livez")[0] == 200
        assert _get(server, "/readyz") == (503, "restoring journeys-2\n")
    finally:
        server.close()


def test_a_stalled_event_loop_is_neither_alive_nor_ready() -> None:
    now = 0.0
    health = Health(lambda: Readiness(True, "deciding"), lambda: now, stalled_seconds=10)
    server = HealthServer(health, LOOPBACK, 0)
    try:
        assert _get(server, "/readyz")[0] == 200
        now = 11.0
        assert _get(server, "/livez")[0] == 503
        assert _get(server, "/readyz")[0] == 503
        health.beat()
        assert _get(server, "/readyz")[0] == 200
    finally:
        server.close()


def test_what_lanes_stages_and_storing_report_is_on_the_metrics_page() -> None:
    LaneMetrics().on_checkpoint("intake", 0, 500, 0.01, 0.02)
    LaneMetrics().on_transaction_full("deciding", 2)
    LaneMetrics().on_restore("journeys", 0, 7, 1.5)
    LaneMetrics().on_backpressure("matching", 1, True)
    StageMetrics().on_dead_letter("payments", "empty")
    StageMetrics().on_evicted("touches_per_key", 3)
    StageMetrics().on_model("payer_d7", "v1")
    StageMetrics().on_stage_time("matching", 1, 1_700_000_000_000)
    StoringMetrics().on_stored("touches", 10, 0.1)
    StoringMetrics().on_buffered(12, 0.5)
    server = HealthServer(Health(lambda: Readiness(True, "deciding")), LOOPBACK, 0)
    try:
        status, page = _get(server, "/metrics")
    finally:
        server.close()
    assert status == 200
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    assert found["headwater_records_total", "intake"] >= 500
    assert found["headwater_full_transactions_total", "deciding"] >= 1
    assert found["headwater_restored_keys_total", "journeys"] >= 7
    assert found["headwater_held_lanes", "1", "matching"] == 1
    assert found["headwater_dead_letters_total", "empty", "payments"] >= 1
    assert found["headwater_evictions_total", "touches_per_key"] >= 3
    assert found["headwater_model_active", "payer_d7"] == 1
    assert found["headwater_stage_time_seconds", "1", "matching"] == 1_700_000_000
    assert found["headwater_store_rows_total", "touches"] >= 10
    assert found["headwater_store_buffered_rows",] == 12
    assert found["headwater_ready",] == 1


def test_an_unknown_page_is_not_found() -> None:
    server = HealthServer(Health(lambda: Readiness(True, "")), LOOPBACK, 0)
    try:
        assert _get(server, "/")[0] == 404
    finally:
        server.close()


def test_a_taken_port_is_one_line_with_advice() -> None:
    health = Health(lambda: Readiness(True, ""))
    port = free_port()
    server = HealthServer(health, LOOPBACK, port)
    try:
        with pytest.raises(Stop, match="HEADWATER_METRICS_PORT"):
            HealthServer(health, LOOPBACK, port)
    finally:
        server.close()
