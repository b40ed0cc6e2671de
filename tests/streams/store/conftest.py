"""A store whose tables are empty; making a new one for each test takes ten times as long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.store.base import Store
from tests.worlds.stores.migrated import migrated_store
from tests.worlds.stores.store_world import empty


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    pytest.importorskip("chdb")
    store = migrated_store(tmp_path_factory.mktemp("stores") / "store")
    yield store
    store.close()


@pytest.fixture
def store(opened: Store) -> Store:
    """For tests that change rows, and no table: the tests of a file share it, one by one."""
    empty(opened)
    return opened
