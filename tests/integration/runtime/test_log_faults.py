"""Two stories of the table of faults; `python -m tests.faults` runs and times all of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.local.servers import KafkaServer
from tests.faults.log_bench import LogBench
from tests.faults.log_faults import LOG_FAULTS

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(
    "name", ["changelog deleted and created anew", "every topic created anew while running"]
)
def test_the_fault_is_noticed_and_its_advice_makes_the_worker_well(
    name: str, kafka: KafkaServer, tmp_path: Path
) -> None:
    async def story() -> None:
        bench = LogBench(kafka.address, tmp_path)
        await bench.create_topics()
        try:
            await LOG_FAULTS[name](bench)
        finally:
            bench.stop()

    asyncio.run(story())
