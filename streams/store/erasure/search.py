"""Searches every table for rows that still name the people of a request, or of all requests."""

from __future__ import annotations

from dataclasses import dataclass

from streams.store.base import Store
from streams.store.erasure.anonymous_ids import AnonymousSql
from streams.store.erasure.rewrites import Rewrites


@dataclass(frozen=True, slots=True)
class Searched:
    """What was looked at in one table, and what was found there."""

    table: str
    rows: int  # looked at
    naming: int  # of them, those that name an erased person


def search_rows(store: Store, secret: bytes, request_id: str = "") -> list[Searched]:
    """Search every table that names people; `request_id`: only for those of this request."""
    found = []
    for rewrite in Rewrites(AnonymousSql(secret), request_id).all():
        counted = store.query(
            f"SELECT count(), countIf({rewrite.condition}) FROM {rewrite.table}"
        ).rows[0]
        found.append(Searched(rewrite.table, int(counted[0]), int(counted[1])))
    return found
