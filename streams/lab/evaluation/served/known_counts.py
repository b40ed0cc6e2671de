"""What was known of payers at the beginning of each day, counted by landmark and activity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from online_models.hazard.bins import PAYER
from online_models.scoring.activity_cells import (
    ACTIVITY_CELLS,
    EVENT_STEPS,
    QUIET_STEPS,
    SESSION_STEPS,
)
from schemas.time import DAY_MS
from streams.lab.evaluation.payer.history import PayerHistory
from streams.lab.evaluation.replay.occasions import Occasions
from streams.lab.evaluation.replay.world_features import NamedFeatures
from streams.lab.simulator.draws import BoolColumn, FloatColumn, IntColumn

LANDMARK_COUNT = len(PAYER.landmarks)
_FIRST_BIN: IntColumn = np.array([PAYER.first_bin(number) for number in range(LANDMARK_COUNT)])


@dataclass(frozen=True, slots=True)
class KnownCounts:
    """Rows and payers of each kind, known before each day: day × kind."""

    landmark: IntColumn  # of each kind
    bin: IntColumn  # of each kind; 0 where labels are of a horizon
    cell: IntColumn  # of each kind
    rows: FloatColumn
    payers: FloatColumn


def activity_cells(own: PayerHistory) -> IntColumn:
    """Install × landmark: steps of sessions, of quiet and of events, in one number."""
    installs = len(own.decided.installs)
    known = [
        [_activity(own.features.at(install, landmark), landmark) for landmark in _LANDMARKS]
        for install in range(installs)
    ]
    sessions, events, newest = np.array(known, float).reshape(installs, LANDMARK_COUNT, 3).T
    ages = np.arange(LANDMARK_COUNT)[:, None]
    quiet = np.where(newest > 0, np.minimum(ages - newest, QUIET_STEPS - 2), QUIET_STEPS - 1)
    often = np.searchsorted(SESSION_STEPS, np.rint(np.expm1(sessions)), side="right")
    busy = np.searchsorted(EVENT_STEPS, np.rint(np.expm1(events)), side="right")
    found = (often * QUIET_STEPS + quiet.astype(np.int64)) * (len(EVENT_STEPS) + 1) + busy
    return np.ascontiguousarray(found.T)


_LANDMARKS = range(LANDMARK_COUNT)


def _activity(features: NamedFeatures, landmark: int) -> tuple[float, float, float]:
    """Logarithms of sessions and events, and the number of the newest bucket with activity."""
    name = PAYER.landmarks[landmark].name
    newest = next((one for one in range(landmark, 0, -1) if f"active@{name}={one}" in features), 0)
    return features.get(f"sessions@{name}", 0.0), features.get(f"events@{name}", 0.0), newest


def counted_bins(own: PayerHistory, cells: IntColumn, days: int) -> KnownCounts:
    """Outcomes of bins, of installs as they were at each landmark before."""
    bins = own.log.bins
    row, landmark = np.nonzero(bins.which[:, None] >= _FIRST_BIN)
    return _counted(own, cells, days, (bins, row, landmark, bins.which[row]))


def counted_horizon(own: PayerHistory, cells: IntColumn, days: int, horizon: str) -> KnownCounts:
    """Outcomes of a horizon that is over, of installs as they were at each landmark."""
    ends = own.log.horizons[horizon]
    row = np.arange(len(ends.time))
    return _counted(own, cells, days, (ends, row, ends.which, np.zeros(len(row), np.int64)))


def _counted(
    own: PayerHistory,
    cells: IntColumn,
    days: int,
    learned: tuple[Occasions, IntColumn, IntColumn, IntColumn],
) -> KnownCounts:
    occasions, row, landmark, number = learned
    day = (occasions.time[row] - own.begin_ms) // DAY_MS + 1  # It is known on the next day.
    in_time: BoolColumn = day < days
    row, landmark, number, day = row[in_time], landmark[in_time], number[in_time], day[in_time]
    cell = cells[occasions.install[row], landmark]
    kind = (landmark * PAYER.bins + number) * ACTIVITY_CELLS + cell
    kinds, where = np.unique(kind, return_inverse=True)
    place, size = day * len(kinds) + where, days * len(kinds)
    rows = np.bincount(place, minlength=size).reshape(days, -1)
    payers = np.bincount(place, occasions.label[row], minlength=size).reshape(days, -1)
    return KnownCounts(
        landmark=kinds // ACTIVITY_CELLS // PAYER.bins,
        bin=kinds // ACTIVITY_CELLS % PAYER.bins,
        cell=kinds % ACTIVITY_CELLS,
        rows=np.cumsum(rows, axis=0).astype(float),
        payers=np.cumsum(payers, axis=0).astype(float),
    )


def summed(of_kind: FloatColumn, key: IntColumn, size: int) -> FloatColumn:
    """Day × kind summed to day × key."""
    days = len(of_kind)
    place = np.arange(days)[:, None] * size + key
    total = np.bincount(place.ravel(), of_kind.ravel(), minlength=days * size)
    return np.asarray(total.reshape(days, size))
