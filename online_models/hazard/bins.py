"""The life of an install, cut into bins: where it is looked at, and by when an outcome counts.

Time is milliseconds since the install. In each bin an install that has not paid yet pays with
some probability, the bin's hazard. What happened in a bin is known when the bin ends, so that
the model learns of the first hour an hour after the install, not a month later (discrete-time
survival: Cox 1972, section 6; Singer and Willett 1993).
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from online_models.landmarks import DAY_MS, HOUR_MS


class Landmark(NamedTuple):
    """When an install is looked at; what is known before this instant are its features."""

    name: str
    after_ms: int


class Horizon(NamedTuple):
    """By when an outcome counts."""

    name: str
    after_ms: int


class Outcome(NamedTuple):
    """What one bin said of an install: paid in it (True), or survived it."""

    bin: int
    label: bool
    due_after_ms: int
    """The end of the bin, for payers too: earlier, a learner would hear of payers first."""


class Shape(Struct, frozen=True):
    """What is predicted when. Every landmark and horizon is the edge of a bin."""

    edges: tuple[int, ...]
    landmarks: tuple[Landmark, ...]
    horizons: tuple[Horizon, ...]

    def __post_init__(self) -> None:
        landmarks = tuple(landmark.after_ms for landmark in self.landmarks)
        horizons = tuple(horizon.after_ms for horizon in self.horizons)
        if not {*landmarks, *horizons} <= {*self.edges}:
            raise ValueError("every landmark and horizon is the edge of a bin")
        for times in (self.edges, landmarks, horizons):
            if any(later <= earlier for earlier, later in pairwise(times)):
                raise ValueError("edges, landmarks and horizons are in order of time")

    @property
    def bins(self) -> int:
        return len(self.edges) - 1

    def first_bin(self, landmark: int) -> int:
        """The bin that starts at the landmark."""
        return self.edges.index(self.landmarks[landmark].after_ms)

    def bin_at(self, elapsed_ms: int) -> int:
        """The bin that `elapsed_ms` lies in; `bins` when all are over."""
        return bisect_right(self.edges, elapsed_ms) - 1

    def bins_until(self, horizon: int) -> int:
        """How many bins, counted from the install, end by a horizon."""
        return self.edges.index(self.horizons[horizon].after_ms)


PAYER = Shape(
    edges=(
        0,
        *(HOUR_MS * hours for hours in (1, 6)),
        *(DAY_MS * days for days in (1, 2, 3, 5, 7, 10, 14, 21, 30)),
    ),
    landmarks=(
        Landmark("install", 0),
        Landmark("1h", HOUR_MS),
        Landmark("6h", 6 * HOUR_MS),
        Landmark("1d", DAY_MS),
        Landmark("3d", 3 * DAY_MS),
        Landmark("7d", 7 * DAY_MS),
    ),
    horizons=(Horizon("d1", DAY_MS), Horizon("d7", 7 * DAY_MS), Horizon("d30", 30 * DAY_MS)),
)
"""First payment."""


def outcomes(shape: Shape, landmark: int, paid_after_ms: int | None) -> list[Outcome]:
    """What the bins from a landmark on say of an install; None: it never pays.

    Every landmark gets all its later bins, with the features as they were at the landmark. Bins
    learned only from later features could not be predicted at the landmark, where those features
    are not known yet. An install that had paid by the landmark says nothing: it is not at risk.
    """
    start = shape.landmarks[landmark].after_ms
    if paid_after_ms is not None and paid_after_ms < start:
        return []
    last = shape.bins if paid_after_ms is None else shape.bin_at(paid_after_ms)
    survived = range(shape.first_bin(landmark), last)
    said = [Outcome(number, False, shape.edges[number + 1]) for number in survived]
    if last < shape.bins:
        said.append(Outcome(last, True, shape.edges[last + 1]))
    return said
