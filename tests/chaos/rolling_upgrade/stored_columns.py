"""Which columns a build stores, and which of them another one does not know."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

StoredColumns = Mapping[str, Sequence[str]]
"""Names of columns by table."""

_TELL = (
    "import json; from streams.store.tables import TABLES; "
    "found = {name: [one.name for one in table.columns] for name, table in TABLES.items()}; "
    "print(json.dumps(found))"
)


_TELL_RULES = "from attribution.rules.rules import Rules, rule_set_id; print(rule_set_id(Rules()))"


def columns_of(checkout: Path) -> StoredColumns:
    """As the program in this folder declares them."""
    found: StoredColumns = json.loads(_printed(checkout, _TELL))
    return found


def rule_set_of(checkout: Path) -> str:
    """Under which id the program in this folder decides by its default rules."""
    return _printed(checkout, _TELL_RULES).strip()


def _printed(checkout: Path, program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def one_sided(first: StoredColumns, second: StoredColumns) -> list[str]:
    """Columns that one of both lacks, as TABLE.COLUMN, of the tables that both have."""
    return sorted(
        f"{table}.{column}"
        for table in first.keys() & second.keys()
        for column in {*first[table]} ^ {*second[table]}
    )
