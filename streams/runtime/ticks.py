"""Clock ticks for idle source partitions, so that time passes where nothing happens.

Only for topics with the broker's append time: the broker puts its clock on the tick, in the same
order as everything else in that partition.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from aiokafka.errors import KafkaError
from faust.exceptions import ProducerSendError

from streams.runtime.lane import Lane
from streams.stages.contract import TopicPartition

TICK_KEY = b"\x00clock"
TICK_VALUE = b""
IDLE_SECONDS = 1.0

NOT_WRITTEN = (KafkaError, ProducerSendError)

Send = Callable[[TopicPartition], Awaitable[object]]


def idle_partitions(lanes: Iterable[Lane], now: float) -> list[TopicPartition]:
    """Source partitions of open lanes that brought nothing for a while."""
    return [
        tp
        for lane in lanes
        if lane.is_open and lane.spec.is_source
        for tp in lane.spec.partitions(lane.p)
        if now - lane.last_arrival(tp) >= IDLE_SECONDS
    ]


async def tick(lanes: Callable[[], Iterable[Lane]], send: Send) -> None:
    """Write ticks until cancelled. One that cannot be written is not missed: the next one says
    the same and more."""
    while True:
        await asyncio.sleep(IDLE_SECONDS / 2)
        idle = idle_partitions(lanes(), time.monotonic())
        failures = await asyncio.gather(*(send(tp) for tp in idle), return_exceptions=True)
        for failure in failures:
            if isinstance(failure, BaseException) and not isinstance(failure, NOT_WRITTEN):
                raise failure
