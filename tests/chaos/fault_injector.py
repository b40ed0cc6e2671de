"""Runs traffic through an installation, undisturbed or with faults injected."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.servers import KafkaServer
from tests.chaos import audit
from tests.chaos.convergence import wait_until_converged
from tests.chaos.fault_plan import CORES, ChaosRun, Fault, FaultKind, draw_plan
from tests.chaos.fleet import Fleet, running_fleet
from tests.chaos.installation import SESSION_SECONDS, Installation
from tests.chaos.traffic import Flow, Progress, Traffic, publish

CONVERGENCE_SECONDS = 600.0  # at most, after the last event
BURSTS_PER_GAP = 2
LOOK_SECONDS = 0.05
DISKS_LOST = "disks_lost"
PATIENCE_SECONDS = 300.0  # for a worker or the broker to be back; machines can be busy

Report = Callable[[str], None]
InjectFaults = Callable[[Fleet, Progress], Awaitable[Counter[str]]]


def report_nothing(line: str) -> None:
    return


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run stored, and what happened in it."""

    installation: Installation
    digest: dict[str, str]
    accounts: dict[str, Any]
    seconds: float
    injected: Counter[str]
    unexpected_exits: Sequence[str]  # exits that no injected signal caused
    last_codes: Sequence[int]  # exit codes of the workers at the regular stop


class FaultInjector:
    """Injects the faults of a plan while the traffic flows."""

    def __init__(self, fleet: Fleet, broker: KafkaServer, report: Report) -> None:
        self.injected: Counter[str] = Counter()
        self._fleet = fleet
        self._broker = broker
        self._broker_lock = asyncio.Lock()
        self._report = report

    async def inject_all(self, plan: Sequence[Fault], progress: Progress) -> None:
        """Each at its share of the traffic or later; faults that take time overlap others."""
        async with asyncio.TaskGroup() as faults:
            for fault in plan:
                await progress.reach(fault.share)
                await asyncio.sleep(fault.delay_seconds)
                faults.create_task(self._inject_counted(fault))

    async def _inject_counted(self, fault: Fault) -> None:
        kind, target = fault.kind, fault.target
        self._report(f"{kind.value} {target} at {fault.share:.0%}")
        if kind is FaultKind.BROKER_KILL:
            await self._restart_broker()
        else:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._inject_until_it_works(fault)
        self.injected[kind.value] += 1
        self.injected[DISKS_LOST] += fault.loses_disk

    async def _inject_until_it_works(self, fault: Fault) -> None:
        while True:
            if await self._inject(fault):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _inject(self, fault: Fault) -> bool:
        """False when the target is not there just now, or someone else stopped it."""
        if fault.kind is FaultKind.STOP:
            return await self._fleet.stop_for(fault.target, fault.seconds)
        victim = self._victim(fault)
        return victim is not None and self._fleet.kill(victim, loses_disk=fault.loses_disk)

    def _victim(self, fault: Fault) -> str | None:
        """A frozen worker has to wake up first, so its neighbour is killed; None: wait."""
        target = fault.target
        if not self._fleet.workers[target].is_stopped:
            return target
        return next((name for name in CORES if name != target and target in CORES), None)

    async def _restart_broker(self) -> None:
        async with self._broker_lock:
            self._broker.kill()
            # From this thread: the broker ends with the thread that started it.
            self._broker.start(dies_with_parent=True)
            await asyncio.to_thread(self._broker.wait_ready, PATIENCE_SECONDS)


async def run_calm(traffic: Traffic, broker: KafkaServer, folder: Path) -> RunOutcome:
    """Publish as fast as possible, without faults."""
    return await run_traffic(traffic, install("calm", broker, folder), Flow(), None)


async def run_disturbed(
    traffic: Traffic,
    broker: KafkaServer,
    folder: Path,
    run: ChaosRun,
    report: Report = report_nothing,
) -> RunOutcome:
    """Publish so slowly that the faults are spread over the traffic."""
    installation = install("chaos", broker, folder)
    plan = draw_plan(run.counts, run.seed, SESSION_SECONDS)
    per_gap = len(traffic.messages) / run.counts.total
    flow = Flow(
        per_second=max(1, round(per_gap / run.gap_seconds)),
        burst=max(1, round(per_gap / BURSTS_PER_GAP)),
    )

    async def inject(fleet: Fleet, progress: Progress) -> Counter[str]:
        injector = FaultInjector(fleet, broker, report)
        await injector.inject_all(plan, progress)
        return injector.injected

    return await run_traffic(traffic, installation, flow, inject)


def install(name: str, broker: KafkaServer, folder: Path) -> Installation:
    """A new installation: no other has its topics and its folder."""
    return Installation(f"{name}-{uuid.uuid4().hex[:8]}", broker.address, folder / name)


async def run_traffic(
    traffic: Traffic,
    installation: Installation,
    flow: Flow,
    inject: InjectFaults | None,
    checkouts: Mapping[str, Path] | None = None,
) -> RunOutcome:
    """Publish, let `inject` disturb it meanwhile, wait until all is stored, and look at it."""
    installation.folder.mkdir(parents=True)
    await asyncio.to_thread(installation.run, "migrate")
    began = time.monotonic()
    progress = Progress(len(traffic.messages))
    injected: Counter[str] = Counter()
    async with running_fleet(installation, checkouts) as fleet:
        publishing = publish(traffic, installation, flow, progress)
        if inject is None:
            await publishing
        else:
            _, injected = await asyncio.gather(publishing, inject(fleet, progress))
        await wait_until_converged(fleet, CONVERGENCE_SECONDS)
        seconds = time.monotonic() - began
    digest = await asyncio.to_thread(installation.digest)
    accounts = await asyncio.to_thread(audit.accounts, installation.environ(), traffic.events)
    return RunOutcome(
        installation, digest, accounts, seconds, injected, fleet.unexpected_exits, fleet.last_codes
    )
