"""When an install is looked at. Times are milliseconds."""

from __future__ import annotations

from typing import NamedTuple

from schemas.time import DAY_MS, HOUR_MS


class Landmark(NamedTuple):
    """When an install is looked at; what is known before this instant are its features."""

    name: str
    after_ms: int


LANDMARKS = (
    Landmark("install", 0),
    Landmark("1h", HOUR_MS),
    Landmark("6h", 6 * HOUR_MS),
    Landmark("1d", DAY_MS),
    Landmark("3d", 3 * DAY_MS),
    Landmark("7d", 7 * DAY_MS),
)
"""In order of time; the first is the install itself, before any activity. All targets share
them, because features are frozen once."""


def landmark_time(installed_at: int, landmark: int) -> int:
    """When landmark number `landmark` is due: what was logged before this instant is known."""
    return installed_at + LANDMARKS[landmark].after_ms
