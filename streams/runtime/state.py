"""The state of one lane: a cache of its changelog topic, on disk or in memory.

A store remembers how far into the changelog it is, in the same write as the changes, so after
any crash it continues from there, and from the start when it is empty.
"""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

from schemas.time import HOUR_MS

POSITION_KEY = b"\x00\x00changelog position"
"""Reserved: the next changelog offset to read, 8 bytes, big-endian. Stages never see it."""

BLOCK_CACHE_BYTES = 256 * 1024 * 1024  # of the process; its stores share it
WRITE_BUFFER_BYTES = 16 * 1024 * 1024  # per store, and twice that while one is being flushed
BLOOM_BITS = 10.0

STALE_SECONDS = 12 * 3600
"""Half of Kafka's default `delete.retention.ms`."""

ExpiryOf = Callable[[bytes, bytes], int]
"""Key and value to the log time from which the value may be forgotten, in ms; 0: never."""

INDEX_PREFIX = b"\x01"
"""Of the index of values by the hour in which they become useless. No stage uses such keys."""

StateChanges = Mapping[bytes, bytes | None]


class StateStore(Protocol):
    """What a stage reads, and what only the shell writes."""

    @property
    def position(self) -> int:
        """The next changelog offset to apply; 0 when the store is empty."""

    def get(self, key: bytes) -> bytes | None: ...

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]: ...

    def apply(self, changes: StateChanges, position: int) -> None:
        """Write changes and position together; None deletes the key."""

    def expired(self, now: int) -> list[bytes]:
        """See StateReader."""

    def entries(self) -> Iterable[tuple[bytes, bytes]]: ...

    def clear(self) -> None:
        """Forget everything: the changelog is no longer the one this store came from."""

    def close(self) -> None: ...


def never(key: bytes, value: bytes) -> int:
    """For stages that forget by themselves."""
    return 0


class MemoryStore:
    """State that lives as long as its lane."""

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

    def expired(self, now: int) -> list[bytes]:
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
    """State on disk. Written without a write-ahead log: what a crash loses of the write buffer,
    the changelog still has, and the position that is lost with it says from where."""

    def __init__(self, folder: Path, expiry_of: ExpiryOf = never) -> None:
        self._folder = folder
        self._expiry_of = expiry_of
        self._named: list[bytes] = []  # index entries to delete with the next changes
        if _is_stale(folder):
            shutil.rmtree(folder)
        self._open()

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._rocks = Rdict(str(self._folder), _options(), access_type=AccessType.read_write())
        unlogged = WriteOptions()
        unlogged.disable_wal = True
        self._unlogged = unlogged
        stored = self._rocks.get(POSITION_KEY)
        self._position = int.from_bytes(stored, "big") if stored else 0

    @property
    def position(self) -> int:
        return self._position

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._rocks.get(key)
        return value

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        values: list[bytes | None] = self._rocks.get(list(keys))
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
        for entry in self._named:
            delete(entry)
        self._named = []
        put(POSITION_KEY, position.to_bytes(8, "big"))
        self._rocks.write(batch, self._unlogged)
        self._position = position

    def expired(self, now: int) -> list[bytes]:
        end, entries = _hour_key(now), []
        for entry in self._rocks.keys(from_key=INDEX_PREFIX):
            if entry >= end:
                break
            entries.append(entry)
        self._named += entries
        return sorted({entry[len(end) :] for entry in entries})

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        return (
            entry
            for entry in self._rocks.items()
            if entry[0] != POSITION_KEY and entry[0][:1] != INDEX_PREFIX
        )

    def clear(self) -> None:
        self._rocks.close()
        shutil.rmtree(self._folder)
        self._open()

    def close(self) -> None:
        self._rocks.close()


def _hour_key(time: int) -> bytes:
    return INDEX_PREFIX + (time // HOUR_MS).to_bytes(4, "big")


def _is_stale(folder: Path) -> bool:
    """A compacted topic forgets that a key was deleted; a store that slept longer than that
    would keep it for ever."""
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
