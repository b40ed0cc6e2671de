"""Outcome rows of sampled paths."""

from __future__ import annotations

from schemas.outcomes import ExposureRow
from schemas.records import ExposurePath
from schemas.time import EventMs


def exposure_row(path: ExposurePath) -> ExposureRow:
    """The row of a sampled path."""
    return ExposureRow(
        path_id=path.path_id,
        app_id=path.app_id,
        channels=[touch.channel for touch in path.touches],
        touch_times_ms=[touch.time for touch in path.touches],
        begin_time=path.begin_time,
        end_time=path.end_time,
        installed_at=path.end_time if path.is_installed else EventMs(0),
        weight=path.weight,
    )
