"""Shrunk rates as bytes: all that it takes to go on bit for bit, and what is published."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from online_models.persistence.arrays import pack_numbers, unpack_columns
from online_models.persistence.envelope import Unusable
from online_models.persistence.layout import Layout
from online_models.scoring.shrunk_rates import InstallOrigin, Key, RateCell, RateRules, ShrunkRates

_KEY_LENGTHS = {1, 2, len(InstallOrigin._fields)}


class _Body(Struct, frozen=True, array_like=True, gc=False):
    edges: tuple[int, ...]
    rows: int
    refused: int
    keys: list[list[str]]
    bins: tuple[bytes, bytes]  # little-endian float64: rows and outcomes of each bin
    cells: tuple[bytes, bytes]  # outcomes seen and expected, in the order of the keys
    levels: bytes = b""  # the sums of apps, sources and origins: seen, then expected
    activity: tuple[bytes, ...] = ()  # rows, outcomes, expected ones and factors of cells; weights
    whole: bytes = b""  # outcomes of all bins, and those that the prior expected


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
        whole=pack_numbers((rates._whole.seen, rates._whole.expected)),
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
    rates._whole = rates._sum_of_bins()
    if body.whole:
        whole = unpack_columns((body.whole,), (2,))
        if isinstance(whole, Unusable):
            return whole
        rates._whole = RateCell(*whole[0])
    keys = [tuple(key) for key in body.keys]
    if len({*keys}) < len(keys) or not {*map(len, keys)} <= _KEY_LENGTHS:
        return Unusable("a cell occurs twice, or has no key")
    rates._known.clear()
    rates._cells = dict(zip(keys, map(RateCell, seen, expected), strict=True))
    levels = _levels_of(rates._cells, body.levels)
    if isinstance(levels, Unusable):
        return levels
    rates._levels = levels
    rates.rows, rates.refused = body.rows, body.refused
    return rates.activity.fill(body.activity) or rates


def _levels_of(cells: Mapping[Key, RateCell], stored: bytes) -> list[RateCell] | Unusable:
    """The sums of each level; of bytes that do not have them yet, added up from the cells."""
    if stored:
        columns = unpack_columns((stored,), (6,))
        if isinstance(columns, Unusable):
            return columns
        sums = list(columns[0])
        if any(number < 0.0 for number in sums):
            return Unusable("counts are negative")
        return [RateCell(seen, expected) for seen, expected in zip(sums[:3], sums[3:], strict=True)]
    found = []
    for length in sorted(_KEY_LENGTHS):
        own = [cell for key, cell in cells.items() if len(key) == length]
        found.append(
            RateCell(math.fsum(one.seen for one in own), math.fsum(one.expected for one in own))
        )
    return found
