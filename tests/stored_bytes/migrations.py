"""The checksums of migrations, as stores hold them: a released migration never changes."""

from __future__ import annotations

import json
from pathlib import Path

from streams.store.migrations import migrations

FILE = Path(__file__).parent / "migrations.json"


def checksums() -> dict[str, str]:
    """The checksum of every migration of this build, by its number and name."""
    return {f"{one.number}_{one.name}": one.checksum for one in migrations()}


def recorded_checksums() -> dict[str, str]:
    found: dict[str, str] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def edited(recorded: dict[str, str], today: dict[str, str]) -> list[str]:
    """The migrations that no longer are what they were when they were recorded."""
    return [name for name, checksum in recorded.items() if today.get(name) != checksum]


def write_checksums(found: dict[str, str]) -> None:
    FILE.write_text(json.dumps(found, indent=1) + "\n")
