"""One decision of the sites stage: applies records, and judges the sites that are due."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec.structs import replace

from attribution.rules.rules import Rules
from attribution.sites.history import (
    SITES_PER_PARTITION_MAX,
    ClaimedInstall,
    HourOfInstalls,
    SiteHistory,
    count_install,
    count_touches,
    first_judged_hour,
    keep_install,
)
from attribution.sites.mixture import Mixture
from attribution.sites.norms import AppNorms, Norms, note_delivery
from schemas.records import SiteFrame, SiteInstall, SiteRecord
from schemas.time import HOUR_MS, LogMs
from streams.stages.common.observer import StageObserver
from streams.stages.common.working_set import Timers, WorkingSet
from streams.stages.separate.states import StateBranch
from streams.stages.sites.day_steps import (
    DAYS,
    SITE,
    DaySteps,
    SiteState,
    app_state_key,
    days_state_key,
    hour_state_key,
    site_state_key,
)
from streams.stages.sites.site_verdicts import SiteJudgement, Verdicts

SITES_STAGE = "sites"


class SiteContext(Protocol):
    """What all decisions of one partition share."""

    @property
    def partition(self) -> int: ...

    @property
    def partitions(self) -> int: ...

    @property
    def rules(self) -> Rules: ...

    @property
    def observer(self) -> StageObserver: ...

    @property
    def timers(self) -> Timers: ...

    @property
    def known(self) -> int:
        """Sites in state."""

    def stage_time(self) -> LogMs:
        """The log time that all journeys partitions have reached."""

    def mixture(self, key: bytes, norms: Norms) -> Mixture:
        """The mixture for these norms."""

    def closed_hour(self, now: LogMs) -> int:
        """The first hour since 1970 after the days that are complete at log time `now`."""


class SiteSteps:
    """One decision of the sites stage."""

    def __init__(self, stage: SiteContext, states: WorkingSet[SiteState]) -> None:
        self.states = states
        self.appeared = 0
        self.verdicts = Verdicts(stage.partition, stage.partitions, stage.rules, stage.observer)
        self.days = DaySteps(states, self.verdicts, stage.rules, stage.mixture)
        self._stage = stage
        self.now = stage.stage_time()

    def scratch(self) -> SiteSteps:
        """Steps at the same time, on a branch of the states."""
        steps = SiteSteps(self._stage, StateBranch(self.states))
        steps.appeared, steps.now = self.appeared, self.now
        return steps

    def verify(self) -> None:
        """Raise whatever encoding the effects would raise."""
        self.verdicts.verify()

    def absorb(self, other: SiteSteps) -> None:
        """Add the effects of a scratch."""
        self.appeared = other.appeared
        self.verdicts.absorb(other.verdicts)

    def load(self, frames: Sequence[SiteFrame]) -> None:
        keys: dict[bytes, None] = {}
        for frame in frames:
            for record in frame.records:
                keys[site_state_key(record.key)] = None
                keys[days_state_key(record.key)] = None
                if isinstance(record, SiteInstall):
                    keys[hour_state_key(record.key, record.time // HOUR_MS)] = None
                else:
                    keys[app_state_key(record.key)] = None
        self.states.load(keys)

    def apply(self, record: SiteRecord) -> None:
        key = site_state_key(record.key)
        history = self._history(key)
        if history is None:
            return
        is_counted = self.days.count(record, self.now)
        if isinstance(record, SiteInstall):
            self.states.put(key, count_install(history, record, self.now))
            self._remember(record, is_open=is_counted)
        else:
            self.states.put(key, count_touches(history, record))
            app_key = app_state_key(record.key)
            self.states.put(app_key, note_delivery(self._norms(app_key), record))

    def fire(self, now: LogMs) -> None:
        """Judge every site that is due at log time `now`, in the order of due times and keys: the
        norms of an app are learned in this order, however far log time leaps."""
        self.now = now
        timers = self._stage.timers
        moments = timers.pop_moments(now)
        self.states.load([key for _, key in moments])
        while moments:
            _, key = heapq.heappop(moments)
            self.fire_one(key)
            for again in timers.pop_moments(now):
                heapq.heappush(moments, again)

    def fire_one(self, key: bytes) -> None:
        """Judge one site."""
        if key.startswith(DAYS):
            self.days.complete(key)
        else:
            self._judge(key)

    def forget(self, expired: Sequence[bytes], hour: int) -> None:
        forgotten = self.states.forget_expired(expired, LogMs(hour * HOUR_MS))
        self._stage.observer.on_forgotten(SITES_STAGE, forgotten)

    def _history(self, key: bytes) -> SiteHistory | None:
        """The history of a site, new if need be; None: the partition has no room for another
        site."""
        known = self.states.get(key)
        if known is not None:
            assert isinstance(known, SiteHistory)
            return known
        if self._stage.known + self.appeared >= SITES_PER_PARTITION_MAX:
            self._stage.observer.on_evicted("sites_per_partition_max", 1)
            return None
        self.appeared += 1
        return SiteHistory()

    def _remember(self, claim: SiteInstall, *, is_open: bool) -> None:
        """Keep an install for its verdicts, or forget one that is withdrawn, and its verdicts."""
        key = hour_state_key(claim.key, claim.time // HOUR_MS)
        known = self.states.get(key)
        assert known is None or isinstance(known, HourOfInstalls)
        if known is None and (claim.sign < 0 or claim.is_rejected or not is_open):
            return
        before = _install_of(known, claim)
        if before is None and not is_open:
            return
        hour, evicted = keep_install(known, claim)
        for fact in evicted:
            self._stage.observer.on_evicted(fact.bound, fact.count)
        if before is not None:
            self.verdicts.withdraw(claim.key, before, self.now)
        if hour is not known:
            self.states.put(key, hour)

    def _norms(self, app_key: bytes) -> AppNorms:
        norms = self.states.get(app_key) or AppNorms()
        assert isinstance(norms, AppNorms)
        return norms

    def _judge(self, key: bytes) -> None:
        """Judge a site early, by what has arrived so far."""
        history, site = self.states.get(key), _site_of(key)
        app_key = app_state_key(site)
        norms = self._norms(app_key)
        assert isinstance(history, SiteHistory)
        if not norms.is_prompt:
            self.states.put(key, replace(history, judge_at=LogMs(0)))
            return
        mixture = self._stage.mixture(app_key, norms.used)
        judgement = SiteJudgement.of(site, history, norms, mixture, self._stage.rules)
        self.states.put(key, judgement.judged.history)
        self.states.put(app_key, judgement.judged.norms)
        self._report(judgement, history)

    def _report(self, judgement: SiteJudgement, before: SiteHistory) -> None:
        """Report the judgement to the installs whose verdicts may have changed."""
        if not judgement.judged.charges and not judgement.judged.is_changed:
            return
        first = max(first_judged_hour(judgement.at), self._stage.closed_hour(judgement.at))
        hours: Iterable[int] = before.fresh_hours
        if judgement.judged.is_changed:
            hours = range(first, judgement.at // HOUR_MS + 1)
        keys = [hour_state_key(judgement.site, hour) for hour in hours if hour >= first]
        self.states.load(keys)
        for key in keys:
            hour = self.states.get(key)
            if isinstance(hour, HourOfInstalls):
                reported = self.verdicts.report(judgement, hour)
                if reported is not hour:
                    self.states.put(key, reported)


def _install_of(hour: HourOfInstalls | None, claim: SiteInstall) -> ClaimedInstall | None:
    """The install that a claim names, if it is kept."""
    if hour is None:
        return None
    name = claim.install_id, claim.event_id
    return next((one for one in hour.installs if (one.install_id, one.event_id) == name), None)


def _site_of(key: bytes) -> str:
    return key[len(SITE) :].decode()
