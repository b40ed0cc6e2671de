"""Opens the store that the settings name. The one place that knows both kinds of store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from streams.errors import Stop
from streams.settings import Settings
from streams.settings.storing import StoreTarget
from streams.store.base import StoreDiskFullError, UnavailableError
from streams.store.migrations import require_usable
from streams.store.reading import Readable, ReadLimits
from streams.wiring.parts import store_target

if TYPE_CHECKING:
    from streams.store.served import StoreServer


def open_store(settings: Settings) -> Readable:
    """Open the store of the settings. Stop or UnavailableError, with advice, when that fails."""
    try:
        return open_target(store_target(settings))
    except OSError as error:
        raise Stop(
            f"cannot use {settings.folders.store}: {error.strerror}; choose another --data"
        ) from error


@contextmanager
def stored(settings: Settings) -> Iterator[Readable]:
    """A store to read from, closed with the block. Stop: it is empty, away or not migrated."""
    folder = settings.folders.store
    if settings.store.url is None and not folder.exists():
        raise Stop(
            f"nothing is stored in {folder} yet: fill it with `headwater demo` or "
            "`headwater replay`, or name another folder with --data"
        )
    with _usable(lambda: _running(settings) or open_store(settings)) as store:
        yield store


@contextmanager
def stored_by_others(settings: Settings) -> Iterator[Readable]:
    """As `stored`, without opening a folder: for the process that has it open, or will have."""

    def found() -> Readable:
        if settings.store.url is not None:
            return open_store(settings)
        running = _running(settings)
        if running is None:
            raise Stop("the worker has not opened its store yet")
        return running

    with _usable(found) as store:
        yield store


@contextmanager
def _usable(find: Callable[[], Readable]) -> Iterator[Readable]:
    try:
        store = find()
        try:
            require_usable(store)
            yield store
        finally:
            store.close()
    except UnavailableError as error:
        raise stop_without_store(error) from error


def _running(settings: Settings) -> Readable | None:
    """The store of a worker that has the folder open, if there is one."""
    if settings.store.url is not None:
        return None
    from streams.store.served import ServedStore, served_at

    port = served_at(settings.folders.store)
    if port is None:
        return None
    return ServedStore(settings.folders.store, port, settings.store.query_timeout_ms / 1000)


def served_by(settings: Settings) -> Callable[[Readable], StoreServer] | None:
    """Opens the embedded store of a storing process to others; None: a server is open by itself."""
    port = settings.store.port
    if settings.store.url is not None or port == 0:
        return None
    from streams.store.served import StoreServer

    folder, limits = settings.folders.store, read_limits(settings)
    return partial(StoreServer, folder=folder, limits=limits, port=port)


def stop_without_store(error: UnavailableError) -> Stop:
    """The line with which a command ends that cannot use the store now."""
    if isinstance(error, StoreDiskFullError):
        return Stop(str(error))
    return Stop(f"{error}; start it, or correct HEADWATER_CLICKHOUSE")


def read_limits(settings: Settings) -> ReadLimits:
    """What one statement of a person may use."""
    store = settings.store
    return ReadLimits(
        seconds=store.query_timeout_ms / 1000,
        memory_bytes=store.query_memory,
        rows=store.query_rows,
    )


def open_target(target: StoreTarget, receive_timeout_seconds: float | None = None) -> Readable:
    """Open a folder now; a server is connected to with the first call.

    Raises Stop or UnavailableError when it cannot be opened. `receive_timeout_seconds`: see
    `ServerStore`.
    """
    if target.url is not None:
        from streams.store.server import ServerStore

        return ServerStore(target, receive_timeout_seconds)
    # Imported here only: chdb starts its engine on import, and images for servers do without it.
    from streams.store.embedded import EmbeddedStore

    assert target.folder is not None, "a target is a URL or a folder"
    return EmbeddedStore(target.folder)
