"""When the revenue of an install is predicted, learned and counted. Times: ms since the install."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from online_models.hazard.bins import Horizon
from online_models.scoring.landmarks import LANDMARKS
from schemas.time import DAY_MS


class Part(NamedTuple):
    """A part of the life of an install: ages from `begin_ms` on, before `end_ms`."""

    begin_ms: int
    end_ms: int


def _parts(*days: int) -> tuple[Part, ...]:
    edges = [day * DAY_MS for day in days]
    return tuple(Part(begin, end) for begin, end in pairwise(edges))


VALUE_BUCKETS = _parts(0, 1, 7, 30, 90)
"""Each bucket has a model of its own, which learns when the bucket ends. The expected revenue by a
horizon is a sum over buckets, so it never falls from one horizon to the next."""

VALUE_STEPS = _parts(0, 1, 7, 14, 30, 45, 60, 90)
"""Steps of the growth of cohorts: finer than buckets, so that day 90 can be predicted before it."""

AMOUNT_HORIZONS = tuple(Horizon(f"d{days}", days * DAY_MS) for days in (7, 30, 90))

_AFTER_MS = tuple(landmark.after_ms for landmark in LANDMARKS)
_ENDS = tuple(bucket.end_ms for bucket in VALUE_BUCKETS)
_BUCKET_ENDING_WITH = tuple(
    _ENDS.index(step.end_ms) if step.end_ms in _ENDS else None for step in VALUE_STEPS
)


def bucket_ending_with(step: int) -> int | None:
    """The bucket whose amounts are known when the step ends."""
    return _BUCKET_ENDING_WITH[step]


def first_bucket(landmark: int) -> int:
    """The bucket that the landmark lies in or begins."""
    return next(number for number, end in enumerate(_ENDS) if end > _AFTER_MS[landmark])


def rows_of(step: int) -> tuple[int, ...]:
    """Landmarks of the rows that are due when the step ends; () where no bucket ends."""
    bucket = _BUCKET_ENDING_WITH[step]
    if bucket is None:
        return ()
    return tuple(mark for mark, after in enumerate(_AFTER_MS) if after < _ENDS[bucket])


def share_left(bucket: int, landmark: int) -> float:
    """Share of the bucket's time that is after the landmark."""
    begin, end = VALUE_BUCKETS[bucket]
    return (end - max(begin, min(_AFTER_MS[landmark], end))) / (end - begin)


def paid_features(spent: float, payments: int) -> dict[str, float]:
    """Features of payments before the landmark; none where there were no payments."""
    if payments <= 0:
        return {}
    return {"spent": math.log1p(max(spent, 0.0)), "payments": math.log1p(payments)}
