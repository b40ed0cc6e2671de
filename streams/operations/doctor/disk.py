"""Whether the folder of an installation can be written and has room."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from streams.operations.doctor.check import Check

DISK_BYTES_MIN = 2_000_000_000
"""Free space below which the disk is called full: RocksDB and ClickHouse need room to merge."""


def examine_disk(folder: Path) -> Check:
    """The check `disk`."""
    there = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    if not os.access(there, os.W_OK):
        return Check("disk", False, f"{there} cannot be written: choose another HEADWATER_DATA")
    free = shutil.disk_usage(there).free
    known = f"{free / 1e9:.1f} GB free at {there}"
    if free < DISK_BYTES_MIN:
        return Check(
            "disk", False, f"{known}: free {DISK_BYTES_MIN / 1e9:.0f} GB, or move HEADWATER_DATA"
        )
    return Check("disk", True, known)
