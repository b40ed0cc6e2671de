"""Every figure of every view, without the columns that name people.

Of those only the number of different names is a figure. Sums of binary fractions depend on the
order of their rows in the last digits, which any merge changes too: they count as equal within
1e-12 of their value, and how many are not equal bit for bit is told.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from streams.store.base import Store
from streams.store.erasure.anonymous_ids import AnonymousSql
from streams.store.erasure.rewrites import Rewrites

_EQUAL_WITHIN = 1e-12
_VIEWS = """
SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' ORDER BY name
"""
_COLUMNS = """
SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {view}
ORDER BY position
"""
OF_THE_RUN = frozenset({"v_table_retention"})
"""Views of the store itself, whose rows are those of its tables and the run."""


DERIVED = frozenset({"install_conversion_id"})
"""Columns of views that name people and are called otherwise than those of tables."""
EMPTIED = frozenset(
    {"candidates", "contributors", "detail", "device_model", "key", "message_key", "payload"}
)
"""Columns of which nothing is left: no figures."""


class ViewFigures(NamedTuple):
    """What one view says."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    names: Sequence[tuple[str, int]]  # columns that name people, and how many different ones


class Difference(NamedTuple):
    """A column of a view that says something else."""

    view: str
    column: str
    unequal: int
    example: str


def view_figures(store: Store, only: Collection[str] = ()) -> dict[str, ViewFigures]:
    """What the views say; `only`: these."""
    rewritten = {name for one in Rewrites(AnonymousSql(b"any")).all() for name in one.columns}
    personal = (rewritten | DERIVED) - EMPTIED
    found = {}
    for (view,) in store.query(_VIEWS).rows:
        if view in OF_THE_RUN or (only and view not in only):
            continue
        known = [name for (name,) in store.query(_COLUMNS, {"view": view}).rows]
        columns = [name for name in known if name not in EMPTIED]
        kept = [name for name in columns if name not in personal]
        named = [name for name in columns if name in personal]
        rows = (
            store.query(f"SELECT {', '.join(kept)} FROM {view} ORDER BY ALL").rows if kept else []
        )
        counted = [f"uniqExact({name})" for name in named]
        counts = store.query(f"SELECT {', '.join(counted)} FROM {view}").rows[0] if named else []
        found[view] = ViewFigures(kept, rows, list(zip(named, map(int, counts), strict=True)))
    return found


def differences(
    before: dict[str, ViewFigures], after: dict[str, ViewFigures]
) -> tuple[list[Difference], int]:
    """Columns that say something else, and how many fractions are equal but for the last digits."""
    found, last_digits = list[Difference](), 0
    for view, one in before.items():
        other = after[view]
        for (name, count), (_, again) in zip(one.names, other.names, strict=True):
            if count != again:
                found.append(Difference(view, name, 1, f"{count} -> {again} different"))
        if len(one.rows) != len(other.rows):
            found.append(Difference(view, "rows", 1, f"{len(one.rows)} -> {len(other.rows)}"))
            continue
        for number, column in enumerate(one.columns):
            pairs = [(a[number], b[number]) for a, b in zip(one.rows, other.rows, strict=True)]
            unequal = [pair for pair in pairs if not _is_same(*pair)]
            last_digits += sum(repr(a) != repr(b) for a, b in pairs) - len(unequal)
            if unequal:
                example = f"{unequal[0][0]!r} -> {unequal[0][1]!r}"
                found.append(Difference(view, column, len(unequal), example))
    return found, last_digits


def _is_same(one: Any, other: Any) -> bool:
    flat, also = list(_flat(one)), list(_flat(other))
    return len(flat) == len(also) and all(map(_is_equal, flat, also))


def _is_equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return math.isclose(one, other, rel_tol=_EQUAL_WITHIN, abs_tol=_EQUAL_WITHIN)
    return type(one) is type(other) and bool(one == other)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            yield key
            yield from _flat(value[key])
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _flat(one)
    else:
        yield value
