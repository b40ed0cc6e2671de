"""How the life of an install is divided in the paying worlds. Times are ms since the install."""

from __future__ import annotations

import numpy as np

from online_models.hazard.bins import PAYER
from schemas.time import DAY_MS, HOUR_MS
from streams.lab.simulator.draws import IntColumn

LANDMARK_NAMES = tuple(landmark.name for landmark in PAYER.landmarks)
LANDMARK_MS: IntColumn = np.array([landmark.after_ms for landmark in PAYER.landmarks])
ACTIVITY_BUCKETS = len(LANDMARK_NAMES) - 1
"""Activity is counted between landmarks."""

HORIZON_NAMES = ("d1", "d7", "d30", "d90")
HORIZON_MS: IntColumn = np.array([days * DAY_MS for days in (1, 7, 30, 90)])

EDGES_MS: IntColumn = np.array(
    [hours * HOUR_MS for hours in (0, 1, 6)]
    + [half_days * DAY_MS // 2 for half_days in range(1, 14)]
    + [days * DAY_MS for days in (*range(7, 30), *range(30, 91, 5))]
)
"""Rates change at these edges only, so that the truth is a finite sum."""

LIFE_STEPS = len(EDGES_MS) - 1
MIDDLES_MS: IntColumn = (EDGES_MS[1:] + EDGES_MS[:-1]) // 2
LENGTHS_D = (EDGES_MS[1:] - EDGES_MS[:-1]) / DAY_MS
AT_LANDMARK: IntColumn = np.searchsorted(EDGES_MS, LANDMARK_MS)
"""Index of the edge at each landmark; and below, at each horizon."""
AT_HORIZON: IntColumn = np.searchsorted(EDGES_MS, HORIZON_MS)
