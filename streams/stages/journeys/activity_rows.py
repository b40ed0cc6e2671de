"""Outcome rows of active days and milestones."""

from __future__ import annotations

from datetime import UTC, datetime

from attribution.journey.activity_marks import ActiveDay, Milestone
from schemas.outcomes import ActiveDayRow, MilestoneRow
from schemas.records import Installed
from streams.stages.common.source_columns import source_columns


def active_day_row(day: ActiveDay, install: Installed) -> ActiveDayRow:
    """The row of a day on which an install was active."""
    activity = day.activity
    moment = max(activity.time, install.time)
    date = datetime.fromtimestamp(moment / 1_000, UTC).date().isoformat()
    return ActiveDayRow(
        active_day_id=f"{install.app_id}:{install.life_id}:{day.day_of_life}:{date}",
        install_id=install.install_id,
        app_id=install.app_id,
        day_of_life=day.day_of_life,
        date=date,
        install_time=install.time,
        event_time=activity.time,
        conversion_id=install.life_id,
        **source_columns(activity.source),
    )


def milestone_row(milestone: Milestone, install: Installed) -> MilestoneRow:
    """The row of the earliest event of its name so far."""
    activity = milestone.activity
    return MilestoneRow(
        milestone_id=f"{install.app_id}:{install.life_id}:{activity.event_id}",
        install_id=install.install_id,
        app_id=install.app_id,
        name=activity.name,
        event_id=activity.event_id,
        install_time=install.time,
        event_time=activity.time,
        conversion_id=install.life_id,
        **source_columns(activity.source),
    )
