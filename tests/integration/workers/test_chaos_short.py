"""Invariant 8 in short: every kind of fault at least once; `make chaos` does many."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from deploy.local.servers import KafkaServer
from tests.chaos.fault_plan import ChaosRun, FaultCounts
from tests.chaos.verdict import compare_with_calm_run

SHORT = ChaosRun(6_000, FaultCounts(kills=4, stops=1, broker_kills=1, storing_kills=1), 2.5, seed=5)


@pytest.mark.kafka
def test_kills_of_workers_broker_and_store_leave_the_facts_of_an_undisturbed_run(
    kafka: KafkaServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="aiokafka")
    verdict = asyncio.run(compare_with_calm_run(SHORT, kafka, tmp_path))
    assert verdict.is_complete, verdict.as_json()
    assert verdict.differences == []
    assert verdict.is_passed, verdict.as_json()
