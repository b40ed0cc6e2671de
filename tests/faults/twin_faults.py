"""Two core workers that have one identity, as after a mistake in a deployment."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.local.servers import own_kafka
from tests.chaos import audit
from tests.chaos.convergence import wait_until_converged
from tests.chaos.fault_injector import CONVERGENCE_SECONDS, PATIENCE_SECONDS, run_calm
from tests.chaos.fault_plan import CORES
from tests.chaos.fleet import running_fleet
from tests.chaos.installation import Installation
from tests.chaos.traffic import Flow, Progress, publish, read_file, simulate_file

EVENTS = 2_000
PACE = 100


@dataclass(frozen=True)
class TwinInstallation(Installation):
    """Core workers with one stable name, and with one state folder or two."""

    shares_folder: bool = False

    def environ(self, worker: str = "none") -> dict[str, str]:
        environ = super().environ(worker)
        if worker in CORES:
            environ["HEADWATER_GROUP_INSTANCE_ID"] = "core-0"
            if self.shares_folder:
                environ["HEADWATER_STATE_DIR"] = str(self.state("core-0"))
        return environ


async def twins_with_one_folder(folder: Path) -> float:
    return await _twins(folder, shares_folder=True)


async def twins_with_two_folders(folder: Path) -> float:
    return await _twins(folder, shares_folder=False)


async def _twins(folder: Path, *, shares_folder: bool) -> float:
    """Both are started again whenever they end; the seconds until all is decided and stored."""
    simulate_file(folder / "traffic.jsonl", EVENTS, seed=1)
    traffic = read_file(folder / "traffic.jsonl")
    broker = own_kafka(folder / "kafka")
    broker.start(dies_with_parent=True)
    try:
        broker.wait_ready(PATIENCE_SECONDS)
        calm = await run_calm(traffic, broker, folder)
        twins = TwinInstallation("twins", broker.address, folder / "twins", shares_folder)
        twins.folder.mkdir()
        await asyncio.to_thread(twins.run, "migrate")
        async with running_fleet(twins) as fleet:
            began = time.monotonic()
            await publish(traffic, twins, Flow(PACE, PACE), Progress(len(traffic.messages)))
            await wait_until_converged(fleet, CONVERGENCE_SECONDS)
            seconds = time.monotonic() - began
        digest = await asyncio.to_thread(twins.digest)
        accounts = await asyncio.to_thread(audit.accounts, twins.environ(), traffic.events)
    finally:
        broker.kill()
    for line in fleet.unexpected_exits:
        print(f"  {line}", flush=True)
    assert digest == calm.digest, [key for key in digest if digest[key] != calm.digest.get(key)]
    assert accounts["reconciled"], accounts
    assert not accounts["stored_twice"], accounts
    for name in CORES:
        assert "Traceback" not in fleet.log(name).read_text(), name
    return seconds
