"""Shrunk rates: how often installs like this one reached the target; the tier below the models.

Every bin of life has a hazard that all installs share. An app has a factor on it, so has a media
source within the app, and so have source, country and platform together: outcomes over expected
ones, shrunk towards 1 as if `strength` outcomes had come exactly as expected (gamma-Poisson, which
for the small hazards of a bin is beta-binomial; empirical Bayes as in Marshall 1991). Nothing is
forgotten, so rates are hard to mislead.

What was expected at the beginning rests on the declared prior, which may be tenfold off. So what a
cell expected is scaled to what came in all cells of its level: a prior is forgotten within the
first outcomes, and not by factors that then stay.

From the first landmark after the install on, what was done until then has a factor as well
(`activity_rates`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from online_models.hazard.bins import PAYER, Shape
from online_models.hazard.rules import Numbers
from online_models.scoring.activity_cells import NO_CELL
from online_models.scoring.activity_rates import ActivityRates, ActivityRows

HAZARD_MAX = 0.5
"""The hazard of a bin is at most this, whatever the factors."""


class RateRules(Struct, frozen=True):
    shape: Shape = PAYER
    prior: float = 0.05
    """Share that reaches the target in all bins together, before anything is learned."""
    prior_rows: float = 20.0
    """Rows of each bin that the prior counts as: of the usual prior and bins, one outcome."""
    strength: float = 20.0
    """Outcomes of a cell at which actual and expected ones weigh the same."""
    app_strength: float = 2.0
    """The same of an app: apps differ by more than sources and countries do."""
    cells_max: int = 50_000
    """Cells with a factor of their own. Later ones share that of the cell above."""


class InstallOrigin(NamedTuple):
    """App, media source, country and platform of an install."""

    app: str
    source: str
    country: str
    platform: str


Key = tuple[str, ...]
"""An app; an app and a source; or all four fields of an origin."""


class RateCell(Struct):
    """Outcomes of installs of one kind, and those that were expected."""

    seen: float = 0.0
    expected: float = 0.0


_Counted = tuple[RateCell, RateCell, float]
"""A cell, the sums of its level, and the strength with which its factor is shrunk."""


class ShrunkRates:
    """Rates of one target. `learn` is the only way forward; the order of rows hardly matters."""

    def __init__(self, rules: RateRules | None = None) -> None:
        self.rules = rules or RateRules()
        shape = self.rules.shape
        hazard: float = 1.0 - (1.0 - self.rules.prior) ** (1.0 / shape.bins)
        self._prior = self.rules.prior_rows * hazard  # outcomes
        self._asked = [self.rules.prior_rows] * shape.bins
        self._seen = [self._prior] * shape.bins
        self._whole = RateCell()
        """Outcomes of all bins, and those that the prior expected."""
        self._cells: dict[Key, RateCell] = {}
        self._levels = [RateCell(), RateCell(), RateCell()]
        """Sums of all cells: of apps, of sources, and of origins."""
        self._known: dict[InstallOrigin, tuple[_Counted, ...]] = {}  # all cells of an origin
        self._ends = [
            (horizon.name, horizon.after_ms, shape.bins_until(number))
            for number, horizon in enumerate(shape.horizons)
        ]
        self.activity = ActivityRates(shape)
        self._sums: dict[tuple[int, int], list[float]] = {}  # by landmark and cell of activity
        self.rows = 0
        self.refused = 0
        """Rows of cells for which there was no room."""

    def learn(self, origin: InstallOrigin, bin_: int, label: bool) -> float:
        """Learn the outcome of one bin (`bins.bin_outcomes`): one row per install and bin. Returns
        the hazard of the bin before it was learned, but for rounding."""
        hazard = expected = self._base(bin_)
        for cell, level, strength in self._known.get(origin) or self._cells_of(origin):
            scale = (level.seen + 1.0) / (level.expected + 1.0)
            hazard *= (cell.seen + strength) / (cell.expected * scale + strength)
            cell.seen += label
            cell.expected += expected
            level.seen += label
            level.expected += expected
            expected *= (cell.seen + strength) / (cell.expected * scale + strength)
        self._asked[bin_] += 1.0
        self._seen[bin_] += label
        self._whole.seen += label
        self._whole.expected += self._prior / self.rules.prior_rows
        self._sums.clear()
        self.rows += 1
        return min(hazard, HAZARD_MAX)

    def learn_activity(self, rows: ActivityRows, hazards: Numbers) -> Numbers:
        """Learn the same outcomes as seen from landmarks: one row for each before the bin.
        `hazards`: what `learn` returned. Returns hazards by rates and activity, before these rows
        were learned."""
        self._sums.clear()
        expected = -np.log1p(-np.minimum(hazards, HAZARD_MAX))
        answered: Numbers = -np.expm1(-self.activity.learn(rows, expected))
        return answered

    def _cells_of(self, origin: InstallOrigin) -> tuple[_Counted, ...]:
        """The cells of an origin, new ones if there is room. A new cell has a factor of 1."""
        cells, found = self._cells, list[_Counted]()
        for key, level, strength in zip(
            _keys(origin), self._levels, self._strengths(), strict=True
        ):
            cell = cells.get(key)
            if cell is None:
                if len(cells) >= self.rules.cells_max:
                    self.refused += 1
                    continue
                cell = cells[key] = RateCell()
            found.append((cell, level, strength))
        if len(found) == len(_keys(origin)):
            self._known[origin] = tuple(found)
        return tuple(found)

    def hazard(self, origin: InstallOrigin, bin_: int) -> float:
        """P(event in the bin | none before it)."""
        return min(self._factor(origin) * self._base(bin_), HAZARD_MAX)

    def _base(self, bin_: int) -> float:
        """The hazard that all installs share. What the prior says of bins of which little is known
        is scaled to what all bins showed."""
        whole = self._whole
        scale = (whole.seen + 1.0) / (whole.expected + 1.0)
        return (self._seen[bin_] + self._prior * (scale - 1.0)) / self._asked[bin_]

    def _sum_of_bins(self) -> RateCell:
        """As learned since the prior."""
        bins, rows = self.rules.shape.bins, self.rules.prior_rows
        asked = math.fsum(self._asked) - rows * bins
        return RateCell(math.fsum(self._seen) - self._prior * bins, asked * self._prior / rows)

    def score(
        self, origin: InstallOrigin, elapsed_ms: int, landmark: int = 0, cell: int = NO_CELL
    ) -> dict[str, float]:
        """P(outcome by the horizon | none by `elapsed_ms`), for each horizon that has not passed.
        `cell`: of activity until the landmark, where that is known.

        There is always an answer. Hazards are proportional: a factor multiplies the hazard summed
        over time.
        """
        at = (landmark, cell)
        sums = self._sums.get(at) or self._summed(at)
        factor, start = self._factor(origin), self._sum_at(sums, elapsed_ms)
        return {
            name: -math.expm1(-factor * (sums[end] - start))
            for name, after_ms, end in self._ends
            if after_ms > elapsed_ms
        }

    def _summed(self, at: tuple[int, int]) -> list[float]:
        """Minus the log of survival until each edge, for a factor of 1 of the origin."""
        landmark, cell = at
        factors = [1.0] * self.rules.shape.bins
        if cell != NO_CELL:
            factors = self.activity.factors[landmark, cell].tolist()
        sums = self._sums[at] = [0.0]
        for number, factor in enumerate(factors):
            sums.append(sums[-1] - factor * math.log1p(-min(self._base(number), HAZARD_MAX)))
        return sums

    def _sum_at(self, sums: list[float], elapsed_ms: int) -> float:
        """A bin that has begun counts for the part that is left of it."""
        shape = self.rules.shape
        number = shape.bin_at(elapsed_ms)
        if number < 0:
            return 0.0
        if number >= shape.bins:
            return sums[-1]
        begin, end = shape.edges[number], shape.edges[number + 1]
        return sums[number] + (sums[number + 1] - sums[number]) * (elapsed_ms - begin) / (
            end - begin
        )

    def _factor(self, origin: InstallOrigin) -> float:
        factor = 1.0
        for key, level, strength in zip(
            _keys(origin), self._levels, self._strengths(), strict=True
        ):
            cell = self._cells.get(key)
            if cell is not None:
                scale = (level.seen + 1.0) / (level.expected + 1.0)
                factor *= (cell.seen + strength) / (cell.expected * scale + strength)
        return factor

    def _strengths(self) -> tuple[float, float, float]:
        rules = self.rules
        return rules.app_strength, rules.strength, rules.strength


def _keys(origin: InstallOrigin) -> tuple[Key, Key, Key]:
    return (origin[:1], origin[:2], origin)
