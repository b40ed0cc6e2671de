"""Checks an environment the way a starting worker does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from streams.settings import Settings, read_settings


def settings_of(environ: Mapping[str, str], folder: Path) -> Settings:
    """The settings a worker would read; SettingError for a name or value it refuses.

    Files that only exist where the worker runs are replaced by one in `folder`.
    """
    stand_in = folder / "secret"
    stand_in.write_text("swordfish")
    return read_settings(
        {
            name: str(stand_in) if name.endswith("_FILE") else value
            for name, value in environ.items()
        }
    )
