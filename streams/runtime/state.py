"""The state of one lane: a cache of its changelog topic, on disk or in memory.

A store writes its changelog position together with the changes. After a crash it continues from
that position; an empty store continues from the start of the changelog. It also remembers which
log it was read from, and a store of another log, or a damaged one, is read anew.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Protocol

from rocksdict import WriteBatch

from schemas.records import MARK_BYTE
from schemas.time import HOUR_MS, LogMs
from streams.runtime.rocks.checked_rocks import CheckedRocks
from streams.runtime.rocks.disk import StateDiskFullError
from streams.runtime.rocks.due_index import DueIndex, DueOf, never_due
from streams.runtime.rocks.faults import StateDamagedError, StateFolderError, known_faults
from streams.runtime.rocks.file_rewrite import REWRITE_SECONDS, FileRewrite
from streams.runtime.rocks.keys import (
    DUE_PREFIX,
    INDEX_PREFIX,
    INDEXED_KEY,
    NEWEST_KEY,
    ORIGIN_KEY,
    POSITION_KEY,
    RocksEntries,
    all_entries,
    is_due_entry,
)
from streams.stages.common.working_set import DUE_BYTES

_logger = logging.getLogger(__name__)

STALE_SECONDS = 12 * 3600
"""A store that was not written for so long is rebuilt: half of Kafka's default
`delete.retention.ms`, after which a compacted topic drops the records of deleted keys."""

ExpiryOf = Callable[[bytes, bytes], int]
"""From key and value to the log time, in ms, from which the value has expired; 0: never."""

StateChanges = Mapping[bytes, bytes | None]


class StateStore(Protocol):
    """State that a stage reads and only the runtime writes.

    All calls block on local disk at most. `apply` may not run at the same time as another call.
    After `close` nothing else may be called. StateDamagedError: call `clear`, and fill the store
    again. Any other error means that the disk failed.
    """

    @property
    def position(self) -> int:
        """The next changelog offset to apply; 0 for an empty store."""

    @property
    def origin(self) -> str:
        """What `bind` was given; empty for a store that was not bound since it was empty."""

    def bind(self, origin: str) -> None:
        """Remember which log and partition the position is one of."""

    def get(self, key: bytes) -> bytes | None: ...

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]: ...

    def apply(self, changes: StateChanges, position: int) -> None:
        """Write changes and changelog position in one step; None deletes the key."""

    def expired(self, now: LogMs) -> list[bytes]:
        """See StateReader."""

    def entries(self) -> Iterable[tuple[bytes, bytes]]:
        """Every key with its value, without those of the store itself."""

    def clear(self) -> None:
        """Delete everything: the changelog is no longer the one this store was read from."""

    def close(self) -> None: ...


def never(key: bytes, value: bytes) -> int:
    """For stages whose values do not expire."""
    return 0


class MemoryStore:
    """State in memory, which is lost when its lane is closed."""

    def __init__(self, expiry_of: ExpiryOf = never) -> None:
        self._values: dict[bytes, bytes] = {}
        self._position = 0
        self.origin = ""
        self._expiry_of = expiry_of
        self._by_hour: dict[int, set[bytes]] = {}

    @property
    def position(self) -> int:
        return self._position

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        get = self._values.get
        return [get(key) for key in keys]

    def bind(self, origin: str) -> None:
        self.origin = origin

    def apply(self, changes: StateChanges, position: int) -> None:
        values = self._values
        for key, value in changes.items():
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value
                if at := self._expiry_of(key, value):
                    self._by_hour.setdefault(at // HOUR_MS, set()).add(key)
        self._position = position

    def expired(self, now: LogMs) -> list[bytes]:
        hours = [hour for hour in self._by_hour if hour < now // HOUR_MS]
        return sorted(set[bytes]().union(*map(self._by_hour.pop, hours)))

    def entries(self) -> Iterable[tuple[bytes, bytes]]:
        return self._values.items()

    def clear(self) -> None:
        self._values.clear()
        self._by_hour.clear()
        self._position = 0
        self.origin = ""

    def close(self) -> None:
        return


class RocksStore:
    """State on disk, in RocksDB without a write-ahead log.

    A crash loses the write buffer together with the position that belongs to it, so the store
    reads the lost changes from the changelog again.
    """

    def __init__(
        self,
        folder: Path,
        expiry_of: ExpiryOf = never,
        due_of: DueOf = never_due,
        rewrite_seconds: float = REWRITE_SECONDS,
    ) -> None:
        """`rewrite_seconds`: how often deleted bytes are dropped from the files."""
        self._folder = folder
        self._rewrite_seconds = rewrite_seconds
        self._expiry_of = expiry_of
        self._due_of = due_of
        self.keeps_due_times = due_of is not never_due
        self._returned: list[bytes] = []  # index entries to delete with the next changes
        if _is_stale(folder):
            _logger.info("state folder %s is too old to be continued: it is read anew", folder)
            shutil.rmtree(folder)
        try:
            self._open()
        except StateDamagedError as error:
            _logger.warning("%s: it is read anew from the changelog", error)
            self._remove()
            self._open()

    def _open(self) -> None:
        self._rocks = CheckedRocks(self._folder)
        try:
            self._read_own()
        except StateDamagedError:
            self.close()
            raise

    def _read_own(self) -> None:
        """What the store keeps for itself; the index of due times, where another build wrote."""
        stored, origin = self._rocks.get([POSITION_KEY, ORIGIN_KEY])
        self._position = int.from_bytes(stored, "big") if stored else 0
        self.origin = origin.decode() if origin else ""
        self._due = DueIndex(self._rocks, self._due_of)
        if self.keeps_due_times and stored and self._rocks.get(INDEXED_KEY) != stored:
            for batch in self._due.add_all(all_entries(self._rocks)):
                self._rocks.write(batch)
        self._rewrite = FileRewrite(self._rocks, self._rewrite_seconds)

    @property
    def position(self) -> int:
        return self._position

    def bind(self, origin: str) -> None:
        batch = WriteBatch(raw_mode=True)
        batch.put(ORIGIN_KEY, origin.encode())
        self._rocks.write(batch)
        self.origin = origin

    def get(self, key: bytes) -> bytes | None:
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        values: list[bytes | None] = self._rocks.get(list(keys))
        if self.keeps_due_times:
            self._due.saw(keys, values)
        return values

    def apply(self, changes: StateChanges, position: int) -> None:
        batch = WriteBatch(raw_mode=True)
        put, delete = batch.put, batch.delete
        for key, value in changes.items():
            if value is None:
                delete(key)
            else:
                put(key, value)
                if at := self._expiry_of(key, value):
                    put(_hour_key(at) + key, b"")
                if value.startswith(MARK_BYTE, DUE_BYTES):
                    put(NEWEST_KEY, key)
        for entry in self._returned:
            delete(entry)
        self._returned = []
        written = position.to_bytes(8, "big")
        put(POSITION_KEY, written)
        if self.keeps_due_times:
            self._due.write(batch, changes)
            put(INDEXED_KEY, written)
        self._rocks.write(batch)
        self._position = position
        self._rewrite.look()

    def expired(self, now: LogMs) -> list[bytes]:
        end, entries = _hour_key(now), []
        for entry in self._rocks.keys(from_key=INDEX_PREFIX):
            if entry >= end:
                break
            entries.append(entry)
        self._returned += entries
        return sorted({entry[len(end) :] for entry in entries})

    def due_between(
        self, after: int, until: int, count: int
    ) -> tuple[list[tuple[int, bytes]], int]:
        """See DueTimes."""
        return self._due.between(after, until, count)

    def due_entries(self) -> int:
        """Number of entries in the index of due times; reads all of them."""
        return sum(1 for _ in takewhile(is_due_entry, self._rocks.keys(from_key=DUE_PREFIX)))

    def entries(self) -> Iterable[tuple[bytes, bytes]]:
        return RocksEntries(self._rocks) if self.keeps_due_times else all_entries(self._rocks)

    def clear(self) -> None:
        self.close()
        self._remove()
        self._returned = []
        self._open()

    def rewritten(self) -> None:
        """Wait until files that are being rewritten are."""
        self._rewrite.wait()

    def close(self) -> None:
        if (rewrite := getattr(self, "_rewrite", None)) is not None:
            rewrite.stop()
        # What a damaged store cannot write any more is read again from the changelog.
        with contextlib.suppress(StateDamagedError, StateDiskFullError, StateFolderError):
            self._rocks.close()

    def _remove(self) -> None:
        with known_faults(self._folder):
            shutil.rmtree(self._folder)


def _hour_key(time: int) -> bytes:
    return INDEX_PREFIX + (time // HOUR_MS).to_bytes(4, "big")


def _is_stale(folder: Path) -> bool:
    """A compacted topic drops the record of a deleted key some time after; a store that was not
    open meanwhile would keep the key for ever."""
    touched = [path.stat().st_mtime for path in folder.glob("*")]
    return bool(touched) and time.time() - max(touched) > STALE_SECONDS
