"""The life of an install, cut into bins: when it is scored, and by when an outcome counts.

Time is milliseconds since the install. In each bin an install that has not paid yet pays with
some probability, the bin's hazard. The outcome of a bin is known when the bin ends, so that the
model learns from the first hour an hour after the install, not a month later (discrete-time
survival: Cox 1972, section 6; Singer and Willett 1993).
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.landmarks import Landmark as Landmark
from schemas.time import DAY_MS, HOUR_MS


class Horizon(NamedTuple):
    """By when an outcome counts."""

    name: str
    after_ms: int


class BinOutcome(NamedTuple):
    """The outcome of one bin: the event happened in it (True), or did not."""

    bin: int
    label: bool
    due_after_ms: int
    """End of the bin, for payers too: otherwise a learner would learn from payers first."""


class Shape(Struct, frozen=True):
    """Bins, landmarks and horizons of a target. Every horizon is the end of a bin. ValueError when
    they contradict each other.

    The first bin may begin later than the install, as for an activity from day 7 to day 8. Every
    landmark lies before that, or is an edge itself.
    """

    edges: tuple[int, ...]
    landmarks: tuple[Landmark, ...]
    horizons: tuple[Horizon, ...]

    def __post_init__(self) -> None:
        landmarks = tuple(landmark.after_ms for landmark in self.landmarks)
        horizons = tuple(horizon.after_ms for horizon in self.horizons)
        begun = {after for after in landmarks if after >= self.edges[0]}
        if not begun <= {*self.edges} or not {*horizons} <= {*self.edges[1:]}:
            raise ValueError(
                "a horizon is the later edge of a bin; a landmark is an edge, or before all bins"
            )
        for times in (self.edges, landmarks, horizons):
            if any(later <= earlier for earlier, later in pairwise(times)):
                raise ValueError("edges, landmarks and horizons are in order of time")

    @property
    def bins(self) -> int:
        """Number of bins."""
        return len(self.edges) - 1

    def first_bin(self, landmark: int) -> int:
        """The bin that starts at the landmark, or the first of all where none has begun then."""
        after = self.landmarks[landmark].after_ms
        return 0 if after < self.edges[0] else self.edges.index(after)

    def bin_at(self, elapsed_ms: int) -> int:
        """The bin that an age lies in; -1 before the first, `bins` when all are over."""
        return bisect_right(self.edges, elapsed_ms) - 1

    def bins_until(self, horizon: int) -> int:
        """Number of bins, counted from the first, that end by a horizon."""
        return self.edges.index(self.horizons[horizon].after_ms)


PAYER = Shape(
    edges=(
        0,
        *(HOUR_MS * hours for hours in (1, 6)),
        *(DAY_MS * days for days in (1, 2, 3, 5, 7, 10, 14, 21, 30)),
    ),
    landmarks=LANDMARKS,
    horizons=(Horizon("d1", DAY_MS), Horizon("d7", 7 * DAY_MS), Horizon("d30", 30 * DAY_MS)),
)
"""First payment."""


def bin_outcomes(shape: Shape, landmark: int, happened_after_ms: int | None) -> list[BinOutcome]:
    """What the bins from a landmark on say of an install; None: it never happens.

    Every landmark gets all its later bins, with the features as they were at the landmark. Bins
    learned only from later features could not be predicted at the landmark, where those features
    are not known yet. An install that had paid by the landmark has no outcomes: it is not at risk.

    Events before the first bin do not count: pass the first one that is not before it (ValueError
    otherwise).
    """
    start = max(shape.landmarks[landmark].after_ms, shape.edges[0])
    if happened_after_ms is not None and happened_after_ms < start:
        if happened_after_ms < shape.edges[0] > 0:
            raise ValueError(f"{happened_after_ms} ms after install is before the first bin")
        return []
    last = shape.bins if happened_after_ms is None else shape.bin_at(happened_after_ms)
    survived = range(shape.first_bin(landmark), last)
    found = [BinOutcome(number, False, shape.edges[number + 1]) for number in survived]
    if last < shape.bins:
        found.append(BinOutcome(last, True, shape.edges[last + 1]))
    return found
