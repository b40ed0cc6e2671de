"""A store whose tables are empty; making a new one for each test takes ten times as long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.store.base import Store
from streams.store.migrations import apply_migrations
from tests.worlds.stores.store_world import empty


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    pytest.importorskip("chdb")
    from streams.store.embedded import EmbeddedStore

    store = EmbeddedStore(tmp_path_factory.mktemp("views") / "store")
    apply_migrations(store)
    yield store
    store.close()


@pytest.fixture
def store(opened: Store) -> Store:
    empty(opened)
    return opened
