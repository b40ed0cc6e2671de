"""Keeps intake from running ahead of the models in log time, while a worker catches up.

A log of weeks is read within minutes. Intake is the cheapest stage, so it would write the records
of weeks for `journeys` before learning has seen the first days of them. A marker that switches a
model version lies behind all of those, so they would be scored without what was learned meanwhile.

So intake reads no further than HEADWATER_CATCH_UP_LEAD beyond the log time that journeys and
learning of this worker have passed. This is flow control: it changes when a record is decided,
never what is decided of a log that is already written. What is of the present is not held, nor are
clock ticks alone, nor anything for long where the other lanes have nothing to do, as where the log
has a gap.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from schemas.time import Millis
from streams.runtime.queue import ALL_TIMES
from streams.stages.contract import TellsPassedTime

if TYPE_CHECKING:
    from streams.runtime.lane import Lane

STILL_SECONDS = 1.0
"""Where the others have had nothing to do for so long, intake reads on by another lead."""
HOLD_SECONDS_MAX = 60.0
"""The same where they have work, but none has passed anything: they may wait for intake."""
_LOOK_SECONDS = 0.02


class ReadingPace(Protocol):
    """Says how far a lane may read."""

    async def admit(self, first_time: int) -> int:
        """Wait until records of this log time may be decided. Returns the latest that may.

        `first_time`: of the earliest event that is queued; 0: only clock ticks are.
        """


class Unpaced:
    """For lanes that nothing holds."""

    async def admit(self, first_time: int) -> int:
        return ALL_TIMES


UNPACED = Unpaced()


class LogPace:
    """The pace of the source lanes of a worker, by what its other lanes have passed.

    Of a lane that is not open, and of a stage that has not passed anything yet, nothing is waited
    for: the first lead is counted from the first event that asks.
    """

    def __init__(
        self,
        lanes: Callable[[], Iterable[Lane]],
        wall_clock: Callable[[], int],
        lead_ms: Millis,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lanes = lanes
        self._lead_ms = lead_ms
        self._clock = clock
        self._wall_clock = wall_clock
        self._passed = self._admitted = 0
        self._moved = self._busy = float("-inf")

    async def admit(self, first_time: int) -> int:
        if not self._admitted:
            self._read_on(first_time)
        while (limit := self._limit(first_time)) < first_time:
            if self._is_still():
                self._read_on(first_time)
            else:
                await asyncio.sleep(_LOOK_SECONDS)
        return limit

    def _limit(self, first_time: int) -> int:
        if not first_time or first_time > self._wall_clock() - self._lead_ms:
            return ALL_TIMES
        passed = min(filter(None, map(_passed, self._lanes())), default=0)
        if passed > self._passed:
            self._passed, self._moved = passed, self._clock()
        return max(self._passed + self._lead_ms, self._admitted)

    def _read_on(self, first_time: int) -> None:
        self._admitted = first_time + self._lead_ms
        self._moved = self._busy = self._clock()

    def _is_still(self) -> bool:
        now = self._clock()
        if any(_has_work(lane) for lane in self._lanes() if not lane.spec.is_source):
            self._busy = now
        idle = now - max(self._busy, self._moved)
        return idle >= STILL_SECONDS or now - self._moved >= HOLD_SECONDS_MAX


def _passed(lane: Lane) -> int:
    stage = lane.stage
    return stage.passed_log_time() if isinstance(stage, TellsPassedTime) else 0


def _has_work(lane: Lane) -> bool:
    """Whether anything is queued, or known to be in the log."""
    partitions = lane.spec.partitions(lane.p)
    return any(not lane.queue.lacks(tp) or lane.has_more(tp) for tp in partitions)
