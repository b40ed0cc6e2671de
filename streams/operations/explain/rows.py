"""Stored rows as an explanation holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.store.base import SqlValue, Store

Row = dict[str, Any]
"""Column name -> value, as JSON has it; some rows hold further rows under a name of their own."""

ROWS_MAX = 200
"""Rows of one query in an explanation: nobody reads more."""


def query_rows(store: Store, sql: str, params: Mapping[str, SqlValue]) -> list[Row]:
    """The first `ROWS_MAX` rows of a query."""
    answer = store.query(f"SELECT * FROM ({sql}) LIMIT {ROWS_MAX}", params)
    return [dict(zip(answer.names, row, strict=True)) for row in answer.rows]
