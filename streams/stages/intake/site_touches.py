"""Counts touchpoints by site, for the sites stage."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.records import LATE_TOUCH_MS, SiteTouches, Touch, site_key
from schemas.time import DAY_MS, HOUR_MS, LogMs


class TouchCounts:
    """Touchpoints in one batch of intake, by site, hour of log time and day of event time."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str, int, int], list[int]] = {}

    def add(self, app_id: str, touch: Touch) -> None:
        """Count a touchpoint; one whose time is unknown counts on the day it is logged."""
        happened = LogMs(touch.time or touch.ts)
        day = happened // DAY_MS
        name = app_id, touch.media_source, touch.site_id, touch.ts // HOUR_MS, day
        counts = self._counts.get(name)
        if counts is None:
            counts = self._counts[name] = [0, 0, 0]
        counts[touch.kind] += 1
        counts[2] += touch.ts - happened > LATE_TOUCH_MS

    def records(self) -> Iterator[SiteTouches]:
        """A record for every site, hour and day."""
        for (app_id, media_source, site_id, hour, day), counts in self._counts.items():
            views, clicks, late = counts
            key = site_key(app_id, media_source, site_id)
            yield SiteTouches(key, hour, clicks, views, day, late)
