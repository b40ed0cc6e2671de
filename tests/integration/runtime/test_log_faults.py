"""Three stories of the table of faults; `python -m tests.faults` runs and times all of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.local.servers import KafkaServer
from tests.faults.disk_faults import state_disk_full_while_running
from tests.faults.log_bench import LogBench
from tests.faults.log_faults import LOG_FAULTS
from tests.faults.small_disk import NoSmallDiskError

pytestmark = pytest.mark.kafka


BENCH_FAULTS = LOG_FAULTS | {"disk of the state full while running": state_disk_full_while_running}
IN_THE_GATE = (
    "changelog deleted and created anew",
    "every topic created anew while running",
    "disk of the state full while running",
)


@pytest.mark.parametrize("name", IN_THE_GATE)
def test_the_fault_is_noticed_and_its_advice_makes_the_worker_well(
    name: str, kafka: KafkaServer, tmp_path: Path
) -> None:
    async def story() -> None:
        bench = LogBench(kafka.address, tmp_path)
        await bench.create_topics()
        try:
            await BENCH_FAULTS[name](bench)
        except NoSmallDiskError as error:
            pytest.skip(str(error))
        finally:
            bench.stop()

    asyncio.run(story())
