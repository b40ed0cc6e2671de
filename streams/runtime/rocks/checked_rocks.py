"""A RocksDB whose damage is an error of ours, also where RocksDB itself says nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rocksdict import WriteBatch

from streams.runtime.rocks.faults import StateDamagedError, fault_of, known_faults
from streams.runtime.rocks.options import lacks_filters, opened, rewrite, unlogged

_logger = logging.getLogger(__name__)


class CheckedRocks:
    """The part of `Rdict` that state uses, on raw bytes and without a write-ahead log.

    Every call raises StateDamagedError or StateFolderError. RocksDB's iterators end at a damaged
    block as they do after the last key, so one that has ended is asked whether that was the end.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with known_faults(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._rocks = opened(folder)
            if lacks_filters(self._rocks):
                _logger.info("state folder %s lacks filters: its files are rewritten", folder)
                rewrite(self._rocks)
        self._unlogged = unlogged()

    # These two are called for every batch of records: a `with` would cost more than the read.
    def get(self, key: bytes | list[bytes]) -> Any:
        """The value of a key or the values of many; None for a key that is not there."""
        try:
            return self._rocks.get(key)
        except Exception as error:
            raise fault_of(self._folder, error) from error

    def write(self, batch: WriteBatch) -> None:
        try:
            self._rocks.write(batch, self._unlogged)
        except Exception as error:
            raise fault_of(self._folder, error) from error

    def keys(self, from_key: bytes | None = None) -> Iterator[bytes]:
        key: bytes | None = None
        with known_faults(self._folder):
            for key in self._rocks.keys(from_key=from_key):
                yield key
            self._require_last(key, from_key)

    def items(self, from_key: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        key: bytes | None = None
        with known_faults(self._folder):
            for key, value in self._rocks.items(from_key=from_key):
                yield key, value
            self._require_last(key, from_key)

    def flush(self) -> None:
        """Write what is in memory to a file."""
        with known_faults(self._folder):
            self._rocks.flush()

    def files(self) -> list[tuple[int, bytes]]:
        """The level and last key of every file."""
        with known_faults(self._folder):
            files = self._rocks.live_files()
        return [(int(one["level"]), bytes(one["end_key"])) for one in files]

    def rewrite_range(self, first: bytes | None, last: bytes | None) -> None:
        """Write the files of a range again, without what was deleted. Others may use the store.
        None: from the first key, up to the last one."""
        with known_faults(self._folder):
            rewrite(self._rocks, first, last)

    def close(self) -> None:
        with known_faults(self._folder):
            self._rocks.close()

    def _require_last(self, key: bytes | None, from_key: bytes | None) -> None:
        last = self._rocks.iter()
        last.seek_to_last()
        last.status()
        if last.valid() and last.key() != key and last.key() >= (from_key or b""):
            raise StateDamagedError(
                f"state folder {self._folder} is damaged (a block cannot be read)"
            )
