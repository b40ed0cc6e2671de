"""Notices that a worker has work and does none, although Kafka answers.

Clients retry in silence, and a wait that nobody ends looks like having nothing to do. So this looks
every second at what every lane has finished. After `REPORTED_SECONDS` without anything it says so:
one line, `/readyz`, a metric. After `ENDS_SECONDS` it ends the worker, which loses nothing: whoever
started it starts it again, and it goes on at its last checkpoint.

Nobody stands still while Kafka is away, while the state has no room on its disk, or while a model
version is waited for: each of these says itself what it waits for, and a restart would not help. A
lane that restores its state may take long; that is said, and ends nothing. Neither does one wait
for which Kafka itself is to blame, although a broker answers: then the line says what Kafka lacks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka.errors import KafkaError

from streams.errors import HeadwaterError
from streams.runtime.lane import Lane
from streams.stages.contract import TopicPartition

REPORTED_SECONDS = 60.0
"""Longer than a busy machine takes for anything that is one step."""
ENDS_SECONDS = 300.0
"""Longer than other workers can hold up a rebalance, by far."""
GROUP = "the consumer group"
_LOOK_SECONDS = 1.0
_OBSTACLE_SECONDS = 10.0
"""How often Kafka is asked what it lacks, and how long it may take to answer."""
UNREAD_SECONDS = 10.0
"""A lane or table for which nothing waits, and whose partitions Kafka was not asked about for so
long, has to read; fetches follow one another at once."""


class Worked(Protocol):
    """A lane, or a table that rows are stored in."""

    @property
    def finished(self) -> int:
        """How often it has done some of its work."""

    @property
    def is_open(self) -> bool:
        """False: it gets ready, which may take long."""


Work = Mapping[str, Worked | None]
"""By name what has to be done; None stands for what is needed before it can be there."""

IsDue = Callable[[Any, float, Set[TopicPartition]], bool]
"""Whether one of them has to do something at a monotonic moment; partitions that nobody leads."""

_logger = logging.getLogger("headwater")


class KafkaState(Protocol):
    """What is known of Kafka while a broker answers."""

    lacking: frozenset[TopicPartition]
    """Partitions that have no leader, so that nobody can read them."""

    async def obstacle(self) -> str:
        """What Kafka lacks, so that no worker could do its work; empty when nothing.

        Raises aiokafka's KafkaError where Kafka does not say.
        """


class StandstillObserver(Protocol):
    """Observers of lanes, and of a sink."""

    def on_standstill(self, seconds: float) -> None: ...


class StandstillError(HeadwaterError):
    """Work waits, and for minutes none was done."""


@dataclass(slots=True)
class _Waiting:
    """Since when something waits to be done, and how much of it had been done by then."""

    worked: Worked | None
    finished: int
    since: float
    excused_until: float


class StandstillWatch:
    """Run `run` beside a worker; `reason` is empty while work goes on, or there is none."""

    def __init__(
        self,
        work: Callable[[], Work],
        observer: StandstillObserver,
        kafka: KafkaState,
        clock: Callable[[], float] = time.monotonic,
        *,
        is_due: IsDue | None = None,
        ends_seconds: float = ENDS_SECONDS,
    ) -> None:
        """`work` returns nothing while something is waited for that is told elsewhere. `is_due`: by
        default that of lanes."""
        self._is_due: IsDue = is_due or _is_due
        self._ends_seconds = ends_seconds
        self._work = work
        self._observer = observer
        self._clock = clock
        self._kafka = kafka
        self._obstacle = ""
        self._asked_at = float("-inf")
        self._waiting: dict[str, _Waiting] = {}
        self._looked_at = clock()
        self.reason = ""

    async def run(self) -> None:
        """Look every second until cancelled; StandstillError when the worker has to end."""
        while True:
            self.look()
            await self.ask()
            await asyncio.sleep(_LOOK_SECONDS)

    async def ask(self) -> None:
        """Find out, now and then during a standstill, whether a restart could help at all."""
        if not self.reason:
            self._obstacle = ""
        if not self.reason or self._clock() - self._asked_at < _OBSTACLE_SECONDS:
            return
        self._asked_at, before = self._clock(), self._obstacle
        try:
            async with asyncio.timeout(_OBSTACLE_SECONDS):
                self._obstacle = await self._kafka.obstacle()
        except (KafkaError, OSError, TimeoutError):
            self._obstacle = ""  # This worker's own connections may be at fault.
        if self._obstacle and not before:
            _logger.warning("%s: this worker waits, and goes on by itself then", self._obstacle)

    def look(self) -> None:
        """StandstillError when something has waited for too long."""
        now = self._clock()
        self._pass_over(now - self._looked_at)
        self._looked_at = now
        unled = self._kafka.lacking
        work = self._work().items()
        due = {name: one for name, one in work if one is None or self._is_due(one, now, unled)}
        self._waiting = {name: self._followed(name, one, now) for name, one in due.items()}
        longest = max((now - one.since for one in self._waiting.values()), default=0.0)
        self._observer.on_standstill(longest)
        still = [name for name, one in self._waiting.items() if now - one.since >= REPORTED_SECONDS]
        was_reported, self.reason = bool(self.reason), ""
        if still:
            named = ", ".join(sorted(still))
            because = f"{self._obstacle}: " if self._obstacle else ""
            self.reason = f"{because}work waits and none was done for {longest:.0f} s: {named}"
        if still and not was_reported:
            _logger.warning("%s, although Kafka answers", self.reason)
        elif was_reported and not still:
            _logger.warning("work goes on after a standstill")
        if any(now - one.excused_until >= self._ends_seconds for one in self._waiting.values()):
            raise StandstillError(
                f"{self.reason}, although Kafka answers: it ends, to be started again at its last "
                "checkpoint; report what the lines before this one say"
            )

    def _pass_over(self, unseen: float) -> None:
        """Count no time in which the process itself was frozen: a paused container, a machine that
        slept. It could do nothing, and goes on now."""
        if unseen < REPORTED_SECONDS:
            return
        for waiting in self._waiting.values():
            waiting.since += unseen
            waiting.excused_until += unseen

    def _followed(self, name: str, worked: Worked | None, now: float) -> _Waiting:
        before, finished = self._waiting.get(name), worked.finished if worked else 0
        if before is None or (worked is before.worked and finished > before.finished):
            return _Waiting(worked, finished, now, now)
        before.worked, before.finished = worked, finished
        if self._obstacle or (worked is not None and not worked.is_open):
            before.excused_until = now
        return before


def _is_due(lane: Lane, now: float, unled: Set[TopicPartition]) -> bool:
    if lane.lacks_room or lane.awaits_model:
        return False
    if not lane.is_open:
        return True
    partitions = lane.spec.partitions(lane.p)
    if not all(map(lane.queue.lacks, partitions)):
        return True
    readable = (tp for tp in partitions if tp not in unled)
    return any(now - lane.fetched_at(tp) > UNREAD_SECONDS for tp in readable)
