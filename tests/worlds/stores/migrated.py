"""A store with the tables and views of this version: a copy of one that was migrated before.

To apply every migration takes seconds, and hundreds of tests want a store of their own. What is
copied lies in `.headwater` of the checkout under a digest of all that makes it, and is made by a
process of its own: chdb opens one folder at a time, and a test may have one open.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from streams.store.embedded import EmbeddedStore
from streams.store.migrations import apply_migrations
from tests.checkout import ROOT

_FOLDER = ROOT / ".headwater" / "tests"
_SOURCES = (
    "streams/store/embedded.py",
    "streams/store/migrations.py",
    "tests/worlds/stores/migrated.py",
)


def migrated_store(folder: Path) -> EmbeddedStore:
    """Open a store of its own, without a row, in a folder that has none yet."""
    return EmbeddedStore(migrated_folder(folder))


def migrated_folder(folder: Path) -> Path:
    """The same for a process that is still to come."""
    return Path(shutil.copytree(_pattern(), folder, symlinks=True, dirs_exist_ok=True))


@functools.cache
def _pattern() -> Path:
    """The folder to copy, made by the first of all processes that ask for it."""
    folder = _FOLDER / f"migrated-{_digest()}"
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            for outdated in _FOLDER.glob("migrated-*"):
                shutil.rmtree(outdated)
            subprocess.run([sys.executable, "-m", __name__, folder], cwd=ROOT, check=True)
    return folder


def _digest() -> str:
    """Of the migrations, of the code that applies them, and of the engine that stores them."""
    files = sorted((ROOT / "schemas" / "migrations").glob("*.sql"))
    content = hashlib.sha256(metadata.version("chdb").encode())
    for file in (*files, *(ROOT / name for name in _SOURCES)):
        content.update(f"\n{file.name} {file.stat().st_size}\n".encode())
        content.update(file.read_bytes())
    return content.hexdigest()[:16]


def _make(folder: Path) -> None:
    """Whole or not at all: a process may be killed while it migrates."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        store = EmbeddedStore(Path(unfinished) / "store")
        apply_migrations(store)
        store.close()
        (Path(unfinished) / "store").rename(folder)


if __name__ == "__main__":
    _make(Path(sys.argv[1]))
