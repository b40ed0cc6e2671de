"""When an install is scored, and until when a payment counts. Times are milliseconds."""

from __future__ import annotations

from typing import Final, NamedTuple

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

TARGET: Final = "payer_d7"
"""First payment within seven days of the install, given that none is known yet."""

HORIZON_MS = 7 * DAY_MS

LATENESS_MS = DAY_MS
"""How long after the horizon a late payment may still arrive and count."""


class Landmark(NamedTuple):
    name: str
    after_ms: int


LANDMARKS = (Landmark("install", 0), Landmark("1h", HOUR_MS), Landmark("1d", DAY_MS))
"""In order of time; the first is the install itself, before any activity."""


def landmark_time(installed_at: int, landmark: int) -> int:
    """When landmark number `landmark` is due: what was logged before this instant is known."""
    return installed_at + LANDMARKS[landmark].after_ms


def matures_at(installed_at: int) -> int:
    """When the labels of an install are final."""
    return installed_at + HORIZON_MS + LATENESS_MS
