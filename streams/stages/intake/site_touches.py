"""Counts touchpoints by site, for the sites stage."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.records import SiteTouches, Touch, site_key
from schemas.time import HOUR_MS


class TouchCounts:
    """Number of touchpoints in one batch of intake, by site and hour of log time."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str, int], list[int]] = {}

    def add(self, app_id: str, touch: Touch) -> None:
        """Count a touchpoint."""
        name = app_id, touch.media_source, touch.site_id, touch.ts // HOUR_MS
        counts = self._counts.get(name)
        if counts is None:
            counts = self._counts[name] = [0, 0]
        counts[touch.kind] += 1

    def records(self) -> Iterator[SiteTouches]:
        """A record for every site and hour."""
        for (app_id, media_source, site_id, hour), (views, clicks) in self._counts.items():
            yield SiteTouches(site_key(app_id, media_source, site_id), hour, clicks, views)
