"""Calibrates scores of pairs: a conditional logit over the candidates of one install and "none of
them" (McFadden, 1974)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RIDGE = 0.5
"""Strength of the prior of the calibration (slope 1, crowding 1, null 0), as a number of
installs."""

NEWTON_STEPS_MAX = 50
"""Newton's method converges in fewer than ten steps; the limit only guarantees an end."""

_TOLERANCE = 1e-7
"""A step that is shorter ends the search."""

_DIGITS = 4
"""The calibration is rounded, so that it does not depend on how a machine sums."""

_START = np.array([1.0, 1.0, 0.0])  # slope, crowding, null

_Numbers = NDArray[np.float64]
_Indexes = NDArray[np.int64]


class Choice(NamedTuple):
    """The scores of all candidates of one install, and the index of the right one."""

    scores: Sequence[float]
    right: int | None  # None: none of them


def fit_choices(choices: Iterable[Choice]) -> tuple[float, float, float]:
    """Slope, crowding and null of a pair model, by Newton's method; the likelihood is concave, so
    there is one maximum. Every install has at least one candidate."""
    table = _table(choices)
    at, best = _START, _likelihood(_START, table)
    for _ in range(NEWTON_STEPS_MAX if len(table.starts) else 0):
        step = _newton_step(at, table)
        while (reached := _likelihood(at + step, table)) < best and np.abs(step).max() > _TOLERANCE:
            step = step / 2.0  # It went too far: from far away the likelihood is no parabola.
        at, best = at + step, reached
        if np.abs(step).max() <= _TOLERANCE:
            break
    slope, crowding, null = (round(float(one), _DIGITS) for one in at)
    return slope, crowding, null


class _Table(NamedTuple):
    rows: _Numbers  # slope, crowding and null of every alternative
    starts: _Indexes  # where the alternatives of each install begin
    sizes: _Indexes
    chosen: _Indexes  # row of the right alternative of each install


def _likelihood(at: _Numbers, table: _Table) -> float:
    logits = table.rows @ at
    top = np.maximum.reduceat(logits, table.starts) if len(logits) else logits
    weights = np.exp(logits - np.repeat(top, table.sizes))
    total = np.add.reduceat(weights, table.starts) if len(logits) else logits
    found = (logits[table.chosen] - top - np.log(total)).sum()
    return float(found - 0.5 * RIDGE * ((at - _START) ** 2).sum())


def _newton_step(at: _Numbers, table: _Table) -> _Numbers:
    rows, starts, sizes, chosen = table
    logits = rows @ at
    weights = np.exp(logits - np.repeat(np.maximum.reduceat(logits, starts), sizes))
    shares = weights / np.repeat(np.add.reduceat(weights, starts), sizes)
    mean = np.add.reduceat(rows * shares[:, None], starts)
    spread = rows - np.repeat(mean, sizes, axis=0)
    gradient = RIDGE * (_START - at) + (rows[chosen] - mean).sum(axis=0)
    curvature = RIDGE * np.eye(3) + (spread * shares[:, None]).T @ spread
    return np.linalg.solve(curvature, gradient)


def _table(choices: Iterable[Choice]) -> _Table:
    scores: list[float] = []
    is_none: list[float] = []
    sizes: list[int] = []
    right: list[int] = []
    for choice in choices:
        begin, size = len(scores), len(choice.scores)
        scores += [*choice.scores, 0.0]
        is_none += [0.0] * size + [1.0]
        sizes.append(size + 1)
        right.append(begin + (size if choice.right is None else choice.right))
    lengths = np.array(sizes, np.int64)
    crowd = -np.repeat(np.log(np.maximum(lengths - 1, 1)), lengths) * (1.0 - np.array(is_none))
    rows = np.column_stack([np.array(scores), crowd, np.array(is_none)])
    return _Table(rows, np.cumsum(lengths) - lengths, lengths, np.array(right, np.int64))
