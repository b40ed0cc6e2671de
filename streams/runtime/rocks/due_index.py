"""The due times of stored values, ordered, in the same RocksDB as the values.

Most timers are far away: every install has one, for the day when it is forgotten. In memory they
would take about 300 bytes each, and a restart would have to read every value to find them. So a
stage keeps those in memory that are near, and reads the others from here when their time comes.

Each value that is due some day has one entry: its due time, then its key. What is written together
with the values is never behind them. An entry too many does no harm, because a read compares it
with the value; such entries come from the changelog, whose values are written without being read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from rocksdict import WriteBatch

from streams.runtime.rocks.checked_rocks import CheckedRocks
from streams.runtime.rocks.keys import DUE_PREFIX

_DUE_BYTES = 8
_KEY_FROM = len(DUE_PREFIX) + _DUE_BYTES
_WRITTEN_AT_ONCE = 20_000

DueOf = Callable[[bytes, bytes], int]
"""From key and value to the time at which a stage has to look at the value; 0: never."""


def never_due(key: bytes, value: bytes) -> int:
    """For stages without timers."""
    return 0


class DueIndex:
    """Call `saw` for every value that is read, and `write` for every write of values."""

    def __init__(self, rocks: CheckedRocks, due_of: DueOf) -> None:
        self._rocks = rocks
        self._due_of = due_of
        self._known: dict[bytes, int] = {}  # due times of the values that were read
        self._outdated: list[bytes] = []  # entries to delete with the next changes

    def saw(self, keys: Sequence[bytes], values: Sequence[bytes | None]) -> None:
        """Remember when these values are due: what replaces them also replaces their entries."""
        known, due_of = self._known, self._due_of
        for key, value in zip(keys, values, strict=True):
            if value is not None:
                known[key] = due_of(key, value)

    def write(self, batch: WriteBatch, changes: Mapping[bytes, bytes | None]) -> None:
        """Add to a write of values what it means for the entries."""
        for entry in self._outdated:  # first: one of them may be right again
            batch.delete(entry)
        self._outdated = []
        known, due_of = self._known, self._due_of
        for key, value in changes.items():
            due = 0 if value is None else due_of(key, value)
            before = known.get(key, 0)
            if due != before:
                if before:
                    batch.delete(_entry(before, key))
                if due:
                    batch.put(_entry(due, key), b"")
        known.clear()

    def between(self, after: int, until: int, count: int) -> tuple[list[tuple[int, bytes]], int]:
        """Due times later than `after`, with their keys, the earliest first; and how far they go.

        That is `until`, or earlier where there are more than about `count`.
        """
        found: list[tuple[int, bytes]] = []
        reached = until
        for entry in self._rocks.keys(from_key=_entry(after + 1, b"")):
            due = int.from_bytes(entry[len(DUE_PREFIX) : _KEY_FROM])
            if due > until or not entry.startswith(DUE_PREFIX):
                break
            if len(found) >= count and due > found[-1][0]:
                reached = found[-1][0]
                break
            found.append((due, entry[_KEY_FROM:]))
        return self._current(found), reached

    def add_all(self, entries: Iterable[tuple[bytes, bytes]]) -> Iterator[WriteBatch]:
        """Writes that add an entry for each of these values."""
        dues = ((self._due_of(key, value), key) for key, value in entries)
        missing = (_entry(due, key) for due, key in dues if due)
        while some := list(islice(missing, _WRITTEN_AT_ONCE)):
            batch = WriteBatch(raw_mode=True)
            for entry in some:
                batch.put(entry, b"")
            yield batch

    def _current(self, found: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Those that agree with their values."""
        if not found:
            return found
        values = self._rocks.get([key for _, key in found])
        current = []
        for (due, key), value in zip(found, values, strict=True):
            if value is not None and self._due_of(key, value) == due:
                current.append((due, key))
            else:
                self._outdated.append(_entry(due, key))
        return current


def _entry(due: int, key: bytes) -> bytes:
    return DUE_PREFIX + due.to_bytes(_DUE_BYTES, "big") + key
