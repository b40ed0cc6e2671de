"""When it is said what a bin brought.

A release wakes an install up, which costs more than what is learned from it. So bins are released
at a few ages: as soon as they end where the install is looked at anyway. What is reported later
gives a late row beside the one that denied it; to wait for late reports cost more after a change
of campaigns than the contradiction does. Once landmarks are over, there is a day for late reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.time import DAY_MS, HOUR_MS

RELEASE_AGES_MS = (
    6 * HOUR_MS,
    *(DAY_MS * days for days in (1, 3, 7, 11, 15, 22, 31)),
)
"""Ages of an install. What ends later than the last has a moment of its own."""


class Release(NamedTuple):
    """The bins before `until` that were not released before are released at this age."""

    age: int
    until: int


def release_times(edges: Sequence[int]) -> tuple[int, ...]:
    """For each bin between `edges`, the age of the install at which it is released."""
    return tuple(next((age for age in RELEASE_AGES_MS if age >= end), end) for end in edges[1:])


def next_releases(times: Sequence[int]) -> tuple[Release, ...]:
    """For each number of bins released so far, the next moment; `times` never fall."""
    bins = len(times)
    return tuple(
        Release(times[done], max(one + 1 for one in range(done, bins) if times[one] == times[done]))
        for done in range(bins)
    )
