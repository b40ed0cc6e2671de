"""Landmarks: ages at which an install is scored."""

from __future__ import annotations

from typing import NamedTuple

from schemas.time import DAY_MS, HOUR_MS


class Landmark(NamedTuple):
    """An age, in ms, at which an install is scored; features are what is known before it."""

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
"""In order of time; the first is the install itself, before any activity. All targets share them,
since features are frozen once. A landmark is passed around by its index."""


def landmark_time(installed_at: int, landmark: int) -> int:
    """When a landmark is due, in ms since 1970: records logged before this instant are known."""
    return installed_at + LANDMARKS[landmark].after_ms
