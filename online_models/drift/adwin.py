"""Detects that the mean of a stream has changed: ADWIN2 (Bifet and Gavaldà 2007).

A window of the recent past grows while nothing changes. It is kept as buckets of 32, 64, 128, …
values, at most `BUCKETS_PER_SIZE` of each, so that a window of n values takes about 5·log₂(n/32)
buckets. After every 32 values it is cut at each edge of a bucket: where the means of both sides
differ by more than chance allows, the stream has changed, and a new window begins.

River's `drift.ADWIN` looks as often, but keeps single values too: of 300 changes it found 280 at
the same value, and the others one or a few looks earlier. It is the oracle of the tests, and
faster: 0.2 µs a value, 0.6 to 0.9 here. It is not used because its state is bytes of its own
compiled code, which no version of River promises to read again: an upgrade would forget what every
stream was like, or alarm otherwise when a log is read again. The state of this one is plain
numbers in a layout with a version.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

BUCKET = 32
"""Values in the smallest buckets, and between two looks."""

BUCKETS_PER_SIZE = 5

SIDE_MIN = 5
"""Values on either side of a cut that do not count, as in River."""

STREAM_VALUE_MAX = 1e6
"""A value beyond is a mistake, and ignored."""


class MeanChange(NamedTuple):
    """Means and numbers of values before and after the cut at which a change was found."""

    before: float
    after: float
    rows_before: int
    rows_after: int


class Adwin:
    """A window over one stream. Values should lie in a range of about 1; NaN is ignored."""

    def __init__(self) -> None:
        self._open = 0  # values since the last look
        self._open_total = 0.0
        self._open_squares = 0.0
        self._closed = 0  # values in buckets
        self._total = 0.0
        self._spread = 0.0  # sum of squared deviations from their mean
        self._sizes: list[list[float]] = [[]]  # totals of the buckets, oldest first

    @property
    def width(self) -> int:
        return self._closed + self._open

    @property
    def mean(self) -> float:
        return (self._total + self._open_total) / self.width if self.width else 0.0

    def update(self, value: float, delta: float) -> MeanChange | None:
        """The change that this value reveals, if any. `delta`: accepted chance of a false alarm
        (River's `delta`)."""
        return next(iter(self.extend((value,), delta)), None)

    def extend(self, values: Iterable[float], delta: float) -> list[MeanChange]:
        """The same for several values, in order."""
        found: list[MeanChange] = []
        count, total, squares = self._open, self._open_total, self._open_squares
        for value in values:
            if not -STREAM_VALUE_MAX < value < STREAM_VALUE_MAX:
                continue
            total += value
            squares += value * value
            count += 1
            if count < BUCKET:
                continue
            self._close(total, squares)
            count, total, squares = 0, 0.0, 0.0
            change = self._widest_cut(delta)
            if change is not None:
                self._begin()
                found.append(change)
        self._open, self._open_total, self._open_squares = count, total, squares
        return found

    def numbers(self) -> list[float]:
        """The whole state as numbers, for storage."""
        flat = [float(self._open), self._open_total, self._open_squares]
        flat += [float(self._closed), self._total, self._spread]
        for buckets in self._sizes:
            flat.append(float(len(buckets)))
            flat += buckets
        return flat

    @classmethod
    def of_numbers(cls, flat: Sequence[float]) -> Adwin | None:
        """The reverse of `numbers`; None: no window has these numbers."""
        if len(flat) < 7 or not all(map(math.isfinite, flat)):
            return None
        adwin = cls()
        adwin._open, adwin._open_total, adwin._open_squares = int(flat[0]), flat[1], flat[2]
        adwin._closed, adwin._total, adwin._spread = int(flat[3]), flat[4], flat[5]
        adwin._sizes = []
        at, counted = 6, 0
        while at < len(flat):
            buckets = int(flat[at])
            end = at + 1 + buckets
            if not 0 <= buckets <= BUCKETS_PER_SIZE or end > len(flat):
                return None
            counted += buckets * (BUCKET << len(adwin._sizes))
            adwin._sizes.append([*flat[at + 1 : end]])
            at = end
        is_whole = counted == adwin._closed and 0 <= adwin._open < BUCKET
        return adwin if is_whole and adwin._spread >= 0.0 else None

    def _begin(self) -> None:
        self._closed, self._total, self._spread = 0, 0.0, 0.0
        self._sizes = [[]]

    def _close(self, total: float, squares: float) -> None:
        """Put a bucket of the last values into the window. When there is one too many of a size,
        the two oldest are merged into one of the next size."""
        spread = max(squares - total * total / BUCKET, 0.0)
        if self._closed:
            apart = total / BUCKET - self._total / self._closed
            spread += BUCKET * self._closed * apart * apart / (BUCKET + self._closed)
        self._spread += spread
        self._total += total
        self._closed += BUCKET
        self._sizes[0].append(total)
        for size, buckets in enumerate(self._sizes):
            if len(buckets) <= BUCKETS_PER_SIZE:
                return
            if size + 1 == len(self._sizes):
                self._sizes.append([])
            self._sizes[size + 1].append(buckets[0] + buckets[1])
            del buckets[:2]

    def _widest_cut(self, delta: float) -> MeanChange | None:
        """Of the cuts whose sides differ by more than chance, the one where they differ most."""
        width, allowed = self._closed, math.log(2.0 * math.log(self._closed) / delta)
        noise = 2.0 * (self._spread / width) * allowed
        older, total_of_older = 0, 0.0
        found, furthest = None, 1.0
        for size in range(len(self._sizes) - 1, -1, -1):
            for total in self._sizes[size]:
                older += BUCKET << size
                total_of_older += total
                newer = width - older
                if not newer:
                    return found
                before, after = total_of_older / older, (self._total - total_of_older) / newer
                share = 1.0 / (older - SIDE_MIN + 1) + 1.0 / (newer - SIDE_MIN + 1)
                chance = math.sqrt(noise * share) + 2.0 / 3.0 * allowed * share
                if abs(before - after) > furthest * chance:
                    found = MeanChange(before, after, older, newer)
                    furthest = abs(before - after) / chance
        return found
