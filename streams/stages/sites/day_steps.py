"""Judges the days of sites that are complete: steps of one decision of the sites stage."""

from __future__ import annotations

from collections.abc import Callable

from attribution.rules.rules import Rules
from attribution.sites.complete_days import (
    SiteDays,
    complete_first_day,
    completed_at,
    count_day_install,
    count_day_touches,
    hours_of,
    last_complete,
)
from attribution.sites.history import WINDOW_DAYS, HourOfInstalls, SiteHistory
from attribution.sites.mixture import Mixture
from attribution.sites.norms import AppNorms, Norms
from schemas.records import SiteInstall, SiteRecord, SiteTouches, StoredFormat
from schemas.time import DAY_MS, LogMs, Millis
from streams.stages.common.working_set import WorkingSet
from streams.stages.sites.site_verdicts import SiteJudgement, Verdicts

SiteState = SiteHistory | HourOfInstalls | AppNorms | SiteDays
SITE_STATES: StoredFormat[SiteState] = StoredFormat("a state of sites", SiteState)

SITE, HOUR, APP, DAYS, DAY_APP = b"s", b"h", b"a", b"d", b"n"
"""First byte of state keys: the early history of a site, installs of an hour, norms of an app, the
days of a site, and norms of an app by complete days."""

LATENESS_MS_MAX = Millis(7 * DAY_MS)
"""A day is complete after this much log time, however late a rule set lets records be: verdicts are
of use for eight days."""


def site_state_key(site: str) -> bytes:
    return SITE + site.encode()


def hour_state_key(site: str, hour: int) -> bytes:
    return HOUR + f"{site}\x1f{hour}".encode()


def app_state_key(site: str) -> bytes:
    return APP + site.split("\x1f", 1)[0].encode()


def days_state_key(site: str) -> bytes:
    return DAYS + site.encode()


def day_app_state_key(site: str) -> bytes:
    return DAY_APP + site.split("\x1f", 1)[0].encode()


def lateness(rules: Rules) -> Millis:
    """How long after its end a day is complete."""
    return Millis(min(rules.late_ms_max, LATENESS_MS_MAX))


class DaySteps:
    """Counts records by the day on which they happened, and judges days that are complete."""

    def __init__(
        self,
        states: WorkingSet[SiteState],
        verdicts: Verdicts,
        rules: Rules,
        mixture: Callable[[bytes, Norms], Mixture],
    ) -> None:
        self._states = states
        self._verdicts = verdicts
        self._rules = rules
        self._late_ms = lateness(rules)
        self._mixture = mixture

    def count(self, record: SiteRecord, now: LogMs) -> bool:
        """Count a record; False: its day is complete, or lies more than a day ahead."""
        if isinstance(record, SiteInstall):
            day, logged = record.time // DAY_MS, record.ts // DAY_MS
        else:
            day, logged = record.day, record.hour // 24
        if not last_complete(now, self._late_ms) < day <= logged + 1:
            return False
        key = days_state_key(record.key)
        days = self._days(key)
        if isinstance(record, SiteTouches):
            self._states.put(key, count_day_touches(days, record))
        else:
            self._states.put(key, count_day_install(days, record))
        return True

    def complete(self, key: bytes) -> None:
        """Complete the first open day of a site, and judge the site by its complete days."""
        days = complete_first_day(self._days(key))
        history, site = days.history, key[len(DAYS) :].decode()
        day = history.shown_days[-1].at
        if not history.days:
            self._states.put(key, days)
            return
        app_key = day_app_state_key(site)
        norms = self._states.get(app_key) or AppNorms()
        assert isinstance(norms, AppNorms)
        mixture = self._mixture(app_key, norms.used)
        at = completed_at(day, self._late_ms)
        judgement = SiteJudgement.of_day(site, (history, day, at), norms, mixture, self._rules)
        self._states.put(key, SiteDays(days.open, judgement.judged.history, days.hours))
        self._states.put(app_key, judgement.judged.norms)
        self._report(judgement, days, day)

    def _report(self, judgement: SiteJudgement, days: SiteDays, day: int) -> None:
        """Replace the early verdicts on the day, and correct those on the days before."""
        first = day
        if judgement.judged.charges or judgement.judged.is_changed:
            first = day - WINDOW_DAYS + 1
        hours = [hour for one in range(first, day + 1) for hour in hours_of(days, one)]
        keys = [hour_state_key(judgement.site, hour) for hour in hours]
        self._states.load(keys)
        for key in keys:
            hour = self._states.get(key)
            if isinstance(hour, HourOfInstalls):
                reported = self._verdicts.report(judgement, hour)
                if reported is not hour:
                    self._states.put(key, reported)

    def _days(self, key: bytes) -> SiteDays:
        known = self._states.get(key) or SiteDays()
        assert isinstance(known, SiteDays)
        return known
