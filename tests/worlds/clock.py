"""Times of test worlds, in minutes after noon of one day."""

from __future__ import annotations

from schemas.time import MINUTE_MS, EventMs, LogMs

NOON = 1_790_000_000_000
HOUR = 60
DAY = 24 * HOUR
WEEK = 7 * DAY


def at(minutes: float) -> EventMs:
    """Event time, `minutes` after noon."""
    return EventMs(NOON + round(minutes * MINUTE_MS))


def logged_at(minutes: float) -> LogMs:
    """Log time, `minutes` after noon."""
    return LogMs(NOON + round(minutes * MINUTE_MS))
