"""Whether the store answers, and has the tables of this version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from streams.errors import Stop
from streams.operations.doctor.check import Check
from streams.settings import Settings, shown_url
from streams.store.base import Store, UnavailableError
from streams.store.migrations import SchemaState, check, schema_advice
from streams.wiring.store import open_store


def examine_store(settings: Settings) -> Iterator[Check]:
    """The checks `store` and `schema`."""
    folder = settings.folders.store
    if settings.store.url is None and not folder.exists():
        fills = "demo" if settings.kafka.brokers is None else "migrate"
        yield Check("store", True, f"{folder} is empty: `headwater {fills}` creates its tables")
        return
    where = shown_url(settings.store.url) if settings.store.url else str(folder)
    try:
        store = open_store(settings)
    except (Stop, UnavailableError) as error:
        yield Check("store", False, str(error))
        yield Check("schema", False, "unknown without a store")
        return
    try:
        yield from _opened(store, where)
    finally:
        store.close()


def _opened(store: Store, where: str) -> Iterator[Check]:
    version = _attempt(lambda: str(store.query("SELECT version()").rows[0][0]))
    if not version.ok:
        yield Check("store", False, version.text)
        yield Check("schema", False, "unknown without a store")
        return
    yield Check("store", True, f"{where}, version {version.text}")
    try:
        state = check(store)
    except UnavailableError as error:
        yield Check("schema", False, f"{error}; start it, or correct HEADWATER_CLICKHOUSE")
        return
    is_usable = state in (SchemaState.CURRENT, SchemaState.NEWER)
    yield Check("schema", is_usable, schema_advice(where, state))


class _Attempt(NamedTuple):
    ok: bool
    text: str


def _attempt(ask: Callable[[], str]) -> _Attempt:
    try:
        return _Attempt(True, ask())
    except UnavailableError as error:
        return _Attempt(False, f"{error}; start it, or correct HEADWATER_CLICKHOUSE")
    except Stop as error:
        return _Attempt(False, str(error))
