"""A new store with the tables and views of this version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.store.base import Store
from streams.store.migrations import apply_migrations


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    pytest.importorskip("chdb")
    from streams.store.embedded import EmbeddedStore

    opened = EmbeddedStore(tmp_path / "store")
    apply_migrations(opened)
    yield opened
    opened.close()
