"""One store for all statements: none of them may change it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.store.reading import Readable
from tests.worlds.stores.migrated import migrated_store
from tests.worlds.stores.store_world import every_kind, put


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readable]:
    """A store with one row in every table."""
    pytest.importorskip("chdb")
    opened = migrated_store(tmp_path_factory.mktemp("reading") / "store")
    put(opened, every_kind())
    yield opened
    opened.close()
