"""Units of time, types for the clocks, and the one way to write a duration.

A number of milliseconds is one of four things that never mix: a moment by the clock of an event, by
the clock of the log or by the wall clock, or a length of time. At run time all four are plain
integers, so that no event pays for a type. mypy sees four types: two moments of the same clock can
be compared and subtracted, a length of time can be added to a moment, and a moment of one clock is
refused where another clock is expected. Where two clocks do meet on purpose (log time as the upper
bound of an event time, say), the code says so by converting: `LogMs(install.time)`.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Never, Self, overload

if TYPE_CHECKING:

    class Millis(int):
        """A length of time in milliseconds."""

        def __add__(self, other: int, /) -> Millis: ...
        def __sub__(self, other: int, /) -> Millis: ...
        def __mul__(self, other: int, /) -> Millis: ...
        def __rmul__(self, other: int, /) -> Millis: ...

    # Operators of int accept any int. These accept less, on purpose, hence the ignored overrides.
    class _Moment(int):
        """Milliseconds since 1970, UTC, by one clock."""

        # `int` takes any number here; a moment takes a duration, or a moment of its own clock.
        def __add__(self, other: Millis, /) -> Self: ...  # type: ignore[override]
        def __radd__(self, other: Never, /) -> Never: ...  # type: ignore[override]
        @overload  # type: ignore[override]
        def __sub__(self, other: Self, /) -> Millis: ...
        @overload
        def __sub__(self, other: Millis, /) -> Self: ...
        def __sub__(self, other: object, /) -> object: ...
        def __rsub__(self, other: Never, /) -> Never: ...  # type: ignore[override]
        def __lt__(self, other: Self, /) -> bool: ...  # type: ignore[override]
        def __le__(self, other: Self, /) -> bool: ...  # type: ignore[override]
        def __gt__(self, other: Self, /) -> bool: ...  # type: ignore[override]
        def __ge__(self, other: Self, /) -> bool: ...  # type: ignore[override]

    class EventMs(_Moment):
        """When something happened, as its producer says: milliseconds since 1970, UTC."""

    class LogMs(_Moment):
        """Log time, the only clock a stage may read: milliseconds since 1970, UTC."""

    class WallMs(_Moment):
        """Wall clock of a process, for metrics and time-outs: milliseconds since 1970, UTC."""

else:
    EventMs = LogMs = WallMs = Millis = int

MILLISECOND = Millis(1)
SECOND_MS = 1_000 * MILLISECOND
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

LOG_TIME_MAX = LogMs(4_102_444_800_000)
"""Beginning of 2100. A record stamped later was stamped in another unit, and tells no time."""

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
