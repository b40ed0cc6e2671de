"""Looks into a store that no worker has open; each call in a process of its own.

`python -m tests.chaos.audit accounts RECEIVED`, `... rows TABLE` and `... digest -`, for
HEADWATER_DATA. A process that has chdb open must not start others, so the harness itself never
opens a store.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from streams.settings import read_settings
from streams.store.base import Store
from streams.store.digest import compared_when_converged, converged_digest
from streams.store.reconcile import reconcile
from streams.store.tables import TABLES, Table
from streams.wiring.store import stored
from tests.chaos.installation import run_json

SHOWN = 3


def accounts(environ: Mapping[str, str], received: int) -> dict[str, Any]:
    """reconciled, faults, and stored_twice: rows whose log position another row has, too."""
    return _ask(environ, "accounts", str(received))


def digest(environ: Mapping[str, str], left_out: Collection[str]) -> dict[str, str]:
    """As `headwater digest --converged`, without some columns, each named as TABLE.COLUMN."""
    return _ask(environ, "digest", "-", *_without(left_out))


def differences(
    one: Mapping[str, str],
    other: Mapping[str, str],
    digests: tuple[dict[str, str], ...],
    left_out: Collection[str] = (),
) -> list[str]:
    """Of each table whose digests differ, the first rows that only one store has."""
    first, second = digests
    found = []
    for table in sorted(first.keys() | second.keys()):
        if first.get(table) != second.get(table):
            rows = [_rows(environ, table, left_out) for environ in (one, other)]
            found += _only(f"{table} only in the first", rows[0] - rows[1])
            found += _only(f"{table} only in the second", rows[1] - rows[0])
    return found


def tables_without(left_out: Collection[str]) -> dict[str, Table]:
    """What is compared where some columns, each named as TABLE.COLUMN, are not."""
    return {
        name: replace(
            table,
            columns=tuple(one for one in table.columns if f"{name}.{one.name}" not in left_out),
        )
        for name, table in TABLES.items()
    }


def _only(where: str, rows: Counter[str]) -> list[str]:
    shown = [f"{where}: {row}" for row in sorted(rows)[:SHOWN]]
    return [f"{where}: {rows.total()} rows", *shown] if rows else []


def _rows(environ: Mapping[str, str], table: str, left_out: Collection[str]) -> Counter[str]:
    return Counter(_ask(environ, "rows", table, *_without(left_out))["rows"])


def _without(left_out: Collection[str]) -> list[str]:
    return ["--without", *left_out] if left_out else []


def _ask(environ: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    return run_json([sys.executable, "-m", "tests.chaos.audit", *arguments], environ)


def _accounts(store: Store, received: int) -> dict[str, Any]:
    found = reconcile(store, received)
    twice = 0
    for table in TABLES:
        sql = f"SELECT count() - uniqExact(log_epoch, log_partition, log_offset) FROM {table}"
        twice += int(store.query(sql).rows[0][0])
    return {
        "reconciled": found.reconciled,
        "faults": found.faults,
        "stored_twice": twice,
        "stored_rows": found.stored_rows,
    }


def _texts(store: Store, table: str, tables: Mapping[str, Table]) -> list[str]:
    compared = compared_when_converged(tables=tables)[table]
    row = f"arrayStringConcat([{', '.join(compared.expressions)}], ' | ')"
    answer = store.query(f"SELECT {row} FROM {compared.source}", compared.params)
    return [text for (text,) in answer.rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["accounts", "rows", "digest"])
    parser.add_argument("of", help="events sent, the name of a table, or -")
    parser.add_argument("--without", nargs="*", default=[], help="columns, as TABLE.COLUMN")
    chosen = parser.parse_args()
    tables = tables_without(chosen.without)
    with stored(read_settings()) as store:
        if chosen.what == "accounts":
            answer = _accounts(store, int(chosen.of))
        elif chosen.what == "rows":
            answer = {"rows": _texts(store, chosen.of, tables)}
        else:
            answer = converged_digest(store, tables=tables)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
