"""Looks into a store that no worker has open; each call in a process of its own.

`python -m tests.chaos.audit accounts RECEIVED` and `... rows TABLE`, for HEADWATER_DATA. A process
that has chdb open must not start others, so the harness itself never opens a store.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from streams.settings import read_settings
from streams.store.base import Store
from streams.store.digest import compared_when_converged
from streams.store.reconcile import reconcile
from streams.store.tables import TABLES
from streams.wiring.store import stored
from tests.chaos.installation import run_json

SHOWN = 3


def accounts(environ: Mapping[str, str], received: int) -> dict[str, Any]:
    """reconciled, faults, and stored_twice: rows whose log position another row has, too."""
    return _ask(environ, "accounts", str(received))


def differences(
    one: Mapping[str, str], other: Mapping[str, str], digests: tuple[dict[str, str], ...]
) -> list[str]:
    """Of each table whose digests differ, the first rows that only one store has."""
    first, second = digests
    found = []
    for table in sorted(first.keys() | second.keys()):
        if first.get(table) != second.get(table):
            rows = [_rows(environ, table) for environ in (one, other)]
            found += _only(f"{table} only in the first", rows[0] - rows[1])
            found += _only(f"{table} only in the second", rows[1] - rows[0])
    return found


def _only(where: str, rows: Counter[str]) -> list[str]:
    shown = [f"{where}: {row}" for row in sorted(rows)[:SHOWN]]
    return [f"{where}: {rows.total()} rows", *shown] if rows else []


def _rows(environ: Mapping[str, str], table: str) -> Counter[str]:
    return Counter(_ask(environ, "rows", table)["rows"])


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


def _texts(store: Store, table: str) -> list[str]:
    compared = compared_when_converged()[table]
    row = f"arrayStringConcat([{', '.join(compared.expressions)}], ' | ')"
    answer = store.query(f"SELECT {row} FROM {compared.source}", compared.params)
    return [text for (text,) in answer.rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["accounts", "rows"])
    parser.add_argument("of", help="events sent, or the name of a table")
    chosen = parser.parse_args()
    with stored(read_settings()) as store:
        if chosen.what == "accounts":
            answer = _accounts(store, int(chosen.of))
        else:
            answer = {"rows": _texts(store, chosen.of)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
