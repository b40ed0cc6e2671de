"""Publishes simulated traffic to Kafka."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from streams.kafka.publisher import Pace, Published
from streams.lab.simulator.delivery import Delivered
from streams.lab.simulator.scenario import Scenario
from streams.progress import Progress, ignore_progress


class Outlet(Protocol):
    """Writes to Kafka, as `streams.kafka.publisher.Publisher` does."""

    async def publish(self, messages: Iterable[Published], pace: Pace | None = None) -> int: ...


async def publish_traffic(
    scenario: Scenario,
    outlet: Outlet,
    events_per_second: int | None = None,
    advance: Progress = ignore_progress,
) -> Delivered:
    """Publish in order within each partition; `outlet` bounds how far it runs ahead of Kafka."""
    delivered = Delivered()
    await outlet.publish(delivered.simulated(scenario, advance), Pace(events_per_second))
    return delivered
