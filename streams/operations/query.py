"""Reads the store: one statement, or the digest of every table."""

from __future__ import annotations

from streams.settings import Settings
from streams.store.base import QueryResult
from streams.store.digest import converged_digest, store_digest
from streams.wiring.store import stored


def ask(settings: Settings, sql: str) -> QueryResult:
    """The rows of a statement. Stop: there is no store, or the statement is refused."""
    with stored(settings) as store:
        return store.query(sql)


def digest_of(settings: Settings, *, is_converged: bool, model: str | None) -> dict[str, str]:
    """SHA-256 by table. With `is_converged`, of what the order of partitions cannot change."""
    with stored(settings) as store:
        return converged_digest(store, model) if is_converged else store_digest(store)
