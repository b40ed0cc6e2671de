"""Cells of activity: how often, how recently and how busily an install was used until a landmark.

Few numbers say most of what activity says of payments (recency and frequency: Fader, Hardie and Lee
2005), and they need no weights: a cell has a rate. A cell is read from the counts of an install
where it is scored, and from its frozen features where it is learned; both give the same.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np

from online_models.features.features import ActivityBucket
from online_models.hazard.encoding import Encoder
from online_models.hazard.packed import AtLandmark
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
    return _cell(sessions, quiet, events)


_KEPT_MAX = 4096


class CellReader:
    """Reads cells from frozen features, which are hashed as `slots` and `seed` say. What was added
    since the install is the same for many installs, and is read once."""

    def __init__(self, slots: int, seed: int) -> None:
        self._read: dict[tuple[bytes, bytes, int], int] = {}
        self._kinds: dict[int, int] = {}  # of slots
        encoder = Encoder(slots, seed)
        for number, landmark in enumerate(LANDMARKS[1:], start=1):
            name = landmark.name
            named = [f"sessions@{name}", f"events@{name}"]
            named += [f"active@{name}={newest}" for newest in range(number + 1)]
            for kind, slot in enumerate(encoder.slots_of(named), start=_SESSIONS):
                self._kinds[int(slot)] = kind

    def cells(self, snapshots: Iterable[AtLandmark]) -> Places:
        """Of each snapshot; what has no activity among its features is taken for never used."""
        read, found = self._read, list[int]()
        for snapshot in snapshots:
            landmark = snapshot.landmark
            if not landmark:  # Nothing is known of use at the install.
                found.append(_NEVER_USED)
                continue
            key = snapshot.slots, snapshot.values, landmark
            cell = read.get(key)
            if cell is None:
                if len(read) >= _KEPT_MAX:
                    read.clear()
                cell = read[key] = self._cell_of(*key)
            found.append(cell)
        cells: Places = np.array(found, np.int64)
        return cells

    def _cell_of(self, slots: bytes, values: bytes, landmark: int) -> int:
        size = len(slots) // 4 if len(slots) == len(values) and not len(slots) % 4 else 0
        sessions = events = newest = 0
        numbers = struct.unpack_from(f"<{size}I", slots)
        for slot, value in zip(numbers, struct.unpack_from(f"<{size}f", values), strict=True):
            kind = self._kinds.get(slot, _NOTHING)
            if kind == _SESSIONS:
                sessions = _count_of(value)
            elif kind == _EVENTS:
                events = _count_of(value)
            elif kind:
                newest = kind - _NEWEST
        # A name of another landmark may share a slot: its activity would be ahead.
        recent = min(max(landmark - newest, 0), QUIET_STEPS - 2)
        quiet = recent if newest else QUIET_STEPS - 1
        return _cell(sessions, quiet, events)


def _count_of(value: float) -> int:
    return round(math.expm1(min(value, _LOG_MAX))) if value > 0.0 else 0


def _cell(sessions: int, quiet: int, events: int) -> int:
    often, busy = bisect_right(SESSION_STEPS, sessions), bisect_right(EVENT_STEPS, events)
    return (often * QUIET_STEPS + quiet) * BUSY_STEPS + busy


_NEVER_USED = _cell(0, QUIET_STEPS - 1, 0)
