"""A store has filters and the shared cache whenever it was created, and whoever created it."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from rocksdict import AccessType, BlockBasedOptions, Options, Rdict, WriteBatch

from streams.runtime.rocks.checked_rocks import CheckedRocks
from streams.runtime.rocks.options import BLOCK_CACHE_BYTES, lacks_filters, opened

KEYS = 2_000


def filled(rocks: Rdict, first: int) -> None:
    batch = WriteBatch(raw_mode=True)
    for number in range(first, first + KEYS):
        batch.put(b"%08d" % number, b"x" * 50)
    rocks.write(batch)
    rocks.flush()


def entries_and_filtered(rocks: Rdict) -> tuple[int, int]:
    properties = rocks.property_value("rocksdb.aggregated-table-properties") or ""
    entries, filtered = (
        int(re.findall(rf"# {name}=(\d+)", properties)[0])
        for name in ("entries", "entries for filter")
    )
    return entries, filtered


def test_what_a_reopened_store_writes_is_in_its_filters(tmp_path: Path) -> None:
    """rocksdict would take the options from the store's own file, which lack the filter."""
    for lap in range(3):
        rocks = opened(tmp_path)
        filled(rocks, lap * KEYS)
        assert entries_and_filtered(rocks) == ((lap + 1) * KEYS,) * 2
        rocks.close()


def test_a_reopened_store_has_the_cache_of_the_process(tmp_path: Path) -> None:
    opened(tmp_path).close()
    rocks = opened(tmp_path)
    assert rocks.property_int_value("rocksdb.block-cache-capacity") == BLOCK_CACHE_BYTES
    rocks.close()


def test_a_store_written_without_filters_is_rewritten_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    plain = Options(raw_mode=True)
    plain.set_block_based_table_factory(BlockBasedOptions())
    plain.set_disable_auto_compactions(True)
    old = Rdict(str(tmp_path), plain, access_type=AccessType.read_write())
    filled(old, 0)
    assert lacks_filters(old)
    old.close()
    for _ in range(2):
        rocks = CheckedRocks(tmp_path)
        assert rocks.get(b"%08d" % 7) == b"x" * 50
        rocks.close()
    (line,) = caplog.messages
    assert line.endswith("lacks filters: its files are rewritten")
    rewritten = opened(tmp_path)
    assert entries_and_filtered(rewritten) == (KEYS, KEYS)
    rewritten.close()


def test_an_empty_store_lacks_nothing(tmp_path: Path) -> None:
    rocks = opened(tmp_path)
    assert not lacks_filters(rocks)
    rocks.close()
