"""How good expected amounts are: their order, their level in each decile, and their total.

Order alone says little of a value model: notably wrong ones rank customers nearly as well as right
ones (Wang, Liu and Miao 2019, section 4). All three are needed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

DECILES = 10


def normalised_gini(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Of what came, how much came where most was expected: 1 the order of what came, 0 any order.

    Equal predictions share their rank. NaN where nothing came, or everywhere the same.
    """
    said, came = _columns(predicted, actual)
    best = _concentration(came, came)
    return _concentration(said, came) / best if best > 0.0 else math.nan


def decile_mape(predicted: ArrayLike, actual: ArrayLike, deciles: int = DECILES) -> float:
    """Mean over deciles by prediction: how far the expected total is from what came, over what
    came; 1 where nothing came but something was expected. NaN without rows."""
    said, came = _columns(predicted, actual)
    order = np.argsort(said, kind="stable")
    missed = [
        _missed(float(said[part].sum()), float(came[part].sum()))
        for part in np.array_split(order, deciles)
        if len(part)
    ]
    return math.fsum(missed) / len(missed) if missed else math.nan


def total_ratio(predicted: ArrayLike, actual: ArrayLike) -> float:
    """All that was expected over all that came; NaN where nothing came."""
    said, came = _columns(predicted, actual)
    total = float(came.sum())
    return float(said.sum()) / total if total > 0.0 else math.nan


def _missed(said: float, came: float) -> float:
    if came > 0.0:
        return abs(said - came) / came
    return float(said > 0.0)


def _concentration(said: NDArray[np.float64], came: NDArray[np.float64]) -> float:
    """Covariance of amounts with ranks, up to a factor (Lerman and Yitzhaki 1984)."""
    if not len(said):
        return 0.0
    _, group, sizes = np.unique(said, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    rank = (ends - (sizes - 1) / 2)[group.reshape(-1)]
    return float(np.dot(rank - rank.mean(), came))


def _columns(
    predicted: ArrayLike, actual: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ValueError when one of them is not a number: it would be wrong to leave it out."""
    said, came = np.asarray(predicted, float), np.asarray(actual, float)
    if said.shape != came.shape or not (np.isfinite(said).all() and np.isfinite(came).all()):
        raise ValueError("as many amounts as predictions expected, all of them numbers")
    return said.reshape(-1), came.reshape(-1)
