"""Where outcomes are stored: ClickHouse in a folder or on a server, behind one `Store`."""

from __future__ import annotations

from streams.store.base import (
    BadRowsError,
    Columns,
    QueryResult,
    Refused,
    SqlValue,
    Store,
    UnavailableError,
)

__all__ = [
    "BadRowsError",
    "Columns",
    "QueryResult",
    "Refused",
    "SqlValue",
    "Store",
    "UnavailableError",
]
