"""Files of a state lose what was deleted, though nobody writes there again."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.runtime.rocks.file_rewrite import REWRITE_SECONDS
from streams.runtime.state import RocksStore
from streams.stages.common.working_set import DUE_BYTES, stored_due, stored_expiry

KEPT = [f"j:app:{number:02d}-{secrets.token_hex(12)}".encode() for number in range(40)]
ERASED, OVERWRITTEN = KEPT[7], KEPT[20]
CONTENT, NEWER = secrets.token_hex(40).encode(), secrets.token_hex(40).encode()


def value(content: bytes) -> bytes:
    return bytes(DUE_BYTES) + content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a store that was closed with everything in its files."""
    store = opened(tmp_path / "0")
    store.apply({key: value(secrets.token_hex(20).encode()) for key in KEPT}, 1)
    store.apply({OVERWRITTEN: value(CONTENT)}, 2)
    store.close()
    return tmp_path / "0"


def opened(folder: Path, seconds: float = REWRITE_SECONDS) -> RocksStore:
    return RocksStore(folder, stored_expiry, stored_due, seconds)


def in_files(folder: Path, *names: bytes) -> list[bool]:
    """Which of these are in the bytes of the files. Random digits are stored as they are; what a
    key has in common with the one before it is not, so the end of a key is searched for."""
    octets = b"".join(file.read_bytes() for file in folder.glob("*.sst"))
    return [name[-20:] in octets for name in names]


@pytest.fixture
def erased(folder: Path) -> Iterator[Path]:
    """The same after a day on which one key was deleted and one overwritten."""
    assert in_files(folder, ERASED, CONTENT) == [True, True]
    store = opened(folder, 0)
    store.apply({ERASED: None, OVERWRITTEN: value(NEWER)}, 3)
    store.rewritten()
    yield folder
    store.close()


def test_deleted_and_overwritten_bytes_are_gone_and_the_rest_is_there(erased: Path) -> None:
    assert in_files(erased, ERASED, CONTENT, NEWER, KEPT[0]) == [False, False, True, True]


def test_a_rewritten_store_has_all_other_keys_and_its_position(folder: Path) -> None:
    store = opened(folder, 0)
    store.apply({ERASED: None}, 3)
    store.rewritten()
    store.close()
    again = opened(folder)
    assert [key for key, _ in again.entries()] == sorted({*KEPT} - {ERASED})
    assert again.position == 3
    again.close()


def test_before_a_day_has_passed_files_stay_also_after_a_restart(folder: Path) -> None:
    for position in (3, 4):
        store = opened(folder)
        store.apply({ERASED: None}, position)
        store.rewritten()
        store.close()
    assert in_files(folder, ERASED) == [True]


def test_a_store_can_be_closed_while_its_files_are_rewritten(folder: Path) -> None:
    store = opened(folder, 0)
    store.apply({ERASED: None}, 3)
    store.close()
    again = opened(folder)
    assert again.get(ERASED) is None
    assert again.get(KEPT[0]) is not None
    again.close()
