"""Whether the folders of an installation can be written and have room."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from tempfile import TemporaryFile

from streams.operations.doctor.check import Check

DISK_BYTES_MIN = 2_000_000_000
"""Free space below which the disk is called full: RocksDB and ClickHouse need room to merge."""


STATE_BYTES_MIN = 500_000_000
"""Free space beside as much as the state takes: RocksDB writes anew what it merges."""
STATE_FILES_MIN = 10_000
"""Files that can still be made: RocksDB makes a few for every 16 MB."""


def examine_state_disk(folder: Path) -> Check:
    """The check `state_disk`: a lane whose disk is full waits until it has room."""
    there = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    if fault := _unusable(there):
        return _state_disk(f"{fault}: choose another HEADWATER_STATE_DIR")
    taken = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    room = os.statvfs(there)
    free, wanted = room.f_bavail * room.f_frsize, taken + STATE_BYTES_MIN
    known = f"{free / 1e9:.1f} GB free at {there}, the state takes {taken / 1e9:.1f} GB"
    if free < wanted:
        return _state_disk(f"{known}: free {wanted / 1e9:.1f} GB, or move HEADWATER_STATE_DIR")
    if room.f_files and room.f_favail < STATE_FILES_MIN:
        return _state_disk(f"{there} can hold {room.f_favail} more files: free {STATE_FILES_MIN}")
    return Check("state_disk", True, known)


def _unusable(there: Path) -> str:
    """Why nothing can be made in the nearest folder that is there; empty when it can."""
    if not there.is_dir():
        return f"{there} is a file"
    try:
        with TemporaryFile(dir=there):
            return ""
    except OSError as error:
        # Root may write to folders that take nothing, such as /proc and what is mounted read-only.
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return "" if is_full else f"{there} cannot be written ({error.strerror})"


def _state_disk(advice: str) -> Check:
    return Check("state_disk", False, advice)


def examine_disk(folder: Path) -> Check:
    """The check `disk`."""
    there = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    if fault := _unusable(there):
        return Check("disk", False, f"{fault}: choose another HEADWATER_DATA")
    free = shutil.disk_usage(there).free
    known = f"{free / 1e9:.1f} GB free at {there}"
    if free < DISK_BYTES_MIN:
        return Check(
            "disk", False, f"{known}: free {DISK_BYTES_MIN / 1e9:.0f} GB, or move HEADWATER_DATA"
        )
    return Check("disk", True, known)
