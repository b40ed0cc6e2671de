"""What anybody could say without the product: each day anew, from what was known when it began.

All answers are tables, day × landmark × cell of activity. Before anything is known, one in a
hundred is taken to pay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from online_models.hazard.bins import PAYER
from online_models.scoring.activity_cells import ACTIVITY_CELLS, BUSY_STEPS, QUIET_STEPS
from schemas.time import DAY_MS
from streams.lab.evaluation.payer.payer_log import JUDGED_HORIZONS
from streams.lab.evaluation.served.known_counts import LANDMARK_COUNT, KnownCounts, summed
from streams.lab.simulator.draws import FloatColumn, IntColumn

_PRIOR_SHARE = 0.01
_PRIOR_ROWS = 50.0
_TABLE_STRENGTH = 5.0
"""Payers of a cell at which actual and expected ones weigh the same."""
_RIDGE = 1.0
_NEWTON_STEPS = 3
_STEP_MAX = 2.0

_EDGES_D: FloatColumn = np.array(PAYER.edges) / DAY_MS
_LENGTHS_D: FloatColumn = np.diff(_EDGES_D)
_MIDDLES_D: FloatColumn = (_EDGES_D[1:] + _EDGES_D[:-1]) / 2
_FIRST_BIN: IntColumn = np.array([PAYER.first_bin(one) for one in range(LANDMARK_COUNT)])
_ALL_CELLS: IntColumn = np.arange(ACTIVITY_CELLS)


@dataclass(frozen=True, slots=True)
class BaselineTables:
    """Chances by name of the baseline: day × landmark × cell, or 1 where cells do not matter."""

    chances: dict[str, FloatColumn]

    def answer(
        self, name: str, day: IntColumn, landmark: IntColumn, cell: IntColumn
    ) -> FloatColumn:
        """One chance per row."""
        table = self.chances[name]
        return np.asarray(table[day, landmark, cell if table.shape[2] > 1 else 0])


def baseline_tables(bins: KnownCounts, ends: KnownCounts, horizon: str) -> BaselineTables:
    """Of one horizon: from counts of bins, and from those of the horizon that is over."""
    until = PAYER.edges.index(JUDGED_HORIZONS[horizon])
    constant = _constant(ends)
    return BaselineTables(
        {
            "constant": constant[:, :, None],
            "kaplan_meier": _kaplan_meier(bins, until)[:, :, None],
            "recency_sessions": _recency_sessions(ends, constant),
            "hazard_regression": _hazard_regression(bins, until),
        }
    )


def _constant(ends: KnownCounts) -> FloatColumn:
    """The share so far of those who paid, by landmark."""
    rows = summed(ends.rows, ends.landmark, LANDMARK_COUNT)
    payers = summed(ends.payers, ends.landmark, LANDMARK_COUNT)
    return (payers + _PRIOR_SHARE * _PRIOR_ROWS) / (rows + _PRIOR_ROWS)


def _kaplan_meier(bins: KnownCounts, until: int) -> FloatColumn:
    """The hazards of all bins from the landmark to the horizon, whoever the install is."""
    of_install = np.where(bins.landmark == 0, 1.0, 0.0)
    rows = summed(bins.rows * of_install, bins.bin, PAYER.bins)
    payers = summed(bins.payers * of_install, bins.bin, PAYER.bins)
    prior = _PRIOR_SHARE / PAYER.bins
    hazard = (payers + prior * _PRIOR_ROWS) / (rows + _PRIOR_ROWS)
    stays = np.log1p(-np.minimum(hazard, 0.5))
    return np.stack([-np.expm1(stays[:, first:until].sum(axis=1)) for first in _FIRST_BIN], axis=1)


def _recency_sessions(ends: KnownCounts, constant: FloatColumn) -> FloatColumn:
    """25 cells at each landmark, shrunk to the landmark's share."""
    cells = ACTIVITY_CELLS // BUSY_STEPS
    key = ends.landmark * cells + ends.cell // BUSY_STEPS
    shape = (len(constant), LANDMARK_COUNT, cells)
    rows = summed(ends.rows, key, LANDMARK_COUNT * cells).reshape(shape)
    payers = summed(ends.payers, key, LANDMARK_COUNT * cells).reshape(shape)
    factor = (payers + _TABLE_STRENGTH) / (rows * constant[:, :, None] + _TABLE_STRENGTH)
    return np.asarray((constant[:, :, None] * factor)[:, :, _ALL_CELLS // BUSY_STEPS])


def _hazard_regression(bins: KnownCounts, until: int) -> FloatColumn:
    """Poisson regression of payers per day of life on age and activity, fitted anew every day."""
    known = _design(bins.landmark, bins.bin, bins.cell)
    exposure = bins.rows * _LENGTHS_D[bins.bin]
    days, found = len(bins.rows), []
    asked, lengths = _asked(until)
    weights = np.zeros(known.shape[1])
    weights[0] = start = np.log(_PRIOR_SHARE / 7)
    for day in range(days):
        for _ in range(_NEWTON_STEPS):
            weights = weights + _newton(known, exposure[day], bins.payers[day], weights, start)
        hazards = lengths * np.exp(np.clip(asked @ weights, -25.0, 2.0))
        found.append(-np.expm1(-hazards.sum(axis=2)))
    return np.stack(found)


def _newton(
    known: FloatColumn,
    exposure: FloatColumn,
    payers: FloatColumn,
    weights: FloatColumn,
    start: float,
) -> FloatColumn:
    """One bounded step towards the most likely weights, which are shrunk towards the start."""
    mean = exposure * np.exp(np.clip(known @ weights, -25.0, 2.0))
    away = weights.copy()
    away[0] -= start
    slope = known.T @ (payers - mean) - _RIDGE * away
    curve = (known.T * mean) @ known + _RIDGE * np.eye(len(weights))
    return np.asarray(np.clip(np.linalg.solve(curve, slope), -_STEP_MAX, _STEP_MAX))


def _asked(until: int) -> tuple[FloatColumn, FloatColumn]:
    """Rows of every landmark, cell and bin; and the days of each bin that lie ahead."""
    landmark, cell, number = np.meshgrid(
        np.arange(LANDMARK_COUNT), _ALL_CELLS, np.arange(PAYER.bins), indexing="ij"
    )
    rows = _design(landmark.ravel(), number.ravel(), cell.ravel()).reshape(*landmark.shape, -1)
    is_ahead = (number >= _FIRST_BIN[landmark]) & (number < until)
    return rows, np.where(is_ahead, _LENGTHS_D[number], 0.0)


def _design(landmark: IntColumn, number: IntColumn, cell: IntColumn) -> FloatColumn:
    """Eleven numbers: age, how long ago the landmark is, and activity until it."""
    age = np.log(_MIDDLES_D[number] + 0.02)
    since = np.log(np.maximum(_MIDDLES_D[number] - _EDGES_D[_FIRST_BIN[landmark]], 0.0) + 0.02)
    often = cell // BUSY_STEPS // QUIET_STEPS
    quiet, busy = cell // BUSY_STEPS % QUIET_STEPS, cell % BUSY_STEPS
    is_later = landmark > 0
    silent = (quiet == QUIET_STEPS - 1) & is_later
    columns = (
        np.ones(len(cell)), age, age**2, since, is_later, often * 0.5, busy * 0.5, silent,
        np.where(silent | ~is_later, 0, quiet) * 0.5, is_later * age, often * 0.5 * since,
    )  # fmt: skip
    return np.stack(columns, axis=1).astype(float)
