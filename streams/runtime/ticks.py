"""Clock ticks for idle source partitions, so that log time advances where nothing is published.

Twice a second, where a partition is read to its end and brought nothing for a second. On topics
with the broker's append time the broker stamps its clock on the tick, in the same order as on every
other message of that partition. Where producers stamp their own time, a tick carries the time that
the others are at (`ProducersTime`).

An install waits for what was logged before it: its first decision needs every partition to be read
up to it, and one that nobody writes to would hold it back. Of its own partitions a worker knows by
its fetches that they are read up to an install (`ReadPartitions`), and intake is told so by a tick
that is not in the log. Those of other workers get a tick at once. Where producers stamp their own
time, both come later: a producer that is still about to write something earlier is given time.
"""

from __future__ import annotations

import asyncio
import math
import time
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

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
"""How soon after an install a partition of another worker gets a tick, and how often."""
READ_LOOK_SECONDS = 0.01
"""How often a worker looks whether its own are read up to an install."""
REPLICAS_GRACE_SECONDS = 0.01
"""How much later than an install a record may become readable that the broker stamped before it:
its partition has other replicas, or a leader whose clock is behind."""
PRODUCERS_GRACE_SECONDS = 0.25
"""How much later than an install a record may be written that its producer stamped before it."""
REMEMBERED_SECONDS = 1.0
"""Installs are told apart for so long; later only the latest of them counts."""
_AHEAD_STEP_MS = 500
_SENT_SECONDS = 0.5

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
    async with _Sending() as sending:
        while True:
            await asyncio.sleep(IDLE_SECONDS / 2)
            await sending.to(idle_partitions(lanes(), time.monotonic()), send)


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
    async with _Sending() as sending:
        while True:
            await asyncio.sleep(IDLE_SECONDS / 2)
            log_time = producers.look(lanes())
            idle = idle_partitions(lanes(), time.monotonic(), log_time)
            await sending.to(idle, send, log_time)


def _latest_log_time(lane: Lane) -> int:
    stage = lane.stage
    return stage.latest_log_time() if isinstance(stage, TellsLogTime) else 0


class WaitingInstall(NamedTuple):
    """An install that waits for what was logged before it."""

    log_time: int
    due: float
    """A fetch that began from this moment on has found what was."""
    quiet_seconds: float
    """So long a partition must have brought nothing, or it may bring something earlier."""


class ReadPartitions:
    """Which partitions of this worker are read up to an install that waits for them.

    A worker knows without a tick: a fetch that began after the install had arrived, and found
    nothing more, has found all that was written before it. It has to begin a little later than
    that, for what was logged before may become readable, or be written, a little later.
    """

    def __init__(self, *, is_append_time: bool) -> None:
        self._is_append_time = is_append_time
        self._waiting: list[WaitingInstall] = []  # log times and moments rise

    def __len__(self) -> int:
        """How many installs are told apart."""
        return len(self._waiting)

    def look(
        self, lanes: Iterable[Lane], now: float, wall_clock: int
    ) -> list[tuple[Lane, TopicPartition, int]]:
        """Partitions that were read beyond an install since the last look, and up to where."""
        asking = [lane for lane in lanes if lane.is_open and lane.spec.asking]
        for lane in asking:
            self._note(*lane.asked, wall_clock)
        self._forget(now)
        found = []
        for lane in asking:
            for topic in lane.spec.awaited:
                tp = (topic, lane.p)
                read = self._read_beyond(lane, tp)
                if read and read + 1 > lane.passed_on(tp):
                    found.append((lane, tp, read + 1))
        return found

    def _note(self, log_time: int, arrived: float, wall_clock: int) -> None:
        latest = self._waiting[-1] if self._waiting else WaitingInstall(0, arrived, 0.0)
        if log_time >= wall_clock:
            # A clock ahead has stamped it, and hides all others: now and then, as of the present.
            log_time = max(0, (wall_clock - 1) // _AHEAD_STEP_MS * _AHEAD_STEP_MS)
        if log_time <= latest.log_time:
            return
        grace = quiet = REPLICAS_GRACE_SECONDS
        if not self._is_append_time:
            is_live = wall_clock - log_time <= LIVE_MS_MAX
            grace = quiet = PRODUCERS_GRACE_SECONDS if is_live else IDLE_SECONDS
        self._waiting.append(WaitingInstall(log_time, max(arrived + grace, latest.due), quiet))

    def _forget(self, now: float) -> None:
        """All but the latest of the installs that every partition should be read beyond by now."""
        old = bisect_right(self._waiting, now - REMEMBERED_SECONDS, key=_due) - 1
        if old > 0:
            del self._waiting[:old]

    def _read_beyond(self, lane: Lane, tp: TopicPartition) -> int:
        """Log time of the latest install that a partition is read beyond; 0: of none."""
        waiting, read_at = self._waiting, lane.read_at(tp)
        # What a partition has read meanwhile, intake may hold for a step.
        passed = bisect_left(waiting, lane.last_logged(tp), key=_log_time)
        found = bisect_right(waiting, read_at, key=_due)
        if found > passed and not self._is_append_time:
            is_quiet = lane.last_arrival(tp) + waiting[found - 1].quiet_seconds <= read_at
            found = found if is_quiet else passed
        found = max(found, passed)
        return waiting[found - 1].log_time if found else 0


def _due(install: WaitingInstall) -> float:
    return install.due


def _log_time(install: WaitingInstall) -> int:
    return install.log_time


class LaggingPartitions:
    """Which partitions of other workers need a tick because an install waits for them.

    They get one for every new install, at most once per look.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._ticked: dict[TopicPartition, int] = {}
        self._asked = 0

    def look(self, lanes: Iterable[Lane]) -> tuple[list[TopicPartition], int]:
        """The partitions that may lag behind the latest install known at the last look, and its log
        time."""
        asking = [lane for lane in lanes if lane.is_open and lane.spec.asking]
        own = {lane.p for lane in asking}
        asked = self._asked
        self._asked = max([asked, *(lane.asked[0] for lane in asking)])
        if not asked or not asking:  # A rebalance closes every lane for a moment.
            return [], 0
        lagging = [
            (topic, p)
            for topic in asking[0].spec.awaited
            for p in range(self._partitions)
            if p not in own and self._ticked.get((topic, p), 0) < asked
        ]
        self._ticked |= dict.fromkeys(lagging, asked)
        return lagging, asked


async def pass_on_reads(lanes: Callable[[], Iterable[Lane]], is_append_time: bool) -> None:
    """Tell the stages how far this worker has read what an install waits for, until cancelled."""
    read = ReadPartitions(is_append_time=is_append_time)
    while True:
        await asyncio.sleep(READ_LOOK_SECONDS)
        for lane, tp, log_time in read.look(lanes(), time.monotonic(), wall_clock_ms()):
            lane.pass_on(tp, log_time)


async def send_awaited_ticks(
    lanes: Callable[[], Iterable[Lane]], partitions: int, send: SendAt, is_append_time: bool
) -> None:
    """Send a tick to every partition of others that an install waits for, until cancelled.

    No tick is of the future: an install that a clock ahead has stamped would take all others along.
    """
    lagging = LaggingPartitions(partitions)
    async with _Sending() as sending:
        while True:
            await asyncio.sleep(WAIT_SECONDS if is_append_time else PRODUCERS_GRACE_SECONDS)
            found, asked = lagging.look(lanes())
            log_time = min(asked + 1, wall_clock_ms())
            await sending.to(found, send, log_time)


class _Sending:
    """Ticks on their way. A partition that takes none, as one without a leader, holds up no other,
    and gets no second one meanwhile."""

    def __init__(self) -> None:
        self._under_way: dict[TopicPartition, asyncio.Future[object]] = {}

    async def __aenter__(self) -> _Sending:
        return self

    async def __aexit__(self, *_: object) -> None:
        for tick in self._under_way.values():
            tick.cancel()

    async def to(
        self, tps: Iterable[TopicPartition], send: Callable[..., Awaitable[object]], *log_time: int
    ) -> None:
        """Send to each of these; returns once they are sent, or after a moment.

        Raises what a tick has failed with, unless Kafka did not take it.
        """
        others = [tp for tp in tps if tp not in self._under_way]
        new = {tp: asyncio.ensure_future(send(tp, *log_time)) for tp in others}
        self._under_way |= new
        if new:
            await asyncio.wait(new.values(), timeout=_SENT_SECONDS)
        for tp in [tp for tp, tick in self._under_way.items() if tick.done()]:
            tick = self._under_way.pop(tp)
            # aiokafka may cancel a wait of its own when Kafka is away for long.
            failure = None if tick.cancelled() else tick.exception()
            if failure is not None and not isinstance(failure, _NOT_WRITTEN):
                raise failure
