"""The right ways into Kafka: TLS, certificates of clients, PLAIN and SCRAM, with whole workers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.convergence import wait_until_converged
from tests.chaos.fault_injector import CONVERGENCE_SECONDS
from tests.chaos.fault_plan import STORING
from tests.chaos.fleet import Fleet
from tests.chaos.installation import Installation
from tests.faults.compared import Undisturbed, undisturbed
from tests.faults.secure_broker import (
    CREATE,
    DESCRIBE,
    DESCRIBE_CONFIGS,
    GROUP,
    READ,
    TOPIC,
    TRANSACTIONAL_ID,
    WRITE,
    SecureBroker,
    secure_broker,
)

EVENTS = 600
PLAIN = {"HEADWATER_KAFKA_SASL_MECHANISM": "PLAIN"}


@dataclass(frozen=True)
class GuardedInstallation(Installation):
    """Core workers, and all commands, go in one way, and storing may go in another."""

    way: Mapping[str, str] = field(default_factory=dict)
    storing_way: Mapping[str, str] = field(default_factory=dict)

    def environ(self, worker: str = "none") -> dict[str, str]:
        way = self.storing_way if worker == STORING and self.storing_way else self.way
        return super().environ(worker) | dict(way)


def _right_ways(broker: SecureBroker) -> Mapping[str, Mapping[str, str]]:
    return {
        "TLS": broker.at("TLS"),
        "TLS and a client certificate": broker.at("MUTUAL") | broker.client_certificate(),
        "TLS and SCRAM-SHA-512": broker.at("SECURE"),
        "TLS and PLAIN": broker.at("SECURE") | PLAIN,
        "SCRAM-SHA-512": broker.at("SASL"),
        "PLAIN": broker.at("SASL") | PLAIN,
    }


async def right_ways_in(folder: Path) -> float:
    """Each way alone; the longest time from the first event until all is stored."""
    broker = secure_broker(folder)
    async with undisturbed(folder, EVENTS, broker.server) as plain:
        slowest = 0.0
        for number, (name, way) in enumerate(_right_ways(broker).items()):
            one = GuardedInstallation(
                f"guarded{number}", broker.server.address, folder / f"{number}", way
            )
            seconds = await _guarded(plain, broker, one)
            print(f"  {name:<34} {seconds:>6.1f} s", flush=True)
            slowest = max(slowest, seconds)
        return slowest


async def two_right_ways_in(folder: Path) -> float:
    """Core with a certificate of its own and storing with a password, in one installation."""
    broker = secure_broker(folder)
    async with undisturbed(folder, EVENTS, broker.server) as plain:
        ways = _right_ways(broker)
        both = GuardedInstallation(
            "guarded",
            broker.server.address,
            folder / "guarded",
            ways["TLS and a client certificate"],
            ways["TLS and SCRAM-SHA-512"],
        )
        return await _guarded(plain, broker, both)


async def _guarded(plain: Undisturbed, broker: SecureBroker, one: GuardedInstallation) -> float:
    """Run whole workers with the rights that deploy/README.md names, and no others."""
    prefix = f"{one.name}-"
    await broker.give(TOPIC, f"{prefix}*", [DESCRIBE, DESCRIBE_CONFIGS, CREATE, READ, WRITE])
    await broker.give(GROUP, f"{prefix}headwater-*", [DESCRIBE, READ])
    await broker.give(TRANSACTIONAL_ID, f"{prefix}headwater-*", [DESCRIBE, WRITE])
    one.folder.mkdir()

    async def disturb(fleet: Fleet) -> float:
        began = time.monotonic()
        await plain.publish(one)
        await wait_until_converged(fleet, CONVERGENCE_SECONDS)
        return time.monotonic() - began

    seconds = await plain.compare(one, disturb)
    logs = [path.read_text() for path in sorted(one.folder.glob("*.log"))]
    assert not any("Traceback" in log for log in logs), logs
    return seconds
