"""Recognises a time in another unit than its field is in, to tell the producer what to send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from schemas.parts import LOOKBACK_S_MAX
from schemas.time import DAY_MS, SECOND_MS

PLAUSIBLE_FROM_MS = 1_262_304_000_000
"""2010: what is earlier in another unit is no time at all."""

_HORIZON_MS = 100 * 365 * DAY_MS
_PER_SECOND = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}


def is_time(name: str) -> bool:
    """Whether a field is a moment or, in seconds, a length of time: their names say so."""
    return name.endswith(("_time", "_s"))


def advice_on_time(name: str, value: Any, logged_at: int) -> str | None:
    """What to send instead of `value`, which is in another unit or form; None: it may be right."""
    unit = "seconds" if name.endswith("_s") else "milliseconds"
    if name.endswith("_lookback_s"):
        return _advice_on_duration(name, value)
    if type(value) is str:
        return _advice_on_text(name, value, unit)
    if type(value) not in (int, float) or not value > 0:
        return None
    until = logged_at + (DAY_MS if name in ("event_time", "sent_time") else _HORIZON_MS)
    for other, per_second in _PER_SECOND.items():
        meant_ms = int(value) * SECOND_MS // per_second
        if not PLAUSIBLE_FROM_MS <= meant_ms <= until:
            continue
        right = meant_ms * _PER_SECOND[unit] // SECOND_MS
        if other != unit:
            return f"{name} {value} is in {other}: send {unit} since 1970, {right}"
        if type(value) is float:
            return f"{name} {value} is a decimal number: send whole {unit}, {right}"
    return None


def _advice_on_duration(name: str, value: Any) -> str | None:
    if type(value) is int and value > LOOKBACK_S_MAX:
        return f"{name} {value} is longer than any lookback: send seconds, a week is 604800"
    return None


def _advice_on_text(name: str, value: str, unit: str) -> str | None:
    try:
        meant = datetime.fromisoformat(value.strip())
    except ValueError:
        is_number = value.strip().isdecimal()
        return f"{name} {value[:32]!r} is text: send a number without quotes" if is_number else None
    meant = meant if meant.tzinfo else meant.replace(tzinfo=UTC)
    right = int(meant.timestamp() * _PER_SECOND[unit])
    return f"{name} {value[:32]!r} is text: send {unit} since 1970, {right}"
