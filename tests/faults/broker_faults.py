"""Kafka goes away under two core workers and a storing worker, for as long as one likes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.local.servers import KafkaServer, own_kafka
from tests.chaos import audit
from tests.chaos.convergence import wait_until_converged
from tests.chaos.fault_injector import CONVERGENCE_SECONDS, PATIENCE_SECONDS, run_calm
from tests.chaos.fault_plan import CORES, STORING
from tests.chaos.fleet import Fleet, running_fleet
from tests.chaos.installation import Installation, WatchedInstallation
from tests.chaos.traffic import Flow, Progress, Traffic, publish, read_file, simulate_file

WORKERS = (*CORES, STORING)
EVENTS = 4_000
NOTICED_SECONDS_MAX = 5.0
REASON = "no Kafka broker answers"
LOOK_SECONDS = 0.1


async def kafka_away(folder: Path, away_seconds: float) -> float:
    """Kill the broker in mid-work and start it later; the seconds until all is decided."""
    simulate_file(folder / "traffic.jsonl", EVENTS, seed=1)
    traffic = read_file(folder / "traffic.jsonl")
    broker = own_kafka(folder / "kafka")
    broker.start(dies_with_parent=True)
    try:
        broker.wait_ready(PATIENCE_SECONDS)
        calm = await run_calm(traffic, broker, folder)
        installation = WatchedInstallation("away", broker.address, folder / "away")
        installation.folder.mkdir()
        await asyncio.to_thread(installation.run, "migrate")
        async with running_fleet(installation) as fleet:
            seconds = await _disturbed(fleet, installation, broker, traffic, away_seconds)
        digest = await asyncio.to_thread(installation.digest)
        accounts = await asyncio.to_thread(audit.accounts, installation.environ(), traffic.events)
    finally:
        broker.kill()
    assert digest == calm.digest, [key for key in digest if digest[key] != calm.digest.get(key)]
    assert accounts["reconciled"], accounts
    assert not accounts["stored_twice"], accounts
    assert not fleet.unexpected_exits, fleet.unexpected_exits
    assert set(fleet.last_codes) == {0}, fleet.last_codes
    for name in WORKERS:
        lines = fleet.log(name).read_text().splitlines()
        # A broker on a busy machine may be late with a later answer, too, which is said as well.
        assert REASON in lines[0], (name, lines)
        assert "Kafka is back" in lines[1], (name, lines)
    return seconds


async def _disturbed(
    fleet: Fleet,
    installation: WatchedInstallation,
    broker: KafkaServer,
    traffic: Traffic,
    away_seconds: float,
) -> float:
    half = len(traffic.messages) // 2
    await _all(installation, WORKERS, 200, "")
    await _publish(traffic, installation, 0, half)
    began = time.monotonic()
    broker.kill()
    noticed = await _all(installation, WORKERS, 503, REASON)
    assert noticed < NOTICED_SECONDS_MAX, f"/readyz says no after {noticed:.1f} s"
    while time.monotonic() - began < away_seconds:
        await asyncio.sleep(1.0)
        for name in WORKERS:
            status, text = await asyncio.to_thread(installation.readiness, name)
            assert status == 503, (name, status, text)
            assert REASON in text, (name, text)
    # From this thread: the broker ends with the thread that started it.
    broker.start(dies_with_parent=True)
    await asyncio.to_thread(broker.wait_ready, PATIENCE_SECONDS)
    back = time.monotonic()
    await _all(installation, WORKERS, 200, "")
    ready = time.monotonic() - back
    await _publish(traffic, installation, half, len(traffic.messages))
    await wait_until_converged(fleet, CONVERGENCE_SECONDS)
    print(
        f"  noticed in {noticed:.1f} s; ready {ready:.1f} s after the broker answered", flush=True
    )
    return time.monotonic() - back


async def _publish(traffic: Traffic, to: Installation, first: int, end: int) -> None:
    part = Traffic(traffic.messages[first:end])
    await publish(part, to, Flow(), Progress(len(part.messages)))


async def _all(
    installation: WatchedInstallation, names: Sequence[str], status: int, reason: str
) -> float:
    """Seconds until every worker's probe answers so."""
    began = time.monotonic()
    waiting = set(names)
    while waiting:
        assert time.monotonic() - began < PATIENCE_SECONDS, f"{waiting} do not answer {status}"
        for name in sorted(waiting):
            found, text = await asyncio.to_thread(installation.readiness, name)
            if found == status and reason in text:
                waiting.remove(name)
        await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - began
