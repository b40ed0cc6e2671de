"""A file of simulated traffic, and its way into the source topics."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiokafka.errors import KafkaError

from streams.kafka.kcat import read_records
from streams.kafka.publisher import Pace, Published, Publisher
from streams.lab.simulator import Scenario, write_traffic
from streams.runtime.offsets import Offsets
from streams.stages.contract import CLOCK_KEY
from streams.wiring.parts import core_settings
from tests.chaos.installation import Installation

BURST_MESSAGES = 2_000


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages in log order. They fit in memory: about 500 bytes each."""

    messages: Sequence[Published]

    @property
    def events(self) -> int:
        """Clock ticks excepted."""
        return sum(key != CLOCK_KEY for _, _, _, key, _ in self.messages)


def simulate_file(path: Path, events: int, seed: int) -> None:
    """The same file as `headwater simulate` writes."""
    with path.open("wb") as file:
        write_traffic(Scenario.standard(events, seed), file)


def read_file(path: Path) -> Traffic:
    return Traffic(list(_messages(path)))


def _messages(path: Path) -> Iterator[Published]:
    for record in read_records([path]):
        assert record.partition is not None, "the simulator names a partition"
        yield record.topic, record.partition, record.timestamp_ms or 0, record.key, record.value


class Progress:
    """How much of the traffic is acknowledged by the broker; others wait for a share of it."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._held_at = 1.0
        self._moved = asyncio.Condition()

    async def move_to(self, done: int) -> None:
        async with self._moved:
            self._done = done
            self._moved.notify_all()

    @property
    def share(self) -> float:
        return self._done / self._total

    async def permit_until(self, share: float) -> None:
        """Publish no burst that begins at this share or later."""
        async with self._moved:
            self._held_at = share
            self._moved.notify_all()

    async def permitted(self) -> None:
        """Wait until the next burst may be published."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._done < self._held_at * self._total)

    async def reach(self, share: float) -> None:
        """Wait until `share` (0 to 1) of the messages is in the log."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._done >= share * self._total)


@dataclass(frozen=True, slots=True)
class Flow:
    """Bursts, so that workers are busy after each, at this rate on average."""

    per_second: int | None = None  # None: as fast as it goes
    burst: int = BURST_MESSAGES


async def publish(traffic: Traffic, to: Installation, flow: Flow, progress: Progress) -> None:
    """Each message once, although the broker may die meanwhile: the producer is idempotent."""
    messages, pace = traffic.messages, Pace(flow.per_second)
    async with Publisher(core_settings(to.settings)) as publisher:
        for start in range(0, len(messages), flow.burst):
            await progress.permitted()
            part = messages[start : start + flow.burst]
            await publisher.publish(part)
            await progress.move_to(start + len(part))
            await pace.passed(len(part))
    await _require_once(traffic, to)


async def _require_once(traffic: Traffic, to: Installation) -> None:
    """The log must hold what the file holds, or runs cannot be compared. Workers add clock ticks to
    it; events that were written twice are missed by the accounting."""
    sent = Counter((topic, partition) for topic, partition, *_ in traffic.messages)
    offsets = Offsets(core_settings(to.settings))
    await offsets.start()
    try:
        ends = await offsets.high_watermark(sent)
    finally:
        await offsets.stop()
    short = {tp: (count, ends.get(tp, 0)) for tp, count in sent.items() if ends.get(tp, 0) < count}
    if short:
        raise PublishError(f"sent, and where the logs end: {short}")


class PublishError(KafkaError):  # type: ignore[misc]  # aiokafka publishes no types.
    """The test producer lost or repeated messages: the run proves nothing about Headwater."""
