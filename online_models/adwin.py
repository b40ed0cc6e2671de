"""Has the mean of a stream changed? ADWIN2 of Bifet and Gavaldà (2007).

A window of the recent past grows while nothing changes. It is kept as buckets of 1, 2, 4, …
values, at most `BUCKETS_PER_SIZE` of each, so that a window of n values takes about 5·log₂(n)
buckets. Every `CLOCK` values it is cut at each edge of a bucket: where the means of both sides
differ by more than chance allows, something has changed, and a new window begins.

It finds a change at the very value at which River's `drift.ADWIN` finds it, the oracle of the
tests, whose state cannot be written down as plain numbers; that of this one is nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

CLOCK = 32
"""Values between two looks."""

BUCKETS_PER_SIZE = 5
GRACE = 10
"""Values before the first look."""

SIDE_MIN = 5
"""Values on either side of a cut."""


class Change(NamedTuple):
    """Means and sizes on both sides of where the stream changed, as it was found."""

    before: float
    after: float
    rows_before: int
    rows_after: int


class Adwin:
    """Values should lie in a range of about 1. One that is not a number is ignored."""

    def __init__(self) -> None:
        self._begin()

    @property
    def mean(self) -> float:
        return self.total / self.width if self.width else 0.0

    def update(self, value: float, delta: float) -> Change | None:
        """What has changed, if this value makes it plain. `delta`: chance of a false alarm that
        may be taken (River's `delta`)."""
        if not math.isfinite(value):
            return None
        self._insert(value)
        if self.width % CLOCK or self.width <= GRACE:
            return None
        found = self._widest_cut(delta)
        if found is not None:
            self._begin()
        return found

    def numbers(self) -> list[float]:
        """All there is to know, to be written down."""
        flat = [float(self.width), self.total, self.spread]
        for buckets in self._sizes:
            flat.append(float(len(buckets)))
            for bucket in buckets:
                flat.extend(bucket)
        return flat

    @classmethod
    def of_numbers(cls, flat: Sequence[float]) -> Adwin | None:
        """None: these are not the numbers of a window."""
        if len(flat) < 4 or not all(map(math.isfinite, flat)):
            return None
        adwin = cls()
        adwin.width, adwin.total, adwin.spread = int(flat[0]), flat[1], flat[2]
        adwin._sizes = []
        at, counted = 3, 0
        while at < len(flat):
            buckets = int(flat[at])
            end = at + 1 + 2 * buckets
            if not 0 <= buckets <= BUCKETS_PER_SIZE or end > len(flat):
                return None
            pairs = flat[at + 1 : end]
            counted += buckets << len(adwin._sizes)
            adwin._sizes.append(list(zip(pairs[::2], pairs[1::2], strict=True)))
            at = end
        return adwin if counted == adwin.width and adwin.spread >= 0.0 else None

    def _begin(self) -> None:
        self.width = 0
        self.total = 0.0
        self.spread = 0.0  # sum of squared deviations from the mean
        self._sizes: list[list[tuple[float, float]]] = [[]]  # totals and spreads, oldest first

    def _insert(self, value: float) -> None:
        self._sizes[0].append((value, 0.0))
        self.width += 1
        if self.width > 1:
            before = self.width - 1
            away = value - self.total / before
            self.spread += before * away * away / self.width
        self.total += value
        self._compress()

    def _compress(self) -> None:
        """Where there is one too many of a size, the two oldest become one of the next."""
        for size, buckets in enumerate(self._sizes):
            if len(buckets) <= BUCKETS_PER_SIZE:
                return
            if size + 1 == len(self._sizes):
                self._sizes.append([])
            held = float(1 << size)
            (total, spread), (other, spread_of_other) = buckets[:2]
            apart = total / held - other / held
            between = held * held * apart * apart / (held + held)
            del buckets[:2]
            self._sizes[size + 1].append((total + other, spread + spread_of_other + between))

    def _widest_cut(self, delta: float) -> Change | None:
        """Of the cuts whose sides are not alike, the one where they are least alike."""
        allowed = math.log(2.0 * math.log(self.width) / delta)
        noise = 2.0 * (self.spread / self.width) * allowed
        older, total_of_older = 0, 0.0
        found, furthest = None, 1.0
        for size in range(len(self._sizes) - 1, -1, -1):
            for total, _ in self._sizes[size]:
                older += 1 << size
                total_of_older += total
                newer = self.width - older
                if older < SIDE_MIN or newer < SIDE_MIN:
                    continue
                before = total_of_older / older
                after = (self.total - total_of_older) / newer
                share = 1.0 / (older - SIDE_MIN + 1) + 1.0 / (newer - SIDE_MIN + 1)
                chance = math.sqrt(noise * share) + 2.0 / 3.0 * allowed * share
                if abs(before - after) > furthest * chance:
                    found = Change(before, after, older, newer)
                    furthest = abs(before - after) / chance
        return found
