"""States that are changed for one record at a time, and kept as they were if it raises."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from streams.stages.common.working_set import BEYOND_ALL, WorkingSet

_S = TypeVar("_S")


class SeparateStates(WorkingSet[_S]):
    """States that are read one by one, when they are asked for: reading one may be what raises."""

    def load(self, keys: Iterable[bytes]) -> None:
        return

    def get(self, key: bytes) -> _S | None:
        if key not in self._states:
            super().load([key])
        return self._states[key]


class StateBranch(WorkingSet[_S]):
    """A working set on top of another: what it changes reaches that one with `merge`.

    Timers are shared, so call either `merge` or `undo`.
    """

    def __init__(self, trunk: WorkingSet[_S]) -> None:
        # Not as another decision: timers have begun with the trunk.
        self._codec, self._timers, self._store = trunk._codec, trunk._timers, trunk._store
        self._states, self._changed, self._first_expiry = {}, {}, BEYOND_ALL
        self._trunk = trunk

    def load(self, keys: Iterable[bytes]) -> None:
        states, trunk = self._states, self._trunk
        keys = [key for key in keys if key not in states]
        trunk.load(keys)
        for key in keys:
            states[key] = trunk.get(key)

    def due_of(self, key: bytes) -> int:
        due = self._changed.get(key)
        return self._trunk.due_of(key) if due is None else due

    def verify(self) -> None:
        """Raise whatever encoding the changes would raise."""
        self.changes()

    def merge(self) -> None:
        """Make the changes those of the trunk."""
        trunk = self._trunk
        for key, due in self._changed.items():
            trunk._states[key] = self._states[key]
            trunk._changed[key] = due
        trunk._first_expiry = min(trunk._first_expiry, self._first_expiry)

    def undo(self) -> None:
        """Give the timers of changed keys their earlier times."""
        for key in self._changed:
            self._timers.set(key, self._trunk.due_of(key))
