"""Units of time, types for the clocks, and the one way to write a duration.

A number of milliseconds is one of four things that never mix: a moment by the clock of an event, by
the clock of the log or by the wall clock, or a length of time. The types let mypy tell them apart;
at run time all four are plain integers.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NewType

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

EventMs = NewType("EventMs", int)
"""When something happened, as its producer says: milliseconds since 1970, UTC."""

LogMs = NewType("LogMs", int)
"""Log time, the only clock a stage may read: milliseconds since 1970, UTC."""

WallMs = NewType("WallMs", int)
"""Wall clock of a process, for metrics and time-outs: milliseconds since 1970, UTC."""

Millis = NewType("Millis", int)
"""A length of time in milliseconds."""

_UNITS_MS = {"d": DAY_MS, "h": HOUR_MS, "m": MINUTE_MS, "s": SECOND_MS, "ms": 1}
"""Largest first: `format_duration` takes the first that divides."""

_DURATION = re.compile(r"(-?\d{1,12}(?:\.\d{1,12})?)(ms|s|m|h|d)")


def parse_duration(text: str) -> Millis:
    """The length of time written as a number and a unit: `3d`, `36h`, `1.5h`, `90m` or `500ms`.

    A fraction of a millisecond is rounded. A negative duration is parsed, so that the caller can
    refuse it by name. ValueError: the text is not a duration.
    """
    parsed = _DURATION.fullmatch(text.strip())
    if parsed is None:
        raise ValueError(f"{text!r} is not a duration such as 3d, 36h, 90m, 30s or 500ms")
    number, unit = parsed.groups()
    return Millis(round(Fraction(number) * _UNITS_MS[unit]))


def format_duration(duration: int) -> str:
    """The shortest exact text that `parse_duration` reads back: 604800000 is `7d`, 0 is `0ms`."""
    for unit, unit_ms in _UNITS_MS.items():
        if duration and duration % unit_ms == 0:
            return f"{duration // unit_ms}{unit}"
    return f"{duration}ms"
