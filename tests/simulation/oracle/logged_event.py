"""A valid event, and when and where it was logged."""

from __future__ import annotations

from typing import Any, NamedTuple


class Seen(NamedTuple):
    event: Any
    ts: int
    topic: str
    reported_time: int = 0
    time_correction: str = ""
