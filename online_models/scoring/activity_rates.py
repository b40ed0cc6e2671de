"""Factors of activity on shrunk rates: what use until a landmark says of the bins after it.

How often and how recently an install was used has a factor at each landmark, and how busily another
one on top: outcomes over expected ones, shrunk towards 1 as if `strength` outcomes had come exactly
as expected. The strength is learned: it is one over the variance of factors, estimated by moments
from all cells (empirical Bayes: Clayton and Kaldor 1987). Where use says nothing, factors are 1.
Bins of the first week have factors of their own, since what use says fades.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from online_models.hazard.bins import Shape
from online_models.hazard.rules import Numbers, Places
from online_models.persistence.arrays import pack_numbers, unpack_columns
from online_models.persistence.envelope import Unusable
from online_models.scoring.activity_cells import ACTIVITY_CELLS, BUSY_STEPS
from online_models.scoring.landmarks import LANDMARKS
from schemas.time import DAY_MS

_LATER_MS = 7 * DAY_MS
_HALVES = 2
_SIZES = (ACTIVITY_CELLS // BUSY_STEPS, BUSY_STEPS)
_PRIOR_VARIANCE = 0.1
_PRIOR_SQUARES = 100.0
"""The variance of factors starts as if four cells of five outcomes each had shown the prior one."""
_STRENGTH_MIN, _STRENGTH_MAX = 2.0, 1_000.0

Factors = tuple[float, float]
"""Of the bins of the first week that are left, and of those after it."""
NO_FACTORS: Factors = (1.0, 1.0)


class ActivityRates:
    """Of one target. `learn` is the only way forward."""

    def __init__(self, shape: Shape) -> None:
        self._half: Places = np.array([int(edge >= _LATER_MS) for edge in shape.edges[:-1]])
        grid = (len(LANDMARKS), _HALVES)
        self._seen = [np.zeros((*grid, size)) for size in _SIZES]
        self._expected = [np.zeros((*grid, size)) for size in _SIZES]
        self._tables: list[list[Factors]] | None = None
        self.later_from = int((self._half == 0).sum())
        """The first bin that is not of the first week."""

    def learn(
        self, at: tuple[Places, Places, Places], expected: Numbers, labels: Numbers
    ) -> Numbers:
        """Learn rows. `at`: landmark, cell and bin of each; `expected`: its hazard by all that is
        known but use; `labels`: 1.0 or 0.0. Returns the factor of each before any was learned."""
        landmark, cell, number = at
        block = landmark * _HALVES + self._half[number]
        product: Numbers = np.ones(len(expected))
        parts = (cell // BUSY_STEPS, cell % BUSY_STEPS)
        for part, size, seen, known in zip(parts, _SIZES, self._seen, self._expected, strict=True):
            place = block * size + part
            factors = _shrunk(seen, known).ravel()[place]
            seen += np.bincount(place, labels, seen.size).reshape(seen.shape)
            known += np.bincount(place, expected * product, known.size).reshape(known.shape)
            product = product * factors
        self._tables = None
        return product

    @property
    def tables(self) -> list[list[Factors]]:
        """Factors by landmark and cell: the same list until something is learned."""
        tables = self._tables
        if tables is None:
            tables = self._tables = self._made_tables()
        return tables

    def factors(self, landmark: int, cell: int) -> Factors:
        """For an install in this cell at a landmark."""
        return self.tables[landmark][cell]

    def _made_tables(self) -> list[list[Factors]]:
        often, busy = (
            _shrunk(seen, known) for seen, known in zip(self._seen, self._expected, strict=True)
        )
        both = (often[:, :, :, None] * busy[:, :, None, :]).reshape(
            len(LANDMARKS), _HALVES, ACTIVITY_CELLS
        )
        return [[*zip(*halves, strict=True)] for halves in both.tolist()]

    def dump(self) -> tuple[bytes, ...]:
        """Little-endian float64: outcomes and expected ones of each part."""
        return tuple(pack_numbers(one.ravel().tolist()) for one in self._columns())

    def fill(self, stored: Sequence[bytes]) -> Unusable | None:
        """Go on from dumped columns; none: nothing was learned of use yet."""
        if not stored:
            return None
        own = self._columns()
        if len(stored) != len(own):
            return Unusable(f"{len(stored)} columns of activity instead of {len(own)}")
        columns = unpack_columns(tuple(stored), tuple(one.size for one in own))
        if isinstance(columns, Unusable):
            return columns
        if any(number < 0.0 for column in columns for number in column):
            return Unusable("counts are negative")
        for known, column in zip(own, columns, strict=True):
            known[:] = np.array(column).reshape(known.shape)
        self._tables = None
        return None

    def _columns(self) -> list[Numbers]:
        return [*self._seen, *self._expected]


def _shrunk(seen: Numbers, expected: Numbers) -> Numbers:
    """Landmark × half × cell. At the install itself nothing is known of use."""
    scale = (seen.sum(axis=2) + 1.0) / (expected.sum(axis=2) + 1.0)
    usual = expected * scale[:, :, None]
    more = ((seen - usual) ** 2 - usual).sum(axis=(0, 2)) + _PRIOR_VARIANCE * _PRIOR_SQUARES
    variance = more / ((usual**2).sum(axis=(0, 2)) + _PRIOR_SQUARES)
    strength = 1.0 / np.clip(variance, 1.0 / _STRENGTH_MAX, 1.0 / _STRENGTH_MIN)
    factors: Numbers = (seen + strength[:, None]) / (usual + strength[:, None])
    factors[0] = 1.0
    return factors
