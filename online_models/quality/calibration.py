"""Calibration of predicted chances: online, in bounded memory.

Predictions are counted in narrow cells of log odds. Bins of about equal mass, the expected
calibration error (Naeini et al. 2015, with equal-mass bins as in Nixon et al. 2019) and the area
under the ROC curve follow from the counts at any time. A few fixed thresholds, as in many online
metrics, misread the area where hardly anything is likely; cells of log odds do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_CELLS = 2048
LOGIT_SPAN = 14.0
"""Cells are 0.014 wide and reach from 8e-7 to 1 - 8e-7; what is beyond is in the outermost."""

_BINS = 15


class ReliabilityBin(NamedTuple):
    """Predictions in [lower, upper): how many, and the means of predictions and outcomes."""

    lower: float
    upper: float
    rows: int
    predicted: float
    observed: float


class Reliability:
    """Predicted probabilities beside outcomes: 0 or 1, or the true probability where it is known.
    The order of adding matters only for rounding."""

    def __init__(self) -> None:
        self._rows = np.zeros(_CELLS, np.int64)
        self._predicted = np.zeros(_CELLS)
        self._observed = np.zeros(_CELLS)

    @property
    def rows(self) -> int:
        return int(self._rows.sum())

    @property
    def ratio(self) -> float:
        """Sum of predictions over sum of outcomes; NaN without any outcome."""
        observed = float(self._observed.sum())
        return float(self._predicted.sum()) / observed if observed > 0.0 else math.nan

    def add(self, predicted: float, outcome: float) -> None:
        self.add_many([predicted], [outcome])

    def add_many(self, predicted: ArrayLike, outcomes: ArrayLike) -> None:
        """ValueError if one of them is not a probability: it must not be left out silently."""
        y_pred, y_true = np.asarray(predicted, float), np.asarray(outcomes, float)
        if y_pred.shape != y_true.shape or not (_are_probable(y_pred) and _are_probable(y_true)):
            raise ValueError("there must be as many outcomes as predictions, all between 0 and 1")
        cells = _cells_of(y_pred)
        self._rows += np.bincount(cells, minlength=_CELLS)
        self._predicted += np.bincount(cells, y_pred, _CELLS)
        self._observed += np.bincount(cells, y_true, _CELLS)

    def table(self, bins: int = _BINS) -> list[ReliabilityBin]:
        """Up to `bins` bins of about equal mass: a cell is never divided."""
        filled = np.flatnonzero(self._rows)
        if not len(filled):
            return []
        rows = self._rows[filled]
        counted = np.cumsum(rows)
        of = ((counted - rows / 2) * bins / counted[-1]).astype(np.int64)
        starts = [0, *(np.flatnonzero(of[1:] != of[:-1]) + 1).tolist()]
        ends = [*starts[1:], len(filled)]
        y_pred, y_true = self._predicted[filled], self._observed[filled]
        cells, passed = filled.tolist(), [0, *counted.tolist()]
        return [
            _bin_of(
                (cells[start], cells[end - 1] + 1),
                passed[end] - passed[start],
                _sum(y_pred[start:end]),
                _sum(y_true[start:end]),
            )
            for start, end in zip(starts, ends, strict=True)
        ]

    def ece(self, bins: int = _BINS) -> float:
        """Mean distance between predicted and observed, over all rows; NaN without rows."""
        return ece_of(self.table(bins))

    def auc(self) -> float:
        """Area under the ROC curve: how often a random positive has a higher prediction than a
        random negative; NaN unless there are both."""
        positives = self._observed
        negatives = self._rows - positives
        below = np.cumsum(negatives) - negatives / 2
        pairs = float(positives.sum()) * float(negatives.sum())
        return float(np.dot(positives, below)) / pairs if pairs > 0.0 else math.nan


def ece_of(table: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error of a table that is made already; NaN of an empty one."""
    missed = math.fsum(one.rows * abs(one.predicted - one.observed) for one in table)
    return missed / sum(one.rows for one in table) if table else math.nan


def _bin_of(cells: tuple[int, int], rows: int, predicted: float, observed: float) -> ReliabilityBin:
    """A bin of the cells from the first of `cells` to before the second, by its sums."""
    first, end = cells
    return ReliabilityBin(
        lower=_edge(first),
        upper=_edge(end),
        rows=rows,
        predicted=predicted / rows,
        observed=observed / rows,
    )


def _sum(numbers: NDArray[np.float64]) -> float:
    return float(np.add.reduce(numbers))


def _are_probable(numbers: NDArray[np.float64]) -> bool:
    return bool(((numbers >= 0.0) & (numbers <= 1.0)).all())


def _cells_of(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    with np.errstate(divide="ignore"):
        log_odds = np.log(probabilities) - np.log1p(-probabilities)
    scaled = (np.clip(log_odds, -LOGIT_SPAN, LOGIT_SPAN) + LOGIT_SPAN) * (_CELLS / (2 * LOGIT_SPAN))
    cells: NDArray[np.int64] = np.minimum(scaled.astype(np.int64), _CELLS - 1)
    return cells


def _edge(cell: int) -> float:
    """Where a cell begins, as a probability; the outermost reach to 0 and 1."""
    if cell in (0, _CELLS):
        return float(cell > 0)
    return 1.0 / (1.0 + math.exp(LOGIT_SPAN - cell * (2 * LOGIT_SPAN / _CELLS)))
