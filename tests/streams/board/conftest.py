"""A store with one outcome of every kind, as a board reads it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
        self.was_opened = threading.Event()

    @contextmanager
    def __call__(self) -> Iterator[Readable]:
        self.opened += 1
        self.was_opened.set()
        if self.error:
            raise self.error
        yield self.store


def page_of(text: str) -> dict[str, Any]:
    """A page after all lines of an answer, each of which has the panels that are new in it."""
    panels: dict[str, Any] = {}
    page: dict[str, Any] = {}
    for line in text.splitlines():
        page = json.loads(line)
        panels |= {panel["name"]: panel for panel in page["panels"]}
    return {**page, "panels": list(panels.values())}


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
