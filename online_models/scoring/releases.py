"""When the outcome of a bin is released to learners.

A release wakes an install up, which costs more than learning from it. So bins are released at a few
ages: as soon as they end where the install is scored anyway. A later report gives a late row beside
the one that denied it; waiting for late reports cost more after a change of campaigns than the
contradiction does. Once landmarks are over, there is a day for late reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.time import DAY_MS, HOUR_MS

RELEASE_AGES_MS = (
    6 * HOUR_MS,
    *(DAY_MS * days for days in (1, 3, 7, 11, 15, 22, 31)),
)
"""Ages of an install, in ms. A bin that ends later than the last is released when it ends."""


class Release(NamedTuple):
    """At this age, in ms, the bins before `until` that are not yet released are released."""

    age: int
    until: int


def release_times(edges: Sequence[int]) -> tuple[int, ...]:
    """For each bin between `edges`, the age at which it is released, in ms."""
    return tuple(next((age for age in RELEASE_AGES_MS if age >= end), end) for end in edges[1:])


def next_releases(times: Sequence[int]) -> tuple[Release, ...]:
    """For each number of bins released so far, the next release; `times` must not fall."""
    bins = len(times)
    return tuple(
        Release(times[done], max(one + 1 for one in range(done, bins) if times[one] == times[done]))
        for done in range(bins)
    )
