"""History of one site: touchpoints by hour, installs by day and click-to-install time.

Single installs are stored apart from the history, by the hour in which they happened, so that a
new touchpoint or install rewrites little. Data older than the window in which an install may still
be judged only shows what is usual for the site.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from attribution.bounds.byte_bounds import INSTALL_BYTES_PER_SITE_HOUR_MAX, as_stored
from attribution.matching.facts import Evicted
from attribution.sites.mixture import cell_of
from schemas.records import SiteInstall, SiteTouches
from schemas.time import DAY_MS, HOUR_MS, EventMs, LogMs

WINDOW_DAYS = 8
"""How long an install may still be judged: the post-install fraud window of AppsFlyer."""

HOURS_KEPT = 24
PAST_KEPT_PER_DAY = 0.97
"""Weight of data older than the window after one more day: it halves in three weeks."""

RETENTION_MS = 30 * DAY_MS
"""A site without touchpoints for this long is forgotten."""

INSTALLS_PER_SITE_HOUR_MAX = 2_000
"""Installs of one site and hour that can get a verdict; beyond it they are not kept, so that a
state value stays far below the size of a Kafka message."""

REASON_BYTES = 64
"""Room for the reasons of all verdicts on an install, which come later."""

SITES_PER_PARTITION_MAX = 100_000
"""Sites that a partition keeps; further ones are ignored, so that made-up names cannot fill
memory."""


class TouchTally(Struct, frozen=True, array_like=True, gc=False):
    """Number of touchpoints in one hour, or on one day."""

    at: int  # hours or days since 1970
    clicks: int
    impressions: int


class ClaimedDay(Struct, frozen=True, array_like=True, gc=False):
    """Installs that happened on one day."""

    day: int
    cells: dict[int, int]  # installs by cell, see mixture.cell_of
    installs: int
    new_devices: int


class SiteHistory(Struct, frozen=True, array_like=True, tag=1):
    """State of one site; all lists are in order of time."""

    hours: list[TouchTally] = []
    shown_days: list[TouchTally] = []
    days: list[ClaimedDay] = []
    past: dict[int, float] = {}
    fresh: dict[int, int] = {}  # installs by cell since the last judgement
    fresh_devices: tuple[int, int] = (0, 0)  # installs and new devices among them
    fresh_hours: list[int] = []  # hours whose installs changed since then
    suspect: dict[str, list[int]] = {}  # cells by reason, by the last judgement
    judge_at: LogMs = LogMs(0)  # log time of the next judgement; 0: none is due
    last_ts: LogMs = LogMs(0)
    claimed: int = 0  # all installs ever
    sampled_day: int = 0  # when the app last learned its clicks per install


class ClaimedInstall(Struct, frozen=True, array_like=True, gc=False):
    """An install that is credited to a click of the site."""

    install_id: str
    event_id: str
    touch_id: str
    campaign_id: str
    cell: int
    is_new_device: bool
    time: EventMs
    reasons: list[str]  # of the verdicts that hold, as reported


class HourOfInstalls(Struct, frozen=True, array_like=True, tag=2):
    """Installs of one site that happened in one hour since 1970."""

    hour: int
    installs: list[ClaimedInstall] = []
    octets: int = 0  # what `installs` take at most; 0: to be measured


def count_touches(history: SiteHistory, seen: SiteTouches) -> SiteHistory:
    """Add touchpoints; hours beyond the last 24 are merged into days."""
    hours = _added(history.hours, TouchTally(seen.hour, seen.clicks, seen.impressions))
    days = history.shown_days
    while len(hours) > HOURS_KEPT:
        oldest, *hours = hours
        days = _added(days, TouchTally(oldest.at // 24, oldest.clicks, oldest.impressions))
    oldest_day = hours[-1].at // 24 - WINDOW_DAYS
    if days and days[0].at <= oldest_day:
        days = [one for one in days if one.at > oldest_day]
    last_ts = max(history.last_ts, LogMs(seen.hour * HOUR_MS))
    return replace(history, hours=hours, shown_days=days, last_ts=last_ts)


def count_install(history: SiteHistory, claim: SiteInstall, now: LogMs) -> SiteHistory:
    """Count an install, or withdraw one (`sign` -1), at log time `now`."""
    day, cell = claim.time // DAY_MS, cell_of(claim.ctit_ms, claim.after_begin_ms)
    history = aged(history, day)
    sign, is_new = claim.sign, claim.sign * claim.is_new_device
    installs, new_devices = history.fresh_devices
    fresh_hours = history.fresh_hours
    if claim.time // HOUR_MS not in fresh_hours:
        fresh_hours = [*fresh_hours, claim.time // HOUR_MS]
    return replace(
        history,
        days=_claimed(history.days, day, cell, sign, is_new),
        fresh=_counted(history.fresh, cell, sign),
        fresh_devices=(installs + sign, new_devices + is_new),
        fresh_hours=fresh_hours,
        judge_at=history.judge_at or LogMs((max(now, claim.ts) // HOUR_MS + 1) * HOUR_MS),
        claimed=history.claimed + sign,
        last_ts=max(history.last_ts, claim.ts),
    )


def aged(history: SiteHistory, day: int) -> SiteHistory:
    """Move days that are not judged any more on `day` into the past, with less weight."""
    old = [one for one in history.days if one.day <= day - WINDOW_DAYS]
    if not old:
        return history
    past = dict(history.past)
    for claimed in old:
        past = {cell: count * PAST_KEPT_PER_DAY for cell, count in past.items()}
        for cell, count in claimed.cells.items():
            past[cell] = past.get(cell, 0.0) + count
    past = {cell: round(count, 3) for cell, count in past.items() if count >= 0.01}
    return replace(history, days=history.days[len(old) :], past=past)


def keep_install(
    hour: HourOfInstalls | None, claim: SiteInstall
) -> tuple[HourOfInstalls, list[Evicted]]:
    """Keep an install that may be judged; forget one that is withdrawn or rejected."""
    hour = hour or HourOfInstalls(claim.time // HOUR_MS)
    name = claim.install_id, claim.event_id
    others = [one for one in hour.installs if (one.install_id, one.event_id) != name]
    if claim.sign < 0 or claim.is_rejected:
        return replace(hour, installs=others, octets=0), []
    cell = cell_of(claim.ctit_ms, claim.after_begin_ms)
    kept = ClaimedInstall(
        install_id=claim.install_id,
        event_id=claim.event_id,
        touch_id=claim.touch_id,
        campaign_id=claim.campaign_id,
        cell=cell,
        is_new_device=claim.is_new_device,
        time=claim.time,
        reasons=[],
    )
    if len(others) >= INSTALLS_PER_SITE_HOUR_MAX:
        return hour, [Evicted("installs_per_site_hour_max", 1)]
    is_known = hour.octets and len(others) == len(hour.installs)
    before = hour.octets if is_known else len(as_stored(others))
    octets = before + len(as_stored(kept)) + REASON_BYTES
    if octets > INSTALL_BYTES_PER_SITE_HOUR_MAX:
        return hour, [Evicted("install_bytes_per_site_hour_max", 1)]
    return replace(hour, installs=[*others, kept], octets=octets), []


def recent(history: SiteHistory) -> dict[int, float]:
    """Number of installs that may still be judged, by cell."""
    total: dict[int, float] = {}
    for claimed in history.days:
        for cell, count in claimed.cells.items():
            total[cell] = total.get(cell, 0.0) + count
    return {cell: count for cell, count in total.items() if count > 0}


def devices(history: SiteHistory) -> tuple[int, int]:
    """Installs that may still be judged, and new devices among them."""
    return sum(one.installs for one in history.days), sum(one.new_devices for one in history.days)


def clicks(history: SiteHistory) -> int:
    """Clicks in the hours and days that are kept."""
    return sum(one.clicks for one in (*history.hours, *history.shown_days))


def first_judged_hour(now: LogMs) -> int:
    """The first hour since 1970 whose installs are still judged at log time `now`."""
    return (now // DAY_MS - WINDOW_DAYS + 1) * 24


def site_state_expires_at(state: SiteHistory | HourOfInstalls) -> LogMs:
    """Log time from which the state may be forgotten."""
    if isinstance(state, HourOfInstalls):
        # Complete days are judged up to eight days late, and then eight times.
        return LogMs((state.hour // 24 + 2 * WINDOW_DAYS + 1) * DAY_MS)
    return state.last_ts + RETENTION_MS


def _added(ordered: list[TouchTally], more: TouchTally) -> list[TouchTally]:
    if not ordered or ordered[-1].at < more.at:
        return [*ordered, more]
    if ordered[-1].at == more.at:
        return [*ordered[:-1], _sum(ordered[-1], more)]
    found = {one.at: one for one in ordered}
    same = found.get(more.at)
    found[more.at] = more if same is None else _sum(same, more)
    return [found[at] for at in sorted(found)]


def _sum(known: TouchTally, more: TouchTally) -> TouchTally:
    return TouchTally(known.at, known.clicks + more.clicks, known.impressions + more.impressions)


def _claimed(
    days: list[ClaimedDay], day: int, cell: int, sign: int, is_new: int
) -> list[ClaimedDay]:
    found = {one.day: one for one in days}
    same = found.get(day, ClaimedDay(day, {}, 0, 0))
    found[day] = ClaimedDay(
        day, _counted(same.cells, cell, sign), same.installs + sign, same.new_devices + is_new
    )
    return [found[at] for at in sorted(found)]


def _counted(counts: dict[int, int], cell: int, by: int) -> dict[int, int]:
    changed = {**counts, cell: counts.get(cell, 0) + by}
    return {one: count for one, count in changed.items() if count}
