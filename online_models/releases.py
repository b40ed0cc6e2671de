"""When it is said what a bin brought: some time after it ends, because reports come late.

A release wakes an install up, which costs more than what is learned from it. So bins are released
at a few ages, where possible those at which the install is looked at anyway, each at the first
that leaves time for late reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from online_models.landmarks import DAY_MS, HOUR_MS

LATENESS_MS_MAX = DAY_MS
"""A bin waits for late reports as long as it lasted, but no longer than this."""

MOMENTS_MS = (
    6 * HOUR_MS,
    *(DAY_MS * days for days in (1, 3, 7, 9, 15, 22, 31)),
)
"""Ages of an install. What ends later than the last has a moment of its own."""


class Moment(NamedTuple):
    """The bins before `until` that were not released before are released at this age."""

    age: int
    until: int


def release_times(edges: Sequence[int]) -> tuple[int, ...]:
    """For each bin between `edges`, the age of the install at which it is released."""
    return tuple(_moment(end, min(end - start, LATENESS_MS_MAX)) for start, end in pairwise(edges))


def moments(times: Sequence[int]) -> tuple[Moment, ...]:
    """For each number of bins released so far, the next moment; `times` never fall."""
    bins = len(times)
    return tuple(
        Moment(times[done], max(one + 1 for one in range(done, bins) if times[one] == times[done]))
        for done in range(bins)
    )


def _moment(end: int, lateness: int) -> int:
    due = end + lateness
    return next((moment for moment in MOMENTS_MS if moment >= due), due)
