"""Opens the store that the settings name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streams.errors import Stop
from streams.settings import Settings
from streams.store.base import Store, UnavailableError
from streams.store.migrations import require_current
from streams.store.opening import open_target
from streams.wiring.parts import store_target


def open_store(settings: Settings) -> Store:
    """Stop or UnavailableError, with advice, when it cannot be opened."""
    try:
        return open_target(store_target(settings))
    except OSError as error:
        raise Stop(
            f"cannot use {settings.folders.store}: {error.strerror}; choose another --data"
        ) from error


@contextmanager
def stored(settings: Settings) -> Iterator[Store]:
    """A store to read from: there, and with the tables of this version."""
    folder = settings.folders.store
    if settings.store.url is None and not folder.exists():
        raise Stop(
            f"nothing is stored in {folder} yet: `headwater demo` or `headwater replay` fills it, "
            "--data names another folder"
        )
    try:
        store = open_store(settings)
        try:
            require_current(store)
            yield store
        finally:
            store.close()
    except UnavailableError as error:
        raise Stop(f"{error}; start it, or correct HEADWATER_CLICKHOUSE") from error
