"""Partitions that nobody leads, because the broker that has them is down: others go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.servers import KafkaServer
from schemas.topics import JOURNEYS, TOUCHPOINTS
from streams.kafka.topics import wanted_topics
from tests.chaos.convergence import wait_until_converged
from tests.chaos.fault_injector import CONVERGENCE_SECONDS, PATIENCE_SECONDS
from tests.chaos.fault_plan import CORES
from tests.chaos.fleet import Fleet
from tests.chaos.installation import WatchedInstallation
from tests.chaos.traffic import Flow, Progress, Traffic, publish
from tests.faults.compared import Undisturbed, answers, undisturbed
from tests.faults.two_brokers.second_broker import FIRST, SECOND, recreate_on_brokers, second_broker

EVENTS = 800
LAST = 3


@dataclass(frozen=True, slots=True)
class TwoBrokers:
    """The last partition of one topic is on the second broker, and nothing else."""

    plain: Undisturbed
    one: WatchedInstallation
    second: KafkaServer
    topic: str

    @property
    def name(self) -> str:
        return f"no leader for {self.topic}-{LAST}"

    async def publish(self, messages: Traffic) -> None:
        await publish(messages, self.one, Flow(), Progress(len(messages.messages)))

    def of_second(self) -> Traffic:
        """What is published to the partition of the second broker."""
        messages = self.plain.traffic.messages
        return Traffic([one for one in messages if one[:2] == (self.topic, LAST)])

    def of_first(self) -> Traffic:
        messages = self.plain.traffic.messages
        return Traffic([one for one in messages if one[:2] != (self.topic, LAST)])

    async def well(self, fleet: Fleet) -> float:
        """Start the second broker again; the seconds until all is decided and stored."""
        self.second.start(dies_with_parent=True)
        await asyncio.to_thread(self.second.wait_ready, PATIENCE_SECONDS)
        began = time.monotonic()
        if half := _half(self.of_second(), 1):
            await self.publish(half)
        await wait_until_converged(fleet, CONVERGENCE_SECONDS)
        return time.monotonic() - began


async def source_partition_without_leader(folder: Path) -> float:
    """Everything else is decided, also by a worker that starts meanwhile."""
    async with _two_brokers(folder, TOUCHPOINTS.name) as two:

        async def disturb(fleet: Fleet) -> float:
            for part in (two.of_second(), two.of_first()):
                await two.publish(_half(part, 0))
            await wait_until_converged(fleet, CONVERGENCE_SECONDS)
            two.second.kill()
            for name in CORES:
                await answers(two.one, name, 200, two.name)
            await two.publish(_half(two.of_first(), 1))
            assert fleet.kill(CORES[0])
            for name in CORES:
                await answers(two.one, name, 200, two.name)
            seconds = await two.well(fleet)
            for name in CORES:
                await answers(two.one, name, 200, "lanes\n")
            return seconds

        return await two.plain.compare(two.one, disturb)


async def journeys_partition_without_leader(folder: Path) -> float:
    """Nothing can be decided: the workers say why, and wait."""
    async with _two_brokers(folder, JOURNEYS.name) as two:

        async def disturb(fleet: Fleet) -> float:
            await two.publish(_half(two.of_first(), 0))
            await wait_until_converged(fleet, CONVERGENCE_SECONDS)
            two.second.kill()
            await two.publish(_half(two.of_first(), 1))
            await asyncio.gather(*(answers(two.one, name, 503, two.name) for name in CORES))
            return await two.well(fleet)

        return await two.plain.compare(two.one, disturb)


@asynccontextmanager
async def _two_brokers(folder: Path, topic: str) -> AsyncIterator[TwoBrokers]:
    async with undisturbed(folder, EVENTS) as plain:
        one = WatchedInstallation("led", plain.broker.address, folder / "led")
        one.folder.mkdir()
        await asyncio.to_thread(one.run, "migrate")
        # Kafka's own topics are on the first broker: the calm run has used them.
        second = second_broker(plain.broker, folder / "kafka-2")
        second.start(dies_with_parent=True)
        try:
            await asyncio.to_thread(second.wait_ready, PATIENCE_SECONDS)
            name = f"{one.name}-{topic}"
            wanted = {want.name: want.config for want in wanted_topics(one.settings.kafka)}
            where = [FIRST] * LAST + [SECOND]
            await recreate_on_brokers(plain.broker.address, name, wanted[name], where)
            yield TwoBrokers(plain, one, second, topic)
        finally:
            second.kill()


def _half(traffic: Traffic, which: int) -> Traffic:
    middle = len(traffic.messages) // 2
    return Traffic(traffic.messages[middle:] if which else traffic.messages[:middle])
