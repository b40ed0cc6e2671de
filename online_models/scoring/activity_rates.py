"""What activity until a landmark says of the bins after it: factors on the rates of an install.

Each cell of activity, landmark and bin has rows, outcomes, and the hazard summed over time that
rates expected of these rows. The factor of a cell is log-linear in how often and how recently the
install was used, and in how long ago the landmark is: a regression of few parameters, shrunk
towards 1, which follows from these sums alone (ridge, by Newton's method, fitted again after many
rows). What a cell shows beyond that is shrunk in turn towards the regression (gamma-Poisson).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from online_models.hazard.bins import Shape
from online_models.hazard.rules import Numbers, Places
from online_models.persistence.arrays import unpack_columns
from online_models.persistence.envelope import Unusable
from online_models.scoring.activity_cells import ACTIVITY_CELLS, NO_CELL, RECENCY_STEPS
from schemas.time import DAY_MS

ACTIVITY_RIDGE = 40.0
"""As if each weight had been seen to be 0 by so many outcomes."""

CELL_STRENGTH = 50.0
"""Outcomes of a cell at which it and the regression weigh the same."""

LOG_FACTOR_MAX = 3.0
"""Factors stay within e to the power of this."""

FITTED_EVERY = 5000
"""Rows after which the regression is fitted again."""

_STEPS = 2
_STEP_MAX = 1.0
_SOON_DAYS = 0.02


class ActivityRows(NamedTuple):
    """Outcomes of bins as seen from landmarks, one element per row."""

    landmarks: Places
    cells: Places  # `NO_CELL` at the install itself
    bins: Places
    labels: Numbers


class ActivityRates:
    """The sums of one target, and the factors that follow from them."""

    def __init__(self, shape: Shape) -> None:
        size = (len(shape.landmarks), ACTIVITY_CELLS, shape.bins)
        self.rows = np.zeros(size)
        self.seen = np.zeros(size)
        self.expected = np.zeros(size)
        self._known = _known(shape)
        self.weights = np.zeros(self._known.shape[1])
        self.factors = np.ones(size)
        """Landmark × cell × bin, as fitted last."""

    def learn(self, rows: ActivityRows, expected: Numbers) -> Numbers:
        """Learn the rows. `expected`: by rates, hazards summed over the time of the bin. Returns
        the same times the factors before anything of these rows was learned."""
        at = (rows.landmarks, np.maximum(rows.cells, 0), rows.bins)
        has_cell = rows.cells != NO_CELL
        answered = np.where(has_cell, expected * self.factors[at], expected)
        before = int(self.rows.sum())
        place = np.ravel_multi_index(at, self.rows.shape)[has_cell]
        for sums, more in (
            (self.rows, None),
            (self.seen, rows.labels[has_cell]),
            (self.expected, expected[has_cell]),
        ):
            np.add.at(sums.reshape(-1), place, 1.0 if more is None else more)
        after = before + int(np.count_nonzero(has_cell))
        if after // FITTED_EVERY > before // FITTED_EVERY:
            for _ in range(_STEPS):
                self._step()
            self.factors = self._found()
        return answered

    def dump(self) -> tuple[bytes, ...]:
        """All that `fill` needs to go on bit for bit."""
        arrays = (self.rows, self.seen, self.expected, self.factors, self.weights)
        return tuple(one.astype("<f8", copy=False).tobytes() for one in arrays)

    def fill(self, stored: tuple[bytes, ...]) -> Unusable | None:
        """Go on from what was stored; from nothing, if the build that stored it knew no cells."""
        if not stored:
            return None
        if len(stored) != len(self.dump()):
            return Unusable(f"{len(stored)} arrays of activity")
        size = self.rows.size
        columns = unpack_columns(stored, (size, size, size, size, len(self.weights)))
        if isinstance(columns, Unusable):
            return columns
        *sums, weights = (np.array(column) for column in columns)
        if any((one < 0.0).any() for one in sums):
            return Unusable("counts of activity are negative")
        shaped = [one.reshape(self.rows.shape) for one in sums]
        self.rows, self.seen, self.expected, self.factors = shaped
        self.weights = weights
        return None

    def _step(self) -> None:
        """One bounded step of the regression. Chances are 1 - exp(-mean) of the mean of a row."""
        rows, seen, expected = (one.ravel() for one in (self.rows, self.seen, self.expected))
        used = np.flatnonzero(rows)
        if not len(used):
            return
        known, count = self._known[used], rows[used]
        mean = np.maximum(expected[used] / count, 1e-12) * self._of_weights(known)
        odds = mean / -np.expm1(-mean)
        slope = (
            known.T @ (odds * (seen[used] + count * np.expm1(-mean)))
            - ACTIVITY_RIDGE * self.weights
        )
        weight = count * mean * odds * np.exp(-mean)
        curve = (known.T * weight) @ known + ACTIVITY_RIDGE * np.eye(len(self.weights))
        self.weights += np.clip(np.linalg.solve(curve, slope), -_STEP_MAX, _STEP_MAX)

    def _of_weights(self, known: Numbers) -> Numbers:
        found: Numbers = np.exp(np.clip(known @ self.weights, -LOG_FACTOR_MAX, LOG_FACTOR_MAX))
        return found

    def _found(self) -> Numbers:
        factors = self._of_weights(self._known).reshape(self.rows.shape)
        seen = self.seen.sum(axis=2, keepdims=True)
        expected = (self.expected * factors).sum(axis=2, keepdims=True)
        factors *= (seen + CELL_STRENGTH) / (expected + CELL_STRENGTH)
        return factors


@lru_cache(maxsize=16)
def _known(shape: Shape) -> Numbers:
    """What the regression knows of each landmark, cell and bin; a row for each."""
    edges, ages = np.array(shape.edges), np.array([one.after_ms for one in shape.landmarks])
    mark, cell, number = np.meshgrid(
        np.arange(len(ages)), np.arange(ACTIVITY_CELLS), np.arange(shape.bins), indexing="ij"
    )
    middles = (edges[:-1] + edges[1:]) / 2
    days = np.maximum(middles[number] - ages[mark], 0.0) / DAY_MS
    since = np.log(days + _SOON_DAYS)
    often, steps = cell // RECENCY_STEPS * 0.5, cell % RECENCY_STEPS
    silent = (steps == RECENCY_STEPS - 1).astype(float)
    quiet = np.where(silent > 0, 0, steps) * 0.5
    columns = [often, quiet, silent, since, often * since, silent * since]
    columns += [(mark == one).astype(float) for one in range(1, len(ages))]
    return np.stack([one.ravel() for one in columns], axis=1)
