"""Dead letters and quarantined messages that name a person.

They hold what nobody could read, so there are no columns to ask: whatever may be an id in their
bytes is looked up, as it stands and as a pseudonym.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator

from schemas.ids import normal_device_id, normal_id
from streams.operations.explain.rows import Row
from streams.operations.privacy.held_rows import Held, query_dicts
from streams.operations.privacy.person import Person
from streams.stages.common.pseudonyms import Pseudonyms
from streams.store.base import Store
from streams.store.tables import TABLES

PAGE_ROWS = 2_000
"""Rows in memory at a time: one may have megabytes."""
_TOKEN = re.compile(rb"[A-Za-z0-9_.@+~-]{4,200}")
_PAGE = """
SELECT {columns}, inserted_at FROM {table} ORDER BY log_epoch, log_partition, log_offset
LIMIT {{count}} OFFSET {{start}}
"""


class Names:
    """Recognises a person in bytes."""

    def __init__(
        self, person: Person, others: Iterable[str], pseudonyms: Iterable[Pseudonyms]
    ) -> None:
        """`others`: ids of events and payments. `pseudonyms`: of all secrets in force."""
        self._raw = {one.encode() for one in (*person.installs, *others)}
        self._keyed = person.pseudonyms
        self._pseudonyms = list(pseudonyms)

    def are_in(self, octets: bytes) -> bool:
        """Whether any word of these bytes is an id of the person, or one of its pseudonyms."""
        return any(self._is_known(word) for word in set(_TOKEN.findall(octets)))

    def _is_known(self, word: bytes) -> bool:
        if word in self._raw or word.decode() in self._keyed:
            return True
        text = word.decode()
        forms = {text, normal_id(text), normal_device_id(text)}
        return any(known.of(form) in self._keyed for known in self._pseudonyms for form in forms)


def set_aside_rows(store: Store, person: Person, names: Names) -> Iterator[Held]:
    """The rows of both tables that name the person."""
    letters = [
        row for row in _all(store, "dead_letters") if names.are_in(_octets(row, "payload", "key"))
    ]
    yield Held("dead_letters", "ids in their bytes", letters)
    keys = {*person.devices, *person.accounts}
    quarantined = [
        row
        for row in _all(store, "quarantined")
        if (row["app_id"] == person.app_id and row["install_id"] in person.installs)
        or row["state_key"] in keys
        or names.are_in(_octets(row, "payload", "message_key"))
    ]
    yield Held("quarantined", "the installs of the person, and ids in their bytes", quarantined)


def _all(store: Store, table: str) -> Iterator[Row]:
    sql = _PAGE.format(
        table=table, columns=", ".join(column.name for column in TABLES[table].all_columns)
    )
    start = 0
    while page := query_dicts(store, sql, {"count": PAGE_ROWS, "start": start}):
        yield from page
        start += len(page)


def _octets(row: Row, *columns: str) -> bytes:
    found = (base64.b64decode(row[name] or "") for name in columns)
    return b" ".join([*found, str(row["detail"]).encode()])
