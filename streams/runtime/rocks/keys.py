"""Which keys a RocksDB of stage state has, and in which order they come.

First the store's own, then the reserved ones of the stage, then the indexes, then the states.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from streams.runtime.rocks.checked_rocks import CheckedRocks

OWN_PREFIX = b"\x00\x00"
"""Of the store itself: stages never see such keys."""
POSITION_KEY = OWN_PREFIX + b"changelog position"
"""The next changelog offset to read, 8 bytes, big-endian."""
INDEX_PREFIX = b"\x01"
"""Prefix of the index of values by the hour in which they expire. No stage uses such keys."""
_HIDDEN_PREFIX = INDEX_PREFIX + b"\xfe"
"""Of other keys of the store itself: behind every hour, where builds do not see them either that
know none but the position, and would take them for states."""
ORIGIN_KEY = _HIDDEN_PREFIX + b"changelog"
"""The log and partition that the position is one of, as text."""
INDEXED_KEY = _HIDDEN_PREFIX + b"due times at"
"""The position at which the index of due times was written last: another build may write none."""
NEWEST_KEY = _HIDDEN_PREFIX + b"newest format"
"""The key of a state that is not of the first format."""
REWRITTEN_KEY = _HIDDEN_PREFIX + b"files rewritten"
"""When all files were rewritten last, in seconds since 1970, 8 bytes, big-endian."""
DUE_PREFIX = INDEX_PREFIX + b"\xff"
"""Prefix of the index of due times: behind every hour."""
_STATES_FROM = b"\x02"


def is_due_entry(key: bytes) -> bool:
    return key.startswith(DUE_PREFIX)


def all_entries(rocks: CheckedRocks) -> Iterator[tuple[bytes, bytes]]:
    """Every key of the stage with its value."""
    yield from _reserved_entries(rocks)
    yield from rocks.items(from_key=_STATES_FROM)


def _reserved_entries(rocks: CheckedRocks) -> Iterator[tuple[bytes, bytes]]:
    for entry in rocks.items():
        if entry[0] >= INDEX_PREFIX:
            return
        if not entry[0].startswith(OWN_PREFIX):
            yield entry


class RocksEntries:
    """The entries of a store; see `streams.stages.contract.IndexedEntries`."""

    def __init__(self, rocks: CheckedRocks) -> None:
        self._rocks = rocks

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return all_entries(self._rocks)

    def at_start(self) -> Iterator[tuple[bytes, bytes]]:
        yield from _reserved_entries(self._rocks)
        yield from islice(self._rocks.items(from_key=_STATES_FROM), 1)
        key = self._rocks.get(NEWEST_KEY)
        value = None if key is None else self._rocks.get(key)
        if value is not None:
            yield key, value
