"""The state of one lane: a cache of its changelog topic, on disk or in memory.

A store writes its changelog position together with the changes. After a crash it continues from
that position; an empty store continues from the start of the changelog.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Protocol

from rocksdict import (
    AccessType,
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    Options,
    Rdict,
    WriteBatch,
    WriteOptions,
)

from schemas.records import MARK_BYTE
from schemas.time import HOUR_MS, LogMs
from streams.runtime.rocks.disk import StateDiskFullError, disk_errors
from streams.runtime.rocks.due_index import DueIndex, DueOf, never_due
from streams.runtime.rocks.keys import (
    DUE_PREFIX,
    INDEX_PREFIX,
    INDEXED_KEY,
    NEWEST_KEY,
    POSITION_KEY,
    RocksEntries,
    all_entries,
    is_due_entry,
)
from streams.stages.common.working_set import DUE_BYTES

BLOCK_CACHE_BYTES = 256 * 1024 * 1024  # of the process, shared by its stores
WRITE_BUFFER_BYTES = 16 * 1024 * 1024  # per store, and twice that while one is being flushed
BLOOM_BITS = 10.0

STALE_SECONDS = 12 * 3600
"""A store that was not written for so long is rebuilt: half of Kafka's default
`delete.retention.ms`, after which a compacted topic drops the records of deleted keys."""

ExpiryOf = Callable[[bytes, bytes], int]
"""From key and value to the log time, in ms, from which the value has expired; 0: never."""

StateChanges = Mapping[bytes, bytes | None]


class StateStore(Protocol):
    """State that a stage reads and only the runtime writes.

    All calls block on local disk at most. `apply` may not run at the same time as another call.
    After `close` nothing else may be called. An error means that the disk failed.
    """

    @property
    def position(self) -> int:
        """The next changelog offset to apply; 0 for an empty store."""

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

    def close(self) -> None:
        return


class RocksStore:
    """State on disk, in RocksDB without a write-ahead log.

    A crash loses the write buffer together with the position that belongs to it, so the store
    reads the lost changes from the changelog again.
    """

    def __init__(
        self, folder: Path, expiry_of: ExpiryOf = never, due_of: DueOf = never_due
    ) -> None:
        self._folder = folder
        self._expiry_of = expiry_of
        self._due_of = due_of
        self.keeps_due_times = due_of is not never_due
        self._returned: list[bytes] = []  # index entries to delete with the next changes
        if _is_stale(folder):
            shutil.rmtree(folder)
        self._open()

    def _open(self) -> None:
        with disk_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._rocks = Rdict(str(self._folder), _options(), access_type=AccessType.read_write())
        unlogged = WriteOptions()
        unlogged.disable_wal = True
        self._unlogged = unlogged
        stored = self._rocks.get(POSITION_KEY)
        self._position = int.from_bytes(stored, "big") if stored else 0
        self._due = DueIndex(self._rocks, self._due_of)
        if self.keeps_due_times and stored and self._rocks.get(INDEXED_KEY) != stored:
            for batch in self._due.add_all(all_entries(self._rocks)):
                with disk_errors(self._folder):
                    self._rocks.write(batch, unlogged)

    @property
    def position(self) -> int:
        return self._position

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
        with disk_errors(self._folder):
            self._rocks.write(batch, self._unlogged)
        self._position = position

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
        shutil.rmtree(self._folder)
        self._open()

    def close(self) -> None:
        with contextlib.suppress(StateDiskFullError), disk_errors(self._folder):
            self._rocks.close()


def _hour_key(time: int) -> bytes:
    return INDEX_PREFIX + (time // HOUR_MS).to_bytes(4, "big")


def _is_stale(folder: Path) -> bool:
    """A compacted topic drops the record of a deleted key some time after; a store that was not
    open meanwhile would keep the key for ever."""
    touched = [path.stat().st_mtime for path in folder.glob("*")]
    return bool(touched) and time.time() - max(touched) > STALE_SECONDS


@functools.cache
def _block_cache() -> Cache:
    return Cache(BLOCK_CACHE_BYTES)


def _options() -> Options:
    table = BlockBasedOptions()
    table.set_block_cache(_block_cache())
    table.set_bloom_filter(BLOOM_BITS, False)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(table)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_background_jobs(2)
    options.set_keep_log_file_num(2)
    return options
