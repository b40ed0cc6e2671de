"""How good expected amounts are: their order, their level by decile, and their total.

Order alone says little of a value model: notably wrong ones rank customers nearly as well as right
ones (Wang, Liu and Miao 2019, section 4). All three are needed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

DECILES = 10


def normalised_gini(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Gini coefficient of actual amounts in the order of predictions, over that in their own order:
    1 is a perfect order, 0 a random one.

    Equal predictions share their rank. NaN where all actual amounts are 0, or all are the same.
    """
    y_pred, y_true = _columns(predicted, actual)
    best = _concentration(y_true, y_true)
    return _concentration(y_pred, y_true) / best if best > 0.0 else math.nan


def decile_mape(predicted: ArrayLike, actual: ArrayLike, deciles: int = DECILES) -> float:
    """Mean absolute percentage error of totals over deciles by prediction, as a share; a decile
    counts as 1 where the actual total is 0 and the expected is not. NaN without rows."""
    y_pred, y_true = _columns(predicted, actual)
    order = np.argsort(y_pred, kind="stable")
    missed = [
        _missed(float(y_pred[part].sum()), float(y_true[part].sum()))
        for part in np.array_split(order, deciles)
        if len(part)
    ]
    return math.fsum(missed) / len(missed) if missed else math.nan


def total_ratio(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Total expected over total paid; NaN where nothing was paid."""
    y_pred, y_true = _columns(predicted, actual)
    total = float(y_true.sum())
    return float(y_pred.sum()) / total if total > 0.0 else math.nan


def _missed(y_pred: float, y_true: float) -> float:
    if y_true > 0.0:
        return abs(y_pred - y_true) / y_true
    return float(y_pred > 0.0)


def _concentration(y_pred: NDArray[np.float64], y_true: NDArray[np.float64]) -> float:
    """Covariance of amounts with ranks, up to a factor (Lerman and Yitzhaki 1984)."""
    if not len(y_pred):
        return 0.0
    _, group, sizes = np.unique(y_pred, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    rank = (ends - (sizes - 1) / 2)[group.reshape(-1)]
    return float(np.dot(rank - rank.mean(), y_true))


def _columns(
    predicted: ArrayLike, actual: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ValueError if one of them is not a number: the caller must not leave out rows silently."""
    y_pred, y_true = np.asarray(predicted, float), np.asarray(actual, float)
    if y_pred.shape != y_true.shape or not (
        np.isfinite(y_pred).all() and np.isfinite(y_true).all()
    ):
        raise ValueError("there must be as many amounts as predictions, all of them finite")
    return y_pred.reshape(-1), y_true.reshape(-1)
