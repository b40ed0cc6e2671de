"""What the stories of whole workers share: the same traffic undisturbed, and what both stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.servers import KafkaServer, own_kafka
from tests.chaos import audit
from tests.chaos.fault_injector import PATIENCE_SECONDS, RunOutcome, run_calm
from tests.chaos.fleet import Fleet, running_fleet
from tests.chaos.installation import Installation, WatchedInstallation
from tests.chaos.traffic import Flow, Progress, Traffic, publish, read_file, simulate_file

LOOK_SECONDS = 0.1
Disturb = Callable[[Fleet], Awaitable[float]]
"""Publishes the traffic and breaks things; the seconds until all is well again."""


@dataclass(frozen=True)
class Undisturbed:
    """A broker, traffic, and what is stored of it when nothing goes wrong."""

    broker: KafkaServer
    traffic: Traffic
    calm: RunOutcome

    async def compare(self, installation: Installation, disturb: Disturb) -> float:
        """Run a fleet that is disturbed; AssertionError where it stored anything else."""
        await asyncio.to_thread(installation.run, "migrate")
        async with running_fleet(installation) as fleet:
            seconds = await disturb(fleet)
        digest = await asyncio.to_thread(installation.digest)
        received = self.traffic.events
        accounts = await asyncio.to_thread(audit.accounts, installation.environ(), received)
        differing = [table for table in digest if digest[table] != self.calm.digest.get(table)]
        assert not differing, differing
        assert accounts["reconciled"], accounts
        assert not accounts["stored_twice"], accounts
        assert not fleet.unexpected_exits, fleet.unexpected_exits
        assert set(fleet.last_codes) == {0}, fleet.last_codes
        return seconds

    async def publish(self, to: Installation, first: float = 0.0, end: float = 1.0) -> None:
        """Publish a share of the traffic."""
        messages = self.traffic.messages
        part = Traffic(messages[int(first * len(messages)) : int(end * len(messages))])
        await publish(part, to, Flow(), Progress(len(part.messages)))


@asynccontextmanager
async def undisturbed(
    folder: Path, events: int, broker: KafkaServer | None = None
) -> AsyncIterator[Undisturbed]:
    """Run traffic without faults. A broker that is given is not started, and is killed as well."""
    simulate_file(folder / "traffic.jsonl", events, seed=1)
    traffic = read_file(folder / "traffic.jsonl")
    broker = broker or own_kafka(folder / "kafka")
    broker.start(dies_with_parent=True)
    try:
        await asyncio.to_thread(broker.wait_ready, PATIENCE_SECONDS)
        yield Undisturbed(broker, traffic, await run_calm(traffic, broker, folder))
    finally:
        broker.kill()


async def answers(
    installation: WatchedInstallation, worker: str, status: int, reason: str = ""
) -> float:
    """Seconds until a worker's probe answers so."""
    began = time.monotonic()
    found = 0, ""
    while not (found[0] == status and reason in found[1]):
        waited = time.monotonic() - began
        assert waited < PATIENCE_SECONDS, f"{worker} answers {found}, not {status} {reason}"
        await asyncio.sleep(LOOK_SECONDS)
        found = await asyncio.to_thread(installation.readiness, worker)
    return time.monotonic() - began
