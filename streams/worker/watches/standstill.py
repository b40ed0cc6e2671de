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
from typing import Protocol

from aiokafka.errors import KafkaError

from streams.errors import HeadwaterError
from streams.runtime.lane import Lane
from streams.runtime.reports import LaneObserver
from streams.stages.contract import TopicPartition

REPORTED_SECONDS = 60.0
"""Longer than a busy machine takes for anything that is one step."""
ENDS_SECONDS = 300.0
"""Longer than other workers can hold up a rebalance, by far."""
GROUP = "the consumer group"
_LOOK_SECONDS = 1.0
_OBSTACLE_SECONDS = 10.0
"""How often Kafka is asked what it lacks, and how long it may take to answer."""
_READ_SECONDS = 10.0
"""A lane whose queue is empty, and whose partitions Kafka was not asked about for so long, has to
read; fetches follow one another at once."""

Work = Mapping[str, Lane | None]
"""By name what has to be done: a lane, or None for what a lane needs before it can be there."""

_logger = logging.getLogger("headwater")


class KafkaState(Protocol):
    """What is known of Kafka while a broker answers."""

    lacking: frozenset[TopicPartition]
    """Partitions that have no leader, so that nobody can read them."""

    async def obstacle(self) -> str:
        """What Kafka lacks, so that no worker could do its work; empty when nothing.

        Raises aiokafka's KafkaError where Kafka does not say.
        """


class StandstillError(HeadwaterError):
    """Work waits, and for minutes none was done."""


@dataclass(slots=True)
class _Waiting:
    """Since when something waits to be done, and how much of it had been done by then."""

    lane: Lane | None
    finished: int
    since: float
    excused_until: float


class StandstillWatch:
    """Run `run` beside a worker; `reason` is empty while work goes on, or there is none."""

    def __init__(
        self,
        work: Callable[[], Work],
        observer: LaneObserver,
        kafka: KafkaState,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`work` returns nothing while something is waited for that is told elsewhere."""
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
        due = {name: lane for name, lane in self._work().items() if _is_due(lane, now, unled)}
        self._waiting = {name: self._followed(name, lane, now) for name, lane in due.items()}
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
        if any(now - one.excused_until >= ENDS_SECONDS for one in self._waiting.values()):
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

    def _followed(self, name: str, lane: Lane | None, now: float) -> _Waiting:
        before, finished = self._waiting.get(name), lane.finished if lane else 0
        if before is None or (lane is before.lane and finished > before.finished):
            return _Waiting(lane, finished, now, now)
        before.lane, before.finished = lane, finished
        if self._obstacle or (lane is not None and not lane.is_open):
            before.excused_until = now
        return before


def _is_due(lane: Lane | None, now: float, unled: Set[TopicPartition]) -> bool:
    if lane is None:
        return True
    if lane.lacks_room or lane.awaits_model:
        return False
    if not lane.is_open:
        return True
    partitions = lane.spec.partitions(lane.p)
    if not all(map(lane.queue.lacks, partitions)):
        return True
    readable = (tp for tp in partitions if tp not in unled)
    return any(now - lane.fetched_at(tp) > _READ_SECONDS for tp in readable)
