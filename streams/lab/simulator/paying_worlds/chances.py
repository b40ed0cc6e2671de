"""Draws and probabilities that the worlds share: exact sums over the types of people."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from schemas.time import DAY_MS
from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.lab.simulator.paying_worlds.lives import NEVER_PAYS
from streams.lab.simulator.paying_worlds.steps import (
    AT_HORIZON,
    AT_LANDMARK,
    EDGES_MS,
    HORIZON_MS,
    MIDDLES_MS,
)

_TABLE_END = 8.0
_TABLE_X = np.linspace(-_TABLE_END, _TABLE_END, 16_001)
_TABLE = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in _TABLE_X.tolist()])
_COUNT_MAX = 60


def normal_grid(size: int) -> FloatColumn:
    """Equally likely values that stand for a standard normal one."""
    return np.array([NormalDist().inv_cdf((number + 0.5) / size) for number in range(size)])


def normal_cdf(x: FloatColumn) -> FloatColumn:
    """The standard normal distribution, to 1e-7. It is part of the definition of the worlds."""
    return np.asarray(np.interp(x, _TABLE_X, _TABLE))


def poisson(share: FloatColumn, mean: FloatColumn) -> IntColumn:
    """Poisson counts at quantiles `share`. Each takes one uniform number, whatever the mean."""
    count = np.zeros(share.shape, np.int64)
    chance = np.exp(-mean)
    below = chance
    for number in range(1, _COUNT_MAX + 1):
        is_more = share > below
        if not is_more.any():
            break
        count += is_more
        chance = chance * mean / number
        below = below + chance
    return count


def picked(share: FloatColumn, chances: FloatColumn) -> IntColumn:
    """Which of the columns of `chances`, which sum to 1 in each row, lies at each quantile."""
    edges = np.cumsum(chances, axis=1)[:, :-1]
    return np.asarray((share[:, None] > edges).sum(axis=1), np.int64)


def paid_at(share: FloatColumn, survival: FloatColumn) -> IntColumn:
    """When survival falls below `share`: ms since the install; NEVER_PAYS: not by the last edge.

    Rows of `survival` are its values at the edges of the steps; between them it is a line.
    """
    step = (survival > share[:, None]).sum(axis=1) - 1
    is_never = step >= survival.shape[1] - 1
    step = np.minimum(step, survival.shape[1] - 2)
    row = np.arange(len(share))
    before, after = survival[row, step], survival[row, step + 1]
    part = (before - share) / np.maximum(before - after, 1e-300)
    length = EDGES_MS[step + 1] - EDGES_MS[step]
    time = EDGES_MS[step] + np.minimum((part.clip(0, 1) * length).astype(np.int64), length - 1)
    return np.where(is_never, NEVER_PAYS, time)


class Answers(NamedTuple):
    evidence: FloatColumn
    chance: FloatColumn
    left_d: FloatColumn


class Futures(NamedTuple):
    """What happens to each type that a person may be: install × type × step, or edge."""

    paid: FloatColumn  # chance to pay in the step
    survival: FloatColumn  # chance to reach the edge neither paid nor gone

    @classmethod
    def of_survival(cls, survival: FloatColumn) -> Futures:
        """Where only paying ends a life."""
        return cls(survival[:, :, :-1] - survival[:, :, 1:], survival)


def answers(log_weight: FloatColumn, evidence: FloatColumn, futures: Futures) -> Answers:
    """What can be known: averages over types, weighted by how well each fits.

    `log_weight` (install × type × landmark) is the log of prior times likelihood of the activity
    and of not having paid. `evidence` is the log of its sum, with types added that never pay.
    """
    weight = np.exp(log_weight - evidence[:, None])
    paid, survival = futures
    shape = (len(survival), len(AT_LANDMARK), len(AT_HORIZON))
    chance, left_d = np.full(shape, np.nan), np.full(shape, np.nan)
    for landmark, start in enumerate(AT_LANDMARK):
        alive = weight[:, :, landmark] / np.maximum(survival[:, :, start], 1e-300)
        for horizon, end in enumerate(AT_HORIZON):
            if end <= start:
                continue
            left = (HORIZON_MS[horizon] - MIDDLES_MS[start:end]) / DAY_MS
            there = paid[:, :, start:end]
            chance[:, landmark, horizon] = (alive * there.sum(axis=2)).sum(axis=1)
            left_d[:, landmark, horizon] = (alive * (there @ left)).sum(axis=1)
    return Answers(evidence, chance, left_d)


def log_sum(log_weight: FloatColumn) -> FloatColumn:
    """Log of the sum over axis 1."""
    top = log_weight.max(axis=1)
    return np.asarray(top + np.log(np.exp(log_weight - top[:, None]).sum(axis=1)))
