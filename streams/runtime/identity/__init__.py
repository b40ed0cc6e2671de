"""Which log stands behind a topic's name, and whether positions and state belong to it."""

from __future__ import annotations

from streams.runtime.identity.known_logs import UNKNOWN_LOGS, KnownLogs, changes_between
from streams.runtime.identity.position_advice import regrown, reset_command
from streams.runtime.identity.position_label import NO_LABEL, PositionLabel, read_label

__all__ = [
    "NO_LABEL",
    "UNKNOWN_LOGS",
    "KnownLogs",
    "PositionLabel",
    "changes_between",
    "read_label",
    "regrown",
    "reset_command",
]
