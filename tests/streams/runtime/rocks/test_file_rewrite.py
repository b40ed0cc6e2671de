"""Files of a state lose what was deleted, though nobody writes there again."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rocksdict import WriteBatch

from streams.runtime.rocks.file_rewrite import REWRITE_SECONDS, FileRewrite
from streams.runtime.state import RocksStore
from streams.stages.common.working_set import DUE_BYTES, stored_due, stored_expiry

# Random octets, as digits repeat in pieces of four, which compression then writes as references.
KEPT = [f"j:app:{number:02d}-".encode() + secrets.token_bytes(20) for number in range(40)]
ERASED, OVERWRITTEN = KEPT[7], KEPT[20]
CONTENT, NEWER = secrets.token_bytes(40), secrets.token_bytes(40)


def value(content: bytes) -> bytes:
    return bytes(DUE_BYTES) + content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a store that was closed with everything in its files."""
    store = opened(tmp_path / "0")
    store.apply({key: value(secrets.token_bytes(20)) for key in KEPT}, 1)
    store.apply({OVERWRITTEN: value(CONTENT)}, 2)
    store.close()
    return tmp_path / "0"


def opened(folder: Path, seconds: float = REWRITE_SECONDS) -> RocksStore:
    return RocksStore(folder, stored_expiry, stored_due, seconds)


def in_files(folder: Path, *names: bytes) -> list[bool]:
    """Which of these are in the bytes of the files.

    Random octets are stored as they are, but for a few at both ends: compression begins and ends
    its references there, where the neighbour happens to be the same. So a middle is searched for.
    """
    octets = b"".join(file.read_bytes() for file in folder.glob("*.sst"))
    return [name[-16:-4] in octets for name in names]


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


class LeveledFiles:
    """A store that has files on several levels, and notes what it is to rewrite."""

    def __init__(self, *files: tuple[int, bytes]) -> None:
        self._files = files
        self.rewritten: list[tuple[bytes | None, bytes | None]] = []

    def get(self, key: bytes) -> bytes | None:
        return None

    def write(self, batch: WriteBatch) -> None:
        return

    def flush(self) -> None:
        return

    def files(self) -> list[tuple[int, bytes]]:
        return list(self._files)

    def rewrite_range(self, first: bytes | None, last: bytes | None) -> None:
        self.rewritten.append((first, last))


@pytest.mark.parametrize(
    ("files", "ranges"),
    [
        (
            [*[(0, b"y")] * 8, (5, b"c"), (6, b"x"), (6, b"d"), (6, b"m")],
            [(None, b"d"), (b"d\0", b"m"), (b"m\0", None)],
        ),
        ([(0, b"x"), (0, b"y"), (0, b"z")], [(None, None)]),
        ([], [(None, None)]),
    ],
)
def test_every_key_is_in_one_range_and_each_range_has_one_file_of_the_last_level(
    files: list[tuple[int, bytes]], ranges: list[tuple[bytes | None, bytes | None]]
) -> None:
    rocks = LeveledFiles(*files)
    rewrite = FileRewrite(rocks, 0)
    rewrite.look()
    rewrite.wait()
    assert rocks.rewritten == ranges


class BusyFiles(LeveledFiles):
    """A store whose only range is being rewritten until `done` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.done = threading.Event(), threading.Event()

    def rewrite_range(self, first: bytes | None, last: bytes | None) -> None:
        self.began.set()
        self.done.wait()


def test_stores_of_one_process_take_turns() -> None:
    first, second, third = BusyFiles(), BusyFiles(), BusyFiles()
    rewrites = [FileRewrite(one, 0) for one in (first, second, third)]
    rewrites[0].look()
    assert first.began.wait(10)
    rewrites[1].look()
    rewrites[2].look()
    assert not second.began.wait(0.2)
    rewrites[2].stop()  # It waits for no turn.
    for one in (first, second, third):
        one.done.set()
    assert second.began.wait(10)
    for rewrite in rewrites:
        rewrite.wait()
    assert not third.began.is_set()
