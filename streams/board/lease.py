"""One open store for all who read at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from streams.store.reading import Readable

OpenStore = Callable[[], AbstractContextManager[Readable]]


class StoreLease:
    """Opens the store for the first reader, and closes it after the last: a folder can be opened
    once, and whoever wants to write into it waits until nobody reads. For one thread."""

    def __init__(self, open_store: OpenStore) -> None:
        self._open_store = open_store
        self._readers = 0
        self._opened = ExitStack()
        self._store: Readable | None = None

    @contextmanager
    def __call__(self) -> Iterator[Readable]:
        """HeadwaterError: the store cannot be opened; the next reader tries again."""
        if self._store is None:
            self._store = self._opened.enter_context(self._open_store())
        self._readers += 1
        try:
            yield self._store
        finally:
            self._readers -= 1
            if not self._readers:
                self._store = None
                self._opened.close()
