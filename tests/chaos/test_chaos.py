"""Invariant 8 in full: killed anywhere, many times, the same facts as undisturbed."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from deploy.local.servers import KafkaServer
from tests.chaos.fault_plan import ChaosRun, FaultCounts
from tests.chaos.verdict import compare_with_calm_run

FULL = ChaosRun(
    200_000, FaultCounts(kills=50, stops=5, broker_kills=5, storing_kills=5), 10.0, seed=1
)


@pytest.mark.chaos
@pytest.mark.kafka
def test_many_kills_of_everything_leave_the_facts_of_an_undisturbed_run(
    kafka: KafkaServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # While the broker is away its clients report so many times a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with capsys.disabled():  # Many minutes: who waits wants to see how far it is.
        verdict = asyncio.run(compare_with_calm_run(FULL, kafka, tmp_path, print))
        print(json.dumps(verdict.as_json()))
    assert verdict.is_complete, verdict.as_json()
    assert verdict.differences == []
    assert verdict.is_passed, verdict.as_json()
