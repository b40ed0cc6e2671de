"""How the databases of one process are opened; they share one block cache."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from rocksdict import (
    AccessType,
    BlockBasedOptions,
    BottommostLevelCompaction,
    Cache,
    CompactOptions,
    DBCompressionType,
    Options,
    Rdict,
    WriteOptions,
)

BLOCK_CACHE_BYTES = 256 * 1024 * 1024  # of the process, shared by its stores
WRITE_BUFFER_BYTES = 16 * 1024 * 1024  # per store, and twice that while one is being flushed
BLOOM_BITS = 10.0


FILTERED_SHARE_MIN = 0.5
"""A store of whose entries fewer are in filters is rewritten when it is opened."""


def opened(folder: Path) -> Rdict:
    """A store, created where it is missing.

    rocksdict opens the default column family of a store that exists with the options in the
    store's own file, which know neither filter nor cache, unless it is given them by name.
    """
    options = _rocks_options()
    return Rdict(
        str(folder),
        options,
        column_families={"default": options},
        access_type=AccessType.read_write(),
    )


def lacks_filters(rocks: Rdict) -> bool:
    """Whether most of the store was written without filters, as earlier builds did."""
    properties = rocks.property_value("rocksdb.aggregated-table-properties") or ""
    entries, filtered = (
        int(found.group(1)) if (found := re.search(rf"# {name}=(\d+)", properties)) else 0
        for name in ("entries", "entries for filter")
    )
    return filtered < entries * FILTERED_SHARE_MIN


def rewrite(rocks: Rdict, first: bytes | None = None, last: bytes | None = None) -> None:
    """Write every file of a range again, without what was deleted. Of a whole store: about 4 s and
    twice the disk for 400,000 states."""
    every_level = CompactOptions()
    every_level.set_bottommost_level_compaction(BottommostLevelCompaction.force())
    rocks.compact_range(first, last, every_level)


def _rocks_options() -> Options:
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


def unlogged() -> WriteOptions:
    """Of writes that go to no write-ahead log: the changelog has them."""
    options = WriteOptions()
    options.disable_wal = True
    return options


@functools.cache
def _block_cache() -> Cache:
    return Cache(BLOCK_CACHE_BYTES)
