"""How the databases of one process are opened; they share one block cache."""

from __future__ import annotations

import functools

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, WriteOptions

BLOCK_CACHE_BYTES = 256 * 1024 * 1024  # of the process, shared by its stores
WRITE_BUFFER_BYTES = 16 * 1024 * 1024  # per store, and twice that while one is being flushed
BLOOM_BITS = 10.0


def rocks_options() -> Options:
    """Of a store that is created where it is missing."""
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
