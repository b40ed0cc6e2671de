"""Makes the rows of erased people anonymous, table by table.

A row is written again with anonymous ids, at the same place of the log, and then the old one is
deleted: ids stand in sort keys, which no update may change. A crash in between leaves both rows,
and the next run deletes the old one before it does anything else: of two rows at one position the
one with more anonymous columns is the later. Nothing is lost, and nothing counts twice once a run
has ended.

A deletion is told to the engine by positions alone. The engine keeps its text, which must not hold
the key of the anonymous ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streams.store.base import Store
from streams.store.erasure.anonymous_ids import AnonymousSql
from streams.store.erasure.erased_list import list_statements
from streams.store.erasure.rewrites import Rewrite, Rewrites
from streams.store.tables import INSERTED_AT, TABLES

_POSITION = "log_epoch, log_partition, log_offset"


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """What one run did with one table."""

    table: str
    rows: int


def erase_rows(
    store: Store, secret: bytes, advance: Callable[[str], None] = lambda _: None
) -> Iterator[ErasedRows]:
    """Make all rows of erased people anonymous; can be stopped anywhere, and run again.

    `advance` is called with the name of each table before it.
    """
    ids = AnonymousSql(secret)
    advance("privacy_erased")
    for statement in list_statements(ids):
        store.execute(f"{statement} {_UNLOGGED}")
    for rewrite in Rewrites(ids).all():
        advance(rewrite.table)
        yield ErasedRows(rewrite.table, _rewrite_rows(store, rewrite))


_UNLOGGED = "SETTINGS log_queries = 0"


def _rewrite_rows(store: Store, rewrite: Rewrite) -> int:
    rows = _delete_replaced(store, rewrite)  # Left by a run that was stopped.
    names = [*(one.name for one in TABLES[rewrite.table].all_columns), INSERTED_AT]
    values = ", ".join(rewrite.columns.get(name, name) for name in names)
    store.execute(
        f"INSERT INTO {rewrite.table} ({', '.join(names)}) SELECT {values}"
        f" FROM {rewrite.table} WHERE {rewrite.condition} {_UNLOGGED}"
    )
    return rows + _delete_replaced(store, rewrite)


def _delete_replaced(store: Store, rewrite: Rewrite) -> int:
    """Delete every row of which the same position has one that names less; how many."""
    table, rank = rewrite.table, rewrite.rank
    best = f"SELECT {_POSITION}, max({rank}) FROM {table} WHERE {rank} > 0 GROUP BY {_POSITION}"
    replaced = (
        f"({_POSITION}) IN (SELECT {_POSITION} FROM {table} WHERE {rank} > 0)"
        f" AND ({_POSITION}, {rank}) NOT IN ({best})"
    )
    rows = int(store.query(f"SELECT count() FROM {table} WHERE {replaced}").rows[0][0])
    if rows:
        store.execute(f"ALTER TABLE {table} DELETE WHERE {replaced} SETTINGS mutations_sync = 2")
    return rows
