"""A store with one outcome of every kind, as a board reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from streams.board.answers import PageAnswers
from streams.store.reading import Readable, ReadLimits
from tests.worlds.stores.store_world import every_kind, put

LIMITS = ReadLimits(seconds=30.0, memory_bytes=2_000_000_000, rows=100_000)


class StoreDoor:
    """Opens the store, unless somebody has locked it."""

    def __init__(self, store: Readable) -> None:
        self.store = store
        self.error: Exception | None = None
        self.opened = 0

    @contextmanager
    def __call__(self) -> Iterator[Readable]:
        self.opened += 1
        if self.error:
            raise self.error
        yield self.store


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readable]:
    pytest.importorskip("chdb")
    from tests.worlds.stores.migrated import migrated_store

    store = migrated_store(tmp_path_factory.mktemp("board") / "store")
    put(store, every_kind())
    yield store
    store.close()


@pytest.fixture
def door(filled: Readable) -> StoreDoor:
    return StoreDoor(filled)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers(door: StoreDoor, clock: Clock) -> PageAnswers:
    return PageAnswers(door, LIMITS, clock)
