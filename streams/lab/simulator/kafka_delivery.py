"""Simulated traffic straight to Kafka."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from streams.kafka.publisher import Pace, Published
from streams.lab.simulator.delivery import Delivered, Progress, silent
from streams.lab.simulator.scenario import Scenario
from streams.lab.simulator.traffic import simulate_traffic


class Outlet(Protocol):
    """What writes to Kafka; `streams.kafka.publisher.Publisher` does."""

    async def publish(self, messages: Iterable[Published], pace: Pace | None = None) -> int: ...


async def publish_traffic(
    scenario: Scenario,
    outlet: Outlet,
    events_per_second: int | None = None,
    progress: Progress = silent,
) -> Delivered:
    """To Kafka, in order within each partition; `outlet` bounds how far it runs ahead."""
    delivered = Delivered()
    messages = delivered.counting(simulate_traffic(scenario), progress)
    await outlet.publish(messages, Pace(events_per_second))
    return delivered
