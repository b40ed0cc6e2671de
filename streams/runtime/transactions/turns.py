"""When the lanes that share a log decide: together, for one transaction to take what they decide.

A transaction costs about the same whatever it contains, and one is under way at a time. Lanes that
each keep a pace of their own have one after the other under way, and what they decide waits for
those before it. In turns, records wait for the next turn instead, and are decided together: each
stage on the way of an event takes one turn. A lane that has much to decide does not wait for its
turn, so under load deciding and committing overlap.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from streams.settings.core import BatchBounds

PAUSE_PER_TURN = 2.0
"""The next turn begins this many times after the last one as that took to decide and commit, within
the bounds of the linger time. All of it takes longer when the machine is busy, and then fewer,
larger transactions help; when the machine is idle, latency counts."""

GATHER_SECONDS = 0.003
"""A turn waits so long for lanes whose records came with the same poll."""

Later = Callable[[float, Callable[[], None]], object]
"""Calls something so many seconds later."""


def on_running_loop(seconds: float, call: Callable[[], None]) -> None:
    """The timer of an event loop."""
    asyncio.get_running_loop().call_later(seconds, call)


class Turns:
    """Gives lanes their turn. Everything runs on one event loop."""

    def __init__(
        self,
        bounds: BatchBounds,
        clock: Callable[[], float] = time.monotonic,
        later: Later = on_running_loop,
    ) -> None:
        self._bounds = bounds
        self._clock = clock
        self._later = later
        self._waiting: list[asyncio.Future[None]] = []
        self._is_timed = self._is_committing = False
        self._next = float("-inf")
        self._busy_since: float | None = None  # None: nothing of this turn is committed yet

    def wait(self) -> asyncio.Future[None]:
        """Done when the next turn begins, unless whoever waits completes it before."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._schedule()
        return turn

    def committing(self) -> None:
        """A transaction begins."""
        self._is_committing = True
        if self._busy_since is None:
            self._busy_since = self._clock()

    def committed(self) -> None:
        """It has ended, one way or the other."""
        since = self._clock() if self._busy_since is None else self._busy_since
        taken, bounds = self._clock() - since, self._bounds
        pause = max(bounds.linger_seconds, PAUSE_PER_TURN * taken)
        self._next = since + min(pause, bounds.linger_seconds_max)
        self._is_committing, self._busy_since = False, None
        self._schedule()

    def _schedule(self) -> None:
        if self._waiting and not (self._is_timed or self._is_committing):
            self._is_timed = True
            self._later(max(GATHER_SECONDS, self._next - self._clock()), self._begin)

    def _begin(self) -> None:
        self._is_timed = False
        now = self._clock()
        if not self._is_committing:
            self._busy_since = now
        self._next = now + self._bounds.linger_seconds
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)
