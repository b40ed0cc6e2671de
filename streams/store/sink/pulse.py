"""Detects that this process was suspended, so that another may own its partitions."""

from __future__ import annotations

import time
from collections.abc import Callable

from streams.store.base import UnavailableError


class Pulse:
    """The event loop calls `beat`; threads call `require` before they write."""

    def __init__(self, seconds_max: float, clock: Callable[[], float] = time.monotonic) -> None:
        """After a pause longer than `seconds_max` the partitions may have been reassigned."""
        self._seconds_max = seconds_max
        self._clock = clock
        self._beaten_at = clock()
        self._doubtful_until = 0.0

    def beat(self) -> None:
        now = self._clock()
        if now - self._beaten_at > self._seconds_max:
            # By then Kafka has answered whether this process is still in the group.
            self._doubtful_until = now + self._seconds_max / 2
        self._beaten_at = now

    def require(self) -> None:
        """Raise UnavailableError unless the event loop has run without a pause for long enough."""
        now = self._clock()
        if now - self._beaten_at > self._seconds_max or now < self._doubtful_until:
            raise UnavailableError(
                "this process was suspended, and waits until Kafka confirms its partitions"
            )
