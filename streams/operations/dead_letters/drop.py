"""Drops the stored bytes of dead letters and of what was quarantined.

The rows stay, with position, reason and detail: accounting compares them with the ledger, and
storing finds its own rows again by their offsets, and does not store a dropped message anew.
"""

from __future__ import annotations

from typing import NamedTuple

from streams.errors import Stop
from streams.operations.dead_letters.chosen import (
    DROPPED_NOTE,
    QUARANTINED_REASON,
    WITH_BYTES,
    Chosen,
)
from streams.settings import Settings
from streams.store.base import Store, UnavailableError, bind, quote
from streams.wiring.store import stored

_POSITION = "log_epoch, log_partition, log_offset"
_KEY_COLUMNS = {"dead_letters": "key", "quarantined": "message_key"}


class Droppable(NamedTuple):
    """What is chosen and still has its bytes."""

    dead_letters: int
    quarantined: int
    stored_bytes: int

    @property
    def rows(self) -> int:
        return self.dead_letters + self.quarantined


def droppable(settings: Settings, chosen: Chosen) -> Droppable:
    """Count what `drop_letters` would drop now."""
    with stored(settings) as store:
        return _count(store, chosen)


def drop_letters(settings: Settings, chosen: Chosen) -> Droppable:
    """Empty the bytes and keys of the chosen rows; what was dropped.

    Returns once the store has rewritten them. Stop: the store does not answer.
    """
    with stored(settings) as store:
        found = _count(store, chosen)
        try:
            for table, rows in (
                ("dead_letters", found.dead_letters),
                ("quarantined", found.quarantined),
            ):
                if rows:
                    store.execute(_drop(table, chosen))
        except UnavailableError as error:
            raise Stop(
                f"{error}; the store may still be dropping them: `headwater dead-letters drop "
                "--dry-run` with the same choice says what is left"
            ) from error
    return found


def _count(store: Store, chosen: Chosen) -> Droppable:
    rows, stored_bytes = [0, 0], 0
    for number, table in enumerate(_KEY_COLUMNS):
        is_of_table = (chosen.reason == QUARANTINED_REASON) == (table == "quarantined")
        if is_of_table or not chosen.reason:
            sql = (
                f"SELECT uniqExact({_POSITION}), sum(length(base64Decode(payload)))"
                f" FROM {table} WHERE {_choice(table, chosen)}"
            )
            ((count, size),) = store.query(sql).rows
            rows[number] = int(count)
            stored_bytes += int(size)
    return Droppable(rows[0], rows[1], stored_bytes)


def _drop(table: str, chosen: Chosen) -> str:
    return (
        f"ALTER TABLE {table} UPDATE payload = '', {_KEY_COLUMNS[table]} = '',"
        f" detail = concat(detail, {quote(DROPPED_NOTE)}) WHERE {_choice(table, chosen)}"
        " SETTINGS mutations_sync = 2"
    )


def _choice(table: str, chosen: Chosen) -> str:
    """The condition on the rows of a table that have bytes and are chosen."""
    parts = [WITH_BYTES, "received_at >= fromUnixTimestamp64Milli({since}, 'UTC')"]
    if chosen.topic:
        parts.append("source_topic = {topic}")
    if chosen.reason and table == "dead_letters":
        parts.append("reason = {reason}")
    if chosen.app:
        named = "JSONExtractString(base64Decode(payload), 'app_id') = {app}"
        parts.append(f"(app_id = {{app}} OR {named})" if table == "quarantined" else named)
    return bind(
        " AND ".join(parts),
        {
            "since": chosen.since_ms,
            "topic": chosen.topic,
            "reason": chosen.reason,
            "app": chosen.app,
        },
    )
