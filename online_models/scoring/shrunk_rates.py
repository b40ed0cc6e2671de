"""Shrunk rates: how often installs like this one reached the target; the tier below the models.

Every bin of life has a hazard that all installs share. An app has a factor on it, so has a media
source within the app, and so have source, country and platform together: outcomes over expected
ones, shrunk towards 1 as if `strength` outcomes had come exactly as expected (gamma-Poisson, which
for the small hazards of a bin is beta-binomial; empirical Bayes as in Marshall 1991). Nothing is
forgotten, so rates are hard to mislead.

What was expected at the beginning rests on the declared prior, which may be tenfold off. So what a
cell expected is scaled to what came in all cells of its level: a prior is forgotten within the
first outcomes, and not by factors that then stay.

On top come factors of activity (`activity_rates`), and for which horizons rates answer though a
model scores, since it is not shown to be as good there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from online_models.hazard.bins import PAYER, Shape
from online_models.persistence.arrays import pack_numbers, unpack_columns
from online_models.persistence.envelope import Unusable
from online_models.persistence.layout import Layout
from online_models.scoring.activity_rates import ActivityRates, Factors
from online_models.scoring.summed_hazards import KEPT_MAX, SummedHazards, Used

HAZARD_MAX = 0.5
"""The hazard of a bin is at most this, whatever the factors."""


class RateRules(Struct, frozen=True):
    shape: Shape = PAYER
    prior: float = 0.05  # share that reaches the target in all bins, before anything is learned
    prior_rows: float = 20.0
    """Rows of each bin that the prior counts as: of the usual prior and bins, one outcome."""
    level_strength: float = 2.0
    """Outcomes of all bins at which what came and what the prior expected weigh the same."""
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


class _Cell(Struct):
    seen: float = 0.0
    expected: float = 0.0


_Counted = tuple[_Cell, _Cell, float]
"""A cell, the sums of its level, and the strength with which its factor is shrunk."""


class ShrunkRates:
    """Rates of one target. `learn` is the only way forward; the order of rows hardly matters."""

    def __init__(self, rules: RateRules | None = None) -> None:
        self.rules = rules or RateRules()
        shape = self.rules.shape
        self._usual: float = 1.0 - (1.0 - self.rules.prior) ** (1.0 / shape.bins)
        self._strength_of_level = self.rules.level_strength
        self._of_prior: float = self.rules.prior_rows * self._usual
        self._asked: list[float] = [self.rules.prior_rows] * shape.bins
        self._seen: list[float] = [self.rules.prior_rows * self._usual] * shape.bins
        self._outcomes = 0
        self._cells: dict[Key, _Cell] = {}
        self._levels = [_Cell(), _Cell(), _Cell()]
        """Sums of all cells: of apps, of sources, and of origins."""
        self._known: dict[InstallOrigin, tuple[_Counted, ...]] = {}  # all cells of an origin
        self._summed: SummedHazards | None = None  # None: something was learned since
        self._factors: dict[InstallOrigin, float] = {}  # of origins asked about since then
        self.activity = ActivityRates(shape)
        self.answers: frozenset[str] = frozenset()
        """Horizons for which rates answer, although a model scores."""
        self.rows = 0
        self.refused = 0
        """Rows of cells for which there was no room."""

    def learn(self, origin: InstallOrigin, bin_: int, label: bool) -> float:
        """Learn the outcome of one bin (`bins.bin_outcomes`): one row per install and bin. Returns
        the hazard of the bin before it was learned, but for rounding."""
        hazard = expected = (
            self._seen[bin_] + self._of_prior * (self._level() - 1.0)
        ) / self._asked[bin_]
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
        self._outcomes += label
        self._summed = None
        self.rows += 1
        return min(hazard, HAZARD_MAX)

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
                cell = cells[key] = _Cell()
            found.append((cell, level, strength))
        if len(found) == len(_keys(origin)):
            self._known[origin] = tuple(found)
        return tuple(found)

    def hazard(self, origin: InstallOrigin, bin_: int) -> float:
        """P(event in the bin | none before it)."""
        return min(self._factor(origin) * self._of_bin(bin_), HAZARD_MAX)

    def _of_bin(self, bin_: int) -> float:
        """The hazard that all installs share: outcomes over rows, with the prior's at the level at
        which outcomes came in all bins."""
        of_prior = self._of_prior * (self._level() - 1.0)
        return (self._seen[bin_] + of_prior) / self._asked[bin_]

    def _level(self) -> float:
        """Of outcomes in all bins, over the declared one. A level above counts by half of its
        logarithm: many outcomes early do not say that as many come later."""
        strength = self._strength_of_level
        level = (self._outcomes + strength) / (self._usual * self.rows + strength)
        return level if level <= 1.0 else math.sqrt(level)

    def score(
        self, origin: InstallOrigin, elapsed_ms: int, used: Used | None = None
    ) -> dict[str, float]:
        """P(outcome by the horizon | none by `elapsed_ms`), for each horizon that has not passed.
        `used`: a landmark and the cell of activity that the install was in then.

        There is always an answer. A factor multiplies the hazard summed over time."""
        tables, summed = self.activity.tables, self._summed
        if summed is None or summed.tables is not tables:
            summed = self._summed = self._new_sums(tables)
        factor = self._factors.get(origin)
        if factor is None:
            if len(self._factors) >= KEPT_MAX:
                self._factors.clear()
            factor = self._factors[origin] = self._factor(origin)
        return {
            name: -math.expm1(-factor * total)
            for name, total in summed.until_horizons(elapsed_ms, used)
        }

    def _new_sums(self, tables: Sequence[Sequence[Factors]]) -> SummedHazards:
        self._factors.clear()
        shape = self.rules.shape
        hazards = [min(self._of_bin(bin_), HAZARD_MAX) for bin_ in range(shape.bins)]
        return SummedHazards(shape, hazards, tables, self.activity.later_from)

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


_KEY_LENGTHS = {1, 2, len(InstallOrigin._fields)}


class _Body(Struct, frozen=True, array_like=True, gc=False):
    edges: tuple[int, ...]
    rows: int
    refused: int
    keys: list[list[str]]
    bins: tuple[bytes, bytes]  # little-endian float64: rows and outcomes of each bin
    cells: tuple[bytes, bytes]  # outcomes seen and expected, in the order of the keys
    levels: bytes = b""  # the sums of apps, sources and origins: seen, then expected
    activity: tuple[bytes, ...] = ()  # outcomes seen and expected, by cell of activity
    answers: tuple[str, ...] = ()  # horizons for which rates answer beside a model


RATES_LAYOUT = Layout("rates/1", _Body, "rates")


def dump_rates(rates: ShrunkRates) -> bytes:
    """Everything that `load_rates` needs to go on bit for bit; also what is published."""
    cells = rates._cells
    body = _Body(
        edges=rates.rules.shape.edges,
        rows=rates.rows,
        refused=rates.refused,
        keys=[list(key) for key in cells],
        bins=(pack_numbers(rates._asked), pack_numbers(rates._seen)),
        cells=(
            pack_numbers(cell.seen for cell in cells.values()),
            pack_numbers(cell.expected for cell in cells.values()),
        ),
        levels=pack_numbers(
            [*(one.seen for one in rates._levels), *(one.expected for one in rates._levels)]
        ),
        activity=rates.activity.dump(),
        answers=tuple(sorted(rates.answers)),
    )
    return RATES_LAYOUT.dump(body).content


def load_rates(content: bytes, rules: RateRules) -> ShrunkRates | Unusable:
    """The rates in `content`, going on under `rules`. Nothing in it is trusted."""
    opened = RATES_LAYOUT.load(content)
    if isinstance(opened, Unusable):
        return opened
    body = opened.body
    if body.edges != rules.shape.edges:
        return Unusable("bins are others than those of the target")
    sizes = (rules.shape.bins, rules.shape.bins, len(body.keys), len(body.keys))
    columns = unpack_columns((*body.bins, *body.cells), sizes)
    if isinstance(columns, Unusable):
        return columns
    if any(number < 0.0 for column in columns for number in column):
        return Unusable("counts are negative")
    if min(columns[0]) <= 0.0:
        return Unusable("a bin without rows")
    rates = ShrunkRates(rules)
    rates._asked, rates._seen, seen, expected = (list(column) for column in columns)
    keys = [tuple(key) for key in body.keys]
    if len({*keys}) < len(keys) or not {*map(len, keys)} <= _KEY_LENGTHS:
        return Unusable("a cell occurs twice, or has no key")
    rates._known.clear()
    rates._cells = dict(zip(keys, map(_Cell, seen, expected), strict=True))
    levels = _levels_of(rates._cells, body.levels)
    if isinstance(levels, Unusable):
        return levels
    rates._levels = levels
    unusable = rates.activity.fill(body.activity)
    if unusable is not None:
        return unusable
    rates.answers = frozenset(body.answers)
    rates.rows, rates.refused = body.rows, body.refused
    rates._outcomes = sum(round(one - rates._of_prior) for one in rates._seen)
    return rates


def _levels_of(cells: Mapping[Key, _Cell], stored: bytes) -> list[_Cell] | Unusable:
    """The sums of each level; of bytes that do not have them yet, added up from the cells."""
    if stored:
        columns = unpack_columns((stored,), (6,))
        if isinstance(columns, Unusable):
            return columns
        sums = list(columns[0])
        if any(number < 0.0 for number in sums):
            return Unusable("counts are negative")
        return [_Cell(seen, expected) for seen, expected in zip(sums[:3], sums[3:], strict=True)]
    found = []
    for length in sorted(_KEY_LENGTHS):
        own = [cell for key, cell in cells.items() if len(key) == length]
        found.append(
            _Cell(math.fsum(one.seen for one in own), math.fsum(one.expected for one in own))
        )
    return found
