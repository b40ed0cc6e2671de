"""Places of events in source topics, also where a topic was deleted and created anew.

A new log counts its offsets from 0 again, and rows of the old one stay. So the logs of a source
topic are numbered from 0, and offsets of a later one are counted on: rows and records name an
event by its place, which no other event of its partition ever has. Those of the first log are its
offsets.
"""

from __future__ import annotations

LOG_STRIDE = 2**40
"""Places of one log: more than any partition has. JSON holds exact places of 8,192 logs."""


def place_in_log(log: int, offset: int) -> int:
    """The place of an offset in the log of this number."""
    return log * LOG_STRIDE + offset


def log_at(place: int) -> int:
    """The number of the log that a place is in."""
    return place // LOG_STRIDE if place > 0 else 0


def offset_at(place: int) -> int:
    """The offset of a place in its log."""
    return place % LOG_STRIDE if place > 0 else place
