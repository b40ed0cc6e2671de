"""A disk of some megabytes, in memory, that is full when a test wants it to be."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

MIB = 1_048_576
_PIECE = bytes(4_096)


class NoSmallDiskError(RuntimeError):
    """This process may not mount disks; the text says so."""


@dataclass(frozen=True, slots=True)
class SmallDisk:
    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(_PIECE):
                pass

    def make_room(self) -> None:
        """Take back what `fill` took."""
        self._ballast.unlink()

    def enlarge(self, mib: int) -> None:
        remount = ["mount", "-o", f"remount,size={mib * MIB}", str(self.folder)]
        subprocess.run(remount, check=True)


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[SmallDisk]:
    """A disk mounted at `folder`, which is made. NoSmallDiskError where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib * MIB}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        reason = "mounting a small disk needs rights that this process does not have"
        raise NoSmallDiskError(reason) from None
    try:
        yield SmallDisk(folder)
    finally:
        # What a killed process had open is given back a moment later.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def small_disk_or_skip(folder: Path, mib: int) -> Iterator[SmallDisk]:
    """As `small_disk`; skips a test where that is not allowed."""
    try:
        with small_disk(folder, mib) as disk:
            yield disk
    except NoSmallDiskError as error:
        pytest.skip(str(error))
