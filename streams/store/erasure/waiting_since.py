"""Requests to be forgotten that `headwater privacy run` has not taken up."""

from __future__ import annotations

from streams.store.base import Store
from streams.store.erasure.rewrites import HAS_SHARED, IS_LISTED

_WAITING = f"""
SELECT count(), ifNull(toUnixTimestamp(min(submitted_time)), 0) FROM privacy_rows
WHERE request_type = 'erasure'
    AND subject_request_id NOT IN (SELECT subject_request_id FROM privacy_erased)
    AND (NOT ({HAS_SHARED})
        OR subject_request_id IN
            (SELECT subject_request_id FROM privacy_receipts WHERE {IS_LISTED}))
"""


def waiting_since(store: Store) -> tuple[int, float]:
    """How many requests wait, and since when: the earliest time that any of them was submitted, in
    seconds since 1970."""
    count, since = store.query(_WAITING).rows[0]
    return int(count), float(since)
