"""A server of the native protocol before the real engine, and a store that speaks to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.settings.storing import StoreTarget
from streams.store.server import ServerStore
from tests.native_server import NativeServer
from tests.worlds.stores.migrated import migrated_folder
from tests.worlds.stores.store_world import empty


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeServer]:
    """A server whose store is migrated; test_whole_store.py migrates one over the wire."""
    pytest.importorskip("chdb")
    server = NativeServer(migrated_folder(tmp_path_factory.mktemp("wire") / "store"))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(migrated: NativeServer) -> Iterator[NativeServer]:
    """The same server, with empty tables and without trouble."""
    migrated.calm()
    cleaner = ServerStore(target_of(migrated))
    empty(cleaner)
    cleaner.close()
    yield migrated
    migrated.calm()


@pytest.fixture
def store(server: NativeServer) -> Iterator[ServerStore]:
    opened = ServerStore(target_of(server), receive_timeout_seconds=3.0)
    yield opened
    opened.close()


def target_of(server: NativeServer, timeout_seconds: float = 10.0) -> StoreTarget:
    return StoreTarget(url=server.url, password=server.password, timeout_seconds=timeout_seconds)
