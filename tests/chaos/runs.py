"""A calm run and a disturbed one of the same traffic."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.servers import KafkaServer
from tests.chaos import audit
from tests.chaos.fleet import Fleet, working
from tests.chaos.installation import SESSION_SECONDS, Installation
from tests.chaos.plan import CORES, Act, Counts, Disturbance, draw_plan
from tests.chaos.settling import settle
from tests.chaos.traffic import Flow, Progress, Traffic, publish

CALM_SECONDS = 600.0  # a run may take so long after its last event
BURSTS_PER_GAP = 2
LOOK_SECONDS = 0.05
DISKS_LOST = "disks_lost"
PATIENCE_SECONDS = 300.0  # for a worker or the broker to be back; machines can be busy

Say = Callable[[str], None]
Disturb = Callable[[Fleet, Progress], Awaitable[Counter[str]]]


def silent(line: str) -> None:
    return


@dataclass(frozen=True, slots=True)
class Torment:
    """How one installation is disturbed while it works."""

    counts: Counts
    gap_seconds: float  # between two disturbances, on average
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left behind."""

    installation: Installation
    digest: dict[str, str]
    accounts: dict[str, Any]
    seconds: float
    played: Counter[str]
    unasked: Sequence[str]  # exits of workers that nobody caused by a signal
    last_codes: Sequence[int]  # of the workers when they were told to end


class Disturber:
    """Plays a plan while the traffic flows."""

    def __init__(self, fleet: Fleet, broker: KafkaServer, say: Say) -> None:
        self.played: Counter[str] = Counter()
        self._fleet = fleet
        self._broker = broker
        self._broker_lock = asyncio.Lock()
        self._say = say

    async def play(self, plan: Sequence[Disturbance], progress: Progress) -> None:
        """Each at its share of the traffic, or later; acts that take time overlap others."""
        async with asyncio.TaskGroup() as acts:
            for disturbance in plan:
                await progress.reach(disturbance.share)
                await asyncio.sleep(disturbance.delay_seconds)
                acts.create_task(self._act(disturbance))

    async def _act(self, disturbance: Disturbance) -> None:
        act, target = disturbance.act, disturbance.target
        self._say(f"{act.value} {target} at {disturbance.share:.0%}")
        if act is Act.BROKER_KILL:
            await self._restart_broker()
        else:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._insist(disturbance)
        self.played[act.value] += 1
        self.played[DISKS_LOST] += disturbance.loses_disk

    async def _insist(self, disturbance: Disturbance) -> None:
        while True:
            if await self._reach(disturbance):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _reach(self, disturbance: Disturbance) -> bool:
        """False when the target is not there just now, or someone else stopped it."""
        if disturbance.act is Act.STOP:
            return await self._fleet.stop_for(disturbance.target, disturbance.seconds)
        victim = self._victim(disturbance)
        return victim is not None and self._fleet.kill(victim, loses_disk=disturbance.loses_disk)

    def _victim(self, disturbance: Disturbance) -> str | None:
        """A zombie has to wake up again, so its neighbour goes; None: wait until it has."""
        target = disturbance.target
        if not self._fleet.workers[target].is_stopped:
            return target
        return next((name for name in CORES if name != target and target in CORES), None)

    async def _restart_broker(self) -> None:
        async with self._broker_lock:
            self._broker.kill()
            # From this thread: the broker ends with the thread that started it.
            self._broker.start(dies_with_parent=True)
            await asyncio.to_thread(self._broker.wait_ready, PATIENCE_SECONDS)


async def run_calm(traffic: Traffic, broker: KafkaServer, folder: Path) -> Outcome:
    """As fast as it goes, with nobody in the way."""
    return await _run(traffic, _install("calm", broker, folder), Flow(), None)


async def run_disturbed(
    traffic: Traffic, broker: KafkaServer, folder: Path, torment: Torment, say: Say = silent
) -> Outcome:
    """Published so slowly that the disturbances are spread over it."""
    installation = _install("chaos", broker, folder)
    plan = draw_plan(torment.counts, torment.seed, SESSION_SECONDS)
    per_gap = len(traffic.messages) / torment.counts.total
    flow = Flow(
        per_second=max(1, round(per_gap / torment.gap_seconds)),
        burst=max(1, round(per_gap / BURSTS_PER_GAP)),
    )

    async def disturb(fleet: Fleet, progress: Progress) -> Counter[str]:
        disturber = Disturber(fleet, broker, say)
        await disturber.play(plan, progress)
        return disturber.played

    return await _run(traffic, installation, flow, disturb)


def _install(name: str, broker: KafkaServer, folder: Path) -> Installation:
    return Installation(f"{name}-{uuid.uuid4().hex[:8]}", broker.address, folder / name)


async def _run(
    traffic: Traffic,
    installation: Installation,
    flow: Flow,
    disturb: Disturb | None,
) -> Outcome:
    installation.folder.mkdir(parents=True)
    await asyncio.to_thread(installation.run, "migrate")
    began = time.monotonic()
    progress = Progress(len(traffic.messages))
    played: Counter[str] = Counter()
    async with working(installation) as fleet:
        publishing = publish(traffic, installation, flow, progress)
        if disturb is None:
            await publishing
        else:
            _, played = await asyncio.gather(publishing, disturb(fleet, progress))
        await settle(fleet, CALM_SECONDS)
        seconds = time.monotonic() - began
    digest = await asyncio.to_thread(installation.digest)
    accounts = await asyncio.to_thread(audit.accounts, installation.environ(), traffic.events)
    return Outcome(installation, digest, accounts, seconds, played, fleet.unasked, fleet.last_codes)
