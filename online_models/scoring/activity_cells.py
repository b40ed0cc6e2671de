"""Cells of activity: how often an install was used until a landmark, and how long ago last.

The same cell is found from counts, when an install is scored, and from packed features, when what
became of it is learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from online_models.features.features import ActivityBucket, activity_until
from online_models.hazard.encoding import Encoder
from online_models.hazard.packed import AtLandmark, unpacked
from online_models.hazard.rules import Places
from online_models.scoring.landmarks import LANDMARKS

OFTEN_STEPS = (1, 2, 4, 8)
"""Sessions, or in-app events where none are reported, from which each step begins."""

RECENCY_STEPS = 5
"""How many landmarks ago the latest activity was; the last step: there was none at all."""

ACTIVITY_CELLS = (len(OFTEN_STEPS) + 1) * RECENCY_STEPS

NO_CELL = -1
"""At the install itself, before anything can have been done."""

_SESSIONS, _EVENTS, _NEWEST = 1, 2, 3


def activity_cell(landmark: int, buckets: Sequence[ActivityBucket]) -> int:
    """The cell of an install at a landmark. `buckets`: of its activity, up to that landmark."""
    sessions = events = newest = 0
    for number, bucket in enumerate(buckets, start=1):
        sessions += bucket.sessions
        events += bucket.events
        if bucket.sessions or bucket.events:
            newest = number
    often = sum(step <= (sessions or events) for step in OFTEN_STEPS)
    quiet = min(landmark - newest, RECENCY_STEPS - 2) if newest else RECENCY_STEPS - 1
    return often * RECENCY_STEPS + quiet if landmark else NO_CELL


def activity_cells_of(snapshots: Sequence[AtLandmark], slots: int, seed: int) -> Places:
    """The cell of each snapshot, from its features as an `Encoder` of this size packed them."""
    codes = _codes(slots, seed)
    landmarks = np.array([one.landmark for one in snapshots], np.int64)
    starts, own, values = unpacked([(one.slots, one.values) for one in snapshots])
    found = codes[np.minimum(own, slots)]
    kept = np.flatnonzero(found)
    row = np.searchsorted(starts, kept, side="right") - 1
    code, value = found[kept], np.expm1(np.nan_to_num(np.clip(values[kept], 0.0, 10.0)))
    counts = np.zeros((len(snapshots), _NEWEST + 1))
    for which in (_SESSIONS, _EVENTS):
        counts[row[code == which], which] = np.rint(value[code == which])
    is_newest = code >= _NEWEST
    counts[row[is_newest], _NEWEST] = code[is_newest] - _NEWEST
    often = np.where(counts[:, _SESSIONS] > 0, counts[:, _SESSIONS], counts[:, _EVENTS])
    newest = counts[:, _NEWEST].astype(np.int64)
    quiet = np.clip(landmarks - newest, 0, RECENCY_STEPS - 2)
    quiet = np.where(newest > 0, quiet, RECENCY_STEPS - 1)
    steps = np.searchsorted(OFTEN_STEPS, often, side="right")
    return np.where(landmarks > 0, steps * RECENCY_STEPS + quiet, NO_CELL)


@lru_cache(maxsize=4)
def _codes(slots: int, seed: int) -> NDArray[np.int8]:
    """By slot, what a feature says of activity; 0: nothing. The last: slots out of range."""
    codes = np.zeros(slots + 1, np.int8)
    encoder = Encoder(slots, seed)
    for number, landmark in enumerate(LANDMARKS[1:], start=1):
        for newest in range(number + 1):
            buckets = [ActivityBucket(int(one == newest)) for one in range(1, number + 1)]
            names = list(activity_until(landmark.name, buckets))[:3]
            codes[encoder.slots_of(names)] = (_SESSIONS, _EVENTS, _NEWEST + newest)
    return codes
