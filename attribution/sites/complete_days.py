"""Complete days of a site: what is judged once no record that counts can arrive any more.

An early judgement rests on what has arrived by then, so it depends on how late touchpoints are: an
install whose own click is late is claimed by an older one, and looks flooded. So every day of event
time is judged again when it is complete, day after day, from complete days alone. That judgement
does not depend on the order of arrival within the maximum lateness, and replaces the early one.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from attribution.sites.history import (
    WINDOW_DAYS,
    ClaimedDay,
    SiteHistory,
    TouchTally,
    site_state_expires_at,
)
from attribution.sites.mixture import cell_of
from schemas.records import SiteInstall, SiteTouches
from schemas.time import DAY_MS, HOUR_MS, LogMs, Millis


class OpenDay(Struct, frozen=True, array_like=True, gc=False):
    """Installs and touchpoints that happened on one day, which is not complete yet."""

    day: int
    clicks: int = 0
    impressions: int = 0
    cells: dict[int, int] = {}  # installs by cell, see mixture.cell_of
    installs: int = 0
    new_devices: int = 0
    hours: int = 0  # a bit for each hour with installs


class SiteDays(Struct, frozen=True, array_like=True, tag=4):
    """Days of one site in order of time: those not complete yet, and the history of the others."""

    open: list[OpenDay] = []
    history: SiteHistory = SiteHistory()
    hours: dict[int, int] = {}  # hours with installs of complete days that may still be charged


def completed_at(day: int, late_ms: Millis) -> LogMs:
    """Log time at which a day is complete."""
    return LogMs((day + 1) * DAY_MS + late_ms)


def last_complete(now: LogMs, late_ms: Millis) -> int:
    """The last day that is complete at log time `now`."""
    return (now - late_ms) // DAY_MS - 1


def count_day_touches(days: SiteDays, seen: SiteTouches) -> SiteDays:
    """Add touchpoints to the day on which they happened."""
    known = _open_day(days, seen.day)
    # By position: this is the busiest record of the stage.
    changed = OpenDay(
        known.day,
        known.clicks + seen.clicks,
        known.impressions + seen.impressions,
        known.cells,
        known.installs,
        known.new_devices,
        known.hours,
    )
    return _with_day(days, changed)


def count_day_install(days: SiteDays, claim: SiteInstall) -> SiteDays:
    """Add an install to its day, or withdraw one (`sign` -1)."""
    known = _open_day(days, claim.time // DAY_MS)
    cell = cell_of(claim.ctit_ms, claim.after_begin_ms)
    count = known.cells.get(cell, 0) + claim.sign
    others = {one: kept for one, kept in known.cells.items() if one != cell}
    changed = replace(
        known,
        cells=dict(sorted({**others, cell: count}.items())) if count else others,
        installs=known.installs + claim.sign,
        new_devices=known.new_devices + claim.sign * claim.is_new_device,
        hours=known.hours | 1 << claim.time // HOUR_MS % 24,
    )
    return _with_day(days, changed)


def complete_first_day(days: SiteDays) -> SiteDays:
    """Move the first open day into the history, which is to be judged next."""
    first, *rest = days.open
    before = days.history
    oldest = first.day - WINDOW_DAYS
    history = replace(
        before,
        shown_days=[
            *(one for one in before.shown_days if one.at > oldest),
            TouchTally(first.day, first.clicks, first.impressions),
        ],
        days=[
            *before.days,
            ClaimedDay(first.day, first.cells, first.installs, first.new_devices),
        ],
        fresh=first.cells,
        fresh_devices=(first.installs, first.new_devices),
        claimed=before.claimed + first.installs,
        last_ts=LogMs(max(before.last_ts, (first.day + 1) * DAY_MS)),
    )
    hours = {day: mask for day, mask in days.hours.items() if day > oldest}
    if first.hours:
        hours[first.day] = first.hours
    return SiteDays(rest, history, hours)


def hours_of(days: SiteDays, day: int) -> list[int]:
    """Hours since 1970 of a complete day that have installs."""
    mask = days.hours.get(day, 0)
    if not mask:
        return []
    return [day * 24 + hour for hour in range(24) if mask >> hour & 1]


def site_days_due(days: SiteDays, late_ms: Millis) -> LogMs | None:
    """Log time at which the first open day is complete; None: no day is open."""
    return completed_at(days.open[0].day, late_ms) if days.open else None


def site_days_expire_at(days: SiteDays) -> LogMs:
    """Log time from which the days may be forgotten, if none is open."""
    return site_state_expires_at(days.history)


def _open_day(days: SiteDays, day: int) -> OpenDay:
    for known in reversed(days.open):
        if known.day == day:
            return known
    return OpenDay(day)


def _with_day(days: SiteDays, changed: OpenDay) -> SiteDays:
    known, day = days.open, changed.day
    if not known or known[-1].day < day:
        return SiteDays([*known, changed], days.history, days.hours)
    if known[-1].day == day:
        return SiteDays([*known[:-1], changed], days.history, days.hours)
    others = [one for one in known if one.day != day]
    ordered = sorted([*others, changed], key=lambda one: one.day)
    return SiteDays(ordered, days.history, days.hours)
