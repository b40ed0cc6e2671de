"""Notices that this process was suspended, so that its partitions may be someone else's."""

from __future__ import annotations

import time
from collections.abc import Callable

from streams.store.base import UnavailableError


class Pulse:
    """Beaten by the event loop; asked by the threads that write."""

    def __init__(self, seconds_max: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A pause longer than `seconds_max` may have cost us the partitions."""
        self._seconds_max = seconds_max
        self._clock = clock
        self._beaten_at = clock()
        self._doubtful_until = 0.0

    def beat(self) -> None:
        now = self._clock()
        if now - self._beaten_at > self._seconds_max:
            # By then Kafka has told us whether we are still in the group.
            self._doubtful_until = now + self._seconds_max / 2
        self._beaten_at = now

    def require(self) -> None:
        """Raise UnavailableError unless the loop has been alive for long enough."""
        now = self._clock()
        if now - self._beaten_at > self._seconds_max or now < self._doubtful_until:
            raise UnavailableError("this process was suspended, and waits for word from Kafka")
