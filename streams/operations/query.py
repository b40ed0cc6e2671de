"""Answers `headwater query` and `headwater digest`."""

from __future__ import annotations

from streams.settings import Settings
from streams.store.base import QueryResult
from streams.store.digest import converged_digest, store_digest
from streams.wiring.store import stored


def ask(settings: Settings, sql: str) -> QueryResult:
    """The answer of one statement that only reads."""
    with stored(settings) as store:
        return store.query(sql)


def digest_of(settings: Settings, *, is_converged: bool, model: str | None) -> dict[str, str]:
    """Table name to sha256; see streams/store/digest.py for what each covers."""
    with stored(settings) as store:
        return converged_digest(store, model) if is_converged else store_digest(store)
