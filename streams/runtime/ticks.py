"""Clock ticks for idle source partitions, so that log time advances where nothing is published.

Twice a second, on topics with the broker's append time: the broker stamps its clock on the tick, in
the same order as on every other message of that partition. And at once where an install waits for
what was logged before it: its first decision needs every partition to be read up to it, and one
that nobody writes to would hold it back.

Where producers stamp their own time, only the latter, and later: the tick is stamped just after the
install, so a producer that is still about to write something earlier has to be given time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from aiokafka.errors import KafkaError
from faust.exceptions import ProducerSendError

from streams.runtime.lane import Lane
from streams.stages.contract import TopicPartition

IDLE_SECONDS = 1.0

_NOT_WRITTEN = (KafkaError, ProducerSendError)

WAIT_SECONDS = 0.05
"""How soon after an install a partition that still lags behind it gets a tick, and how often."""
AGAIN_SECONDS = 0.5
"""A tick that did not help, or was not written, is followed by another after this time."""

Send = Callable[[TopicPartition], Awaitable[object]]
SendAt = Callable[[TopicPartition, int], Awaitable[object]]
"""Sends a tick with a log time, which a broker that stamps its own replaces."""


def idle_partitions(lanes: Iterable[Lane], now: float) -> list[TopicPartition]:
    """Source partitions of open lanes without a record for `IDLE_SECONDS`, at monotonic `now`."""
    return [
        tp
        for lane in lanes
        if lane.is_open and lane.spec.is_source
        for tp in lane.spec.partitions(lane.p)
        if now - lane.last_arrival(tp) >= IDLE_SECONDS
    ]


async def send_ticks(lanes: Callable[[], Iterable[Lane]], send: Send) -> None:
    """Send a tick to every idle partition, twice a second, until cancelled.

    A tick that Kafka refuses is not sent again: the next one carries a later time.
    """
    while True:
        await asyncio.sleep(IDLE_SECONDS / 2)
        idle = idle_partitions(lanes(), time.monotonic())
        await _all_sent(send(tp) for tp in idle)


class LaggingPartitions:
    """Which partitions need a tick because an install waits for them.

    A worker knows what its own lanes have read. The partitions of other workers are ticked once for
    every new install, at most once per look.
    """

    def __init__(self, partitions: int, quiet_seconds: float) -> None:
        """`quiet_seconds`: a partition that brought something since is left alone."""
        self._partitions = partitions
        self._quiet_seconds = quiet_seconds
        self._ticked: dict[TopicPartition, tuple[int, float]] = {}
        self._asked = 0

    def look(self, lanes: Iterable[Lane], now: float) -> tuple[list[TopicPartition], int]:
        """The partitions that lag behind the latest install known at the last look, and its log
        time."""
        asking = [lane for lane in lanes if lane.is_open and lane.spec.asking]
        own = {lane.p: lane for lane in asking}
        asked = self._asked
        self._asked = max([asked, *(lane.asked for lane in asking)])
        if not asked:
            return [], 0
        lagging = [
            (topic, p)
            for topic in asking[0].spec.awaited
            for p in range(self._partitions)
            if self._lags((topic, p), own.get(p), asked, now)
        ]
        self._ticked |= dict.fromkeys(lagging, (asked, now))
        return lagging, asked

    def _lags(self, tp: TopicPartition, lane: Lane | None, asked: int, now: float) -> bool:
        ticked, at = self._ticked.get(tp, (0, 0.0))
        if lane is None:
            return ticked < asked
        if lane.last_logged(tp) > asked or lane.has_more(tp):
            return False
        is_quiet = now - lane.last_arrival(tp) >= self._quiet_seconds
        return is_quiet and (ticked < asked or now - at >= AGAIN_SECONDS)


async def send_awaited_ticks(
    lanes: Callable[[], Iterable[Lane]], partitions: int, send: SendAt, quiet_seconds: float
) -> None:
    """Send a tick to every partition that an install waits for, until cancelled."""
    lagging = LaggingPartitions(partitions, quiet_seconds)
    while True:
        await asyncio.sleep(max(WAIT_SECONDS, quiet_seconds))
        found, asked = lagging.look(lanes(), time.monotonic())
        await _all_sent(send(tp, asked + 1) for tp in found)


async def _all_sent(sending: Iterable[Awaitable[object]]) -> None:
    for failure in await asyncio.gather(*sending, return_exceptions=True):
        if isinstance(failure, BaseException) and not isinstance(failure, _NOT_WRITTEN):
            raise failure
