"""Clock ticks for idle source partitions, so that log time advances where nothing is published.

Only for topics with the broker's append time: the broker stamps its clock on the tick, in the same
order as on every other message of that partition.
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

Send = Callable[[TopicPartition], Awaitable[object]]


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
        failures = await asyncio.gather(*(send(tp) for tp in idle), return_exceptions=True)
        for failure in failures:
            if isinstance(failure, BaseException) and not isinstance(failure, _NOT_WRITTEN):
                raise failure
