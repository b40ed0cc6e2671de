"""A full disk is said of the disk, and never of the rows that it has no room for."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import in_one_line
from streams.store.base import BadRowsError, StoreDiskFullError, UnavailableError, error_of
from streams.store.migrations import require_usable
from tests.faults.small_disk import small_disk_or_skip
from tests.worlds.stores.migrated import migrated_store
from tests.worlds.stores.store_world import every_kind, put

MIB = 192
WRITE_FAILED, DIRECTORY_FAILED, ANY_EXCEPTION, CANNOT_PARSE = 75, 172, 1001, 6
FULL = "Cannot write to file /x: , errno: 28, strerror: No space left on device"


@pytest.mark.parametrize("code", [WRITE_FAILED, DIRECTORY_FAILED, ANY_EXCEPTION, 0])
def test_what_names_a_full_disk_is_no_fault_of_the_rows(code: int) -> None:
    error = error_of("/store", code, f"Code: {code}. DB::Exception: {FULL}")
    assert isinstance(error, StoreDiskFullError)
    assert "the disk of ClickHouse at /store is full" in str(error)


def test_a_machine_that_fails_is_waited_for() -> None:
    broken = "Cannot write to file /x: , errno: 5, strerror: Input/output error"
    assert type(error_of("/store", WRITE_FAILED, broken)) is UnavailableError


def test_a_row_that_quotes_a_full_disk_is_a_bad_row() -> None:
    quoted = "Cannot parse input: expected ',' before: 'No space left on device'"
    assert isinstance(error_of("/store", CANNOT_PARSE, quoted), BadRowsError)


def test_a_folder_without_room_takes_nothing_keeps_what_it_has_and_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("chdb")
    from streams.store.embedded import EmbeddedStore

    with small_disk_or_skip(tmp_path / "disk", MIB) as disk:
        store = migrated_store(disk.folder / "store")
        put(store, every_kind())
        disk.fill()
        with pytest.raises(StoreDiskFullError) as full:
            put(store, every_kind())
        line = in_one_line(full.value)
        assert line.startswith(f"the disk of ClickHouse at {store.place} is full (")
        assert "make room there" in line
        assert store.query("SELECT count() FROM revenue").rows == [(1,)]
        # The engine would leave an empty definition, and not open the folder again.
        with pytest.raises(StoreDiskFullError, match="MB are free"):
            store.execute("CREATE VIEW another AS SELECT 1")
        disk.make_room()
        put(store, every_kind())
        assert store.query("SELECT count() FROM revenue").rows == [(2,)]
        store.execute("CREATE VIEW another AS SELECT 1")
        store.close()
        again = EmbeddedStore(disk.folder / "store")
        require_usable(again)
        again.close()
