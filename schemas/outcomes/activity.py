"""When installs were active, and what they did first: facts for retention and funnels."""

from __future__ import annotations

from schemas.outcomes.outcome import Outcome
from schemas.time import EventMs


class ActiveDayRow(Outcome, frozen=True, kw_only=True, gc=False):
    """An install was active: once per day of its life, and again where that day of life goes on
    into another date. Sessions and in-app events count; opening the app for the first time does
    not."""

    active_day_id: str
    """Id of the row: app_id:install_id:day_of_life:date; a repeat keeps it."""
    install_id: str
    """Install that was active."""
    app_id: str
    """App that was used."""
    environment: str = "production"
    """production or sandbox."""
    day_of_life: int
    """Days of 24 hours since the install, from 0; what happened before it counts as 0."""
    date: str
    """Date of the activity, UTC, YYYY-MM-DD."""
    install_time: EventMs
    event_time: EventMs
    """When the first activity that was read of that day happened."""
    source_topic: str
    source_partition: int
    source_offset: int
    conversion_id: str = ""
    """Conversion in whose life it happened: the install_id, or a later first open of it; empty in
    rows of earlier versions."""


class MilestoneRow(Outcome, frozen=True, kw_only=True, gc=False):
    """An in-app event that an install had not sent before under this name. If an earlier one is
    read later, it has a row as well: the earliest counts."""

    milestone_id: str
    """Id of the row: app_id:install_id:event_id; a repeat keeps it."""
    install_id: str
    """Install that sent the event."""
    app_id: str
    """App that was used."""
    environment: str = "production"
    """production or sandbox."""
    name: str
    """Name of the event."""
    event_id: str
    """Id of the event."""
    install_time: EventMs
    event_time: EventMs
    """When the event happened."""
    source_topic: str
    source_partition: int
    source_offset: int
    conversion_id: str = ""
    """Conversion in whose life it happened: the install_id, or a later first open of it; empty in
    rows of earlier versions."""
