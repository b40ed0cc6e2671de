"""Marks the data folders that a demo may empty: those that only demos have written to."""

from __future__ import annotations

import shutil
from pathlib import Path

from streams.errors import Stop
from streams.store.embedded import require_free

MARKER = "demo"


def clear_folder(folder: Path) -> None:
    """Empty the folder for a new demo. Raises Stop if anything but a demo has stored rows in it."""
    store = folder / "chdb"
    if store.exists():
        if not (folder / MARKER).exists():
            raise Stop(
                f"the store in {store} was not made by a demo: choose another folder with --data, "
                "or remove it yourself"
            )
        require_free(store)
    shutil.rmtree(store, ignore_errors=True)
    shutil.rmtree(folder / "state", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text("`headwater demo` may replace the store beside this file.\n")


def keep_folder(folder: Path) -> None:
    """Mark that the store now holds rows that no demo may replace."""
    (folder / MARKER).unlink(missing_ok=True)
