"""Writes dead letters to a file that `headwater replay` and `headwater send` read."""

from __future__ import annotations

import os
from pathlib import Path

from streams.errors import Stop, writing_to
from streams.kafka.kcat import KcatRecord, write_records
from streams.operations.dead_letters.chosen import Chosen, chosen_messages
from streams.settings import Settings
from streams.wiring.store import stored


def export_letters(settings: Settings, chosen: Chosen, path: Path, *, replaces: bool) -> int:
    """Write one line for each distinct message, as `kcat -C -J` prints it; how many.

    The file appears once it is complete, readable to its owner only. Stop: it exists already, and
    is not to be replaced.
    """
    if path.exists() and not replaces:
        raise Stop(f"{path} exists: name another file, or replace it with --force")
    part = path.with_name(f"{path.name}.part")
    with stored(settings) as store:
        try:
            with (
                writing_to(path),
                os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out,
            ):
                messages = (KcatRecord(*message) for message in chosen_messages(store, chosen))
                written = write_records(messages, out)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return written
