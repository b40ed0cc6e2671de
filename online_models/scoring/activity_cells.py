"""Cells of activity: how often, how recently and how busily an install was used until a landmark.

Few numbers say most of what activity says of payments (recency and frequency: Fader, Hardie and Lee
2005), and they need no weights: a cell has a rate. A cell is read from the counts of an install
where it is scored, and from its frozen features where it is learned; both give the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from online_models.features.features import ActivityBucket
from online_models.hazard.encoding import Encoder
from online_models.hazard.packed import AtLandmark, unpacked
from online_models.hazard.rules import Places
from online_models.scoring.landmarks import LANDMARKS

SESSION_STEPS = (1, 2, 4, 8)
EVENT_STEPS = (1, 4, 16)
QUIET_STEPS = 5
"""How many landmarks ago the last activity was, the last step for none at all."""

BUSY_STEPS = len(EVENT_STEPS) + 1
ACTIVITY_CELLS = (len(SESSION_STEPS) + 1) * QUIET_STEPS * BUSY_STEPS

_LOG_MAX = 20.0
_NOTHING, _SESSIONS, _EVENTS, _NEWEST = 0, 1, 2, 3
"""What a slot says; from `_NEWEST` on, which landmark the last activity came before."""


def activity_cell(buckets: Sequence[ActivityBucket], landmark: int) -> int:
    """The cell at a landmark after the install, by what was counted in the buckets until there."""
    sessions = events = newest = 0
    for number, bucket in enumerate(buckets, start=1):
        sessions += bucket.sessions
        events += bucket.events
        if bucket.sessions or bucket.events:
            newest = number
    quiet = min(landmark - newest, QUIET_STEPS - 2) if newest else QUIET_STEPS - 1
    often = bisect_right(SESSION_STEPS, sessions)
    return (often * QUIET_STEPS + quiet) * BUSY_STEPS + bisect_right(EVENT_STEPS, events)


class CellReader:
    """Reads cells from frozen features, which are hashed as `slots` and `seed` say."""

    def __init__(self, slots: int, seed: int) -> None:
        encoder = Encoder(slots, seed)
        self._kinds: NDArray[np.int8] = np.zeros(slots + 1, np.int8)  # The last is for all others.
        for number, landmark in enumerate(LANDMARKS[1:], start=1):
            name = landmark.name
            named = [f"sessions@{name}", f"events@{name}"]
            named += [f"active@{name}={newest}" for newest in range(number + 1)]
            for kind, slot in enumerate(encoder.slots_of(named), start=_SESSIONS):
                self._kinds[slot] = kind

    def cells(self, snapshots: Sequence[AtLandmark]) -> Places:
        """Of each snapshot; what has no activity among its features is taken for never used."""
        rows = unpacked([(one.slots, one.values) for one in snapshots])
        kinds = self._kinds[np.minimum(rows.slots, len(self._kinds) - 1)]
        (known,) = np.nonzero(kinds)
        own, row = kinds[known], np.searchsorted(rows.starts, known, side="right") - 1
        found = np.zeros((3, len(snapshots)))
        counted = own < _NEWEST
        values = np.expm1(np.clip(rows.values[known[counted]], 0.0, _LOG_MAX))
        found[own[counted] - _SESSIONS, row[counted]] = np.nan_to_num(values)
        found[2, row[~counted]] = own[~counted] - _NEWEST
        sessions, events, newest = np.rint(found)
        mark = np.array([one.landmark for one in snapshots], np.int64)
        # A name of another landmark may share a slot: its activity would be ahead.
        recent = np.clip(mark - newest, 0, QUIET_STEPS - 2)
        quiet = np.where(newest > 0, recent, QUIET_STEPS - 1).astype(np.int64)
        often = np.searchsorted(SESSION_STEPS, sessions, side="right")
        busy = np.searchsorted(EVENT_STEPS, events, side="right")
        cells: Places = (often * QUIET_STEPS + quiet) * BUSY_STEPS + busy
        return cells
