"""Clock ticks for idle source partitions, so that log time advances where nothing is published.

Twice a second, where a partition is read to its end and brought nothing for a second. On topics
with the broker's append time the broker stamps its clock on the tick, in the same order as on every
other message of that partition. Where producers stamp their own time, a tick carries the time that
the others are at (`ProducersTime`).

And at once where an install waits for what was logged before it: its first decision needs every
partition to be read up to it, and one that nobody writes to would hold it back. Where producers
stamp their own time these come later too: the tick is stamped just after the install, so a producer
that is still about to write something earlier has to be given time.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable

from aiokafka.errors import KafkaError
from faust.exceptions import ProducerSendError

from streams.runtime.lane import Lane
from streams.stages.contract import TellsLogTime, TopicPartition

IDLE_SECONDS = 1.0
PRODUCERS_DELAY_MS = 1_000
"""How long after its stamp a record may be written by producers that stamp their own time."""
LIVE_MS_MAX = 5 * 60_000
"""Producers whose latest stamp is no older than this stamp the present."""

_NOT_WRITTEN = (KafkaError, ProducerSendError)

WAIT_SECONDS = 0.05
"""How soon after an install a partition that still lags behind it gets a tick, and how often."""
AGAIN_SECONDS = 0.5
"""A tick that did not help, or was not written, is followed by another after this time."""

Send = Callable[[TopicPartition], Awaitable[object]]
SendAt = Callable[[TopicPartition, int], Awaitable[object]]
"""Sends a tick with a log time, which a broker that stamps its own replaces."""
WallClock = Callable[[], int]
"""Milliseconds since 1970."""


def wall_clock_ms() -> int:
    """The clock of this machine."""
    return time.time_ns() // 1_000_000


def idle_partitions(
    lanes: Iterable[Lane], now: float, log_time: float = math.inf
) -> list[TopicPartition]:
    """Source partitions of open lanes without a record for `IDLE_SECONDS`, at monotonic `now`,
    whose last record was logged before `log_time`."""
    return [
        tp
        for lane in lanes
        if lane.is_open and lane.spec.is_source
        for tp in lane.spec.partitions(lane.p)
        if now - lane.last_arrival(tp) >= IDLE_SECONDS and not lane.has_more(tp)
        if lane.last_logged(tp) < log_time
    ]


async def send_ticks(lanes: Callable[[], Iterable[Lane]], send: Send) -> None:
    """Send a tick to every idle partition, twice a second, until cancelled.

    A tick that Kafka refuses is not sent again: the next one carries a later time.
    """
    while True:
        await asyncio.sleep(IDLE_SECONDS / 2)
        idle = idle_partitions(lanes(), time.monotonic())
        await _all_sent(send(tp) for tp in idle)


class ProducersTime:
    """The log time that an idle partition may be taken to have reached, where producers stamp.

    It is the latest that any partition has reached: nobody waits for those with nothing to say. If
    the latest stamps are of the present, time goes on by the clock when all are idle. If they are
    older, as in a backfill, time stands then: a pause of the backfill must not make the rest of it
    late. Never later than the present, so that a producer whose clock is ahead misleads nobody.
    """

    def __init__(self, wall_clock: WallClock = wall_clock_ms) -> None:
        self._wall_clock = wall_clock
        self._latest = 0
        self._is_live = False

    def look(self, lanes: Iterable[Lane]) -> int:
        """Log time in ms; 0: no partition has any yet."""
        now = self._wall_clock()
        latest = max((_latest_log_time(lane) for lane in lanes if lane.is_open), default=0)
        if latest > self._latest:
            self._latest, self._is_live = latest, now - latest <= LIVE_MS_MAX
        present = now - PRODUCERS_DELAY_MS
        return present if self._is_live else min(self._latest, present)


async def send_stamped_ticks(
    lanes: Callable[[], Iterable[Lane]], send: SendAt, producers: ProducersTime
) -> None:
    """Send a tick to every idle partition that is behind the producers' time, until cancelled."""
    while True:
        await asyncio.sleep(IDLE_SECONDS / 2)
        log_time = producers.look(lanes())
        idle = idle_partitions(lanes(), time.monotonic(), log_time)
        await _all_sent(send(tp, log_time) for tp in idle)


def _latest_log_time(lane: Lane) -> int:
    stage = lane.stage
    return stage.latest_log_time() if isinstance(stage, TellsLogTime) else 0


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
        if not asked or not asking:  # A rebalance closes every lane for a moment.
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
        if lane.has_more(tp):
            return False
        is_quiet = now - lane.last_arrival(tp) >= self._quiet_seconds
        # What a partition has read meanwhile, intake may hold for a step: a tick passes it on.
        is_behind = lane.last_logged(tp) <= asked and now - at >= AGAIN_SECONDS
        return is_quiet and (ticked < asked or is_behind)


async def send_awaited_ticks(
    lanes: Callable[[], Iterable[Lane]], partitions: int, send: SendAt, quiet_seconds: float
) -> None:
    """Send a tick to every partition that an install waits for, until cancelled.

    No tick is of the future: an install that a clock ahead has stamped would take all others along.
    """
    lagging = LaggingPartitions(partitions, quiet_seconds)
    while True:
        await asyncio.sleep(max(WAIT_SECONDS, quiet_seconds))
        found, asked = lagging.look(lanes(), time.monotonic())
        log_time = min(asked + 1, wall_clock_ms())
        await _all_sent(send(tp, log_time) for tp in found)


async def _all_sent(sending: Iterable[Awaitable[object]]) -> None:
    for failure in await asyncio.gather(*sending, return_exceptions=True):
        if isinstance(failure, BaseException) and not isinstance(failure, _NOT_WRITTEN):
            raise failure
