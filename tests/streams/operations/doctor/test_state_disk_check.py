"""What the doctor says of the disk that holds the state."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from streams.operations.doctor.disk import (
    STATE_BYTES_MIN,
    STATE_FILES_MIN,
    examine_disk,
    examine_state_disk,
)

BLOCK = 4_096
Statvfs = Callable[[Path], SimpleNamespace]


def room(free_bytes: int, files: int = STATE_FILES_MIN, all_files: int = 1 << 20) -> Statvfs:
    found = SimpleNamespace(
        f_bavail=free_bytes // BLOCK, f_frsize=BLOCK, f_favail=files, f_files=all_files
    )
    return lambda path: found


@pytest.mark.parametrize(
    ("statvfs", "is_ok", "advice"),
    [
        (room(STATE_BYTES_MIN + 2 * 10**6), True, "0.5 GB free"),
        (room(STATE_BYTES_MIN), False, "move HEADWATER_STATE_DIR"),
        (room(10**12, files=99), False, "can hold 99 more files"),
        (room(10**12, files=0, all_files=0), True, "GB free"),  # without inodes, as btrfs
    ],
)
def test_the_disk_needs_as_much_room_again_as_the_state_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statvfs: Statvfs, is_ok: bool, advice: str
) -> None:
    (tmp_path / "matching").mkdir()
    (tmp_path / "matching" / "1.sst").write_bytes(bytes(10**6))
    monkeypatch.setattr(os, "statvfs", statvfs)
    found = examine_state_disk(tmp_path)
    assert (found.name, found.ok) == ("state_disk", is_ok)
    assert advice in found.advice


def test_a_folder_that_does_not_exist_yet_is_judged_by_the_disk_it_will_be_on(
    tmp_path: Path,
) -> None:
    assert str(tmp_path) in examine_state_disk(tmp_path / "later" / "state").advice


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("not a folder")
    for folder in (tmp_path / "state", tmp_path / "state" / "matching"):
        assert f"{tmp_path / 'state'} is a file" in examine_state_disk(folder).advice
        assert not examine_disk(folder).ok


@pytest.mark.parametrize("folder", ["/proc/headwater", "/sys/headwater"])
def test_a_folder_that_takes_nothing_is_not_called_full(folder: str) -> None:
    """Root may write to it by its mode, and it has 0 bytes free."""
    for found in (examine_disk(Path(folder)), examine_state_disk(Path(folder))):
        assert not found.ok
        assert "cannot be written" in found.advice
        assert "GB free" not in found.advice
