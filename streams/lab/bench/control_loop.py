"""A fixed piece of pure Python, timed beside every measurement.

Cores of one machine run at different speeds at different moments, by a half and more: a figure is
comparable with another one only where the same loop took the same time beside both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

_ROUNDS = 5_000
_READINGS = 5

CpuClock = Callable[[], float]


class ControlLoop:
    """Times the loop whenever it is told to, and knows what it read beside each figure."""

    def __init__(self, clock: CpuClock = time.process_time) -> None:
        self._clock = clock
        self._last = self._read()
        self.microseconds: dict[str, float] = {}
        """By figure: one round of the loop, the mean of the readings before and after it."""

    def after(self, figure: str) -> None:
        """Read the loop once more; what was measured since the last reading is `figure`."""
        before, self._last = self._last, self._read()
        self.microseconds[figure] = round((before + self._last) / 2, 2)

    def _read(self) -> float:
        """Microseconds of CPU per round, the median of a few readings."""
        return statistics.median(self._timed() for _ in range(_READINGS))

    def _timed(self) -> float:
        began = self._clock()
        for number in range(_ROUNDS):
            _round(number)
        return (self._clock() - began) / _ROUNDS * 1e6


def _round(number: int) -> int:
    """What a decision is made of: small dicts, tuples, text and comparisons."""
    by_key = {f"key-{number % 7}-{slot}": (slot, number) for slot in range(8)}
    latest = max(by_key.values())
    return sum(len(key) for key, value in by_key.items() if value <= latest)
