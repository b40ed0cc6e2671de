"""Sites: keeps the history of each site, and judges the installs that it claims.

Journeys are keyed by install, so they cannot see that a site claims too many installs too soon or
too late. Every hour of log time, the sites with new installs are judged, and verdicts go back to
the journeys of their installs. A site is compared with the norms of its app, learned from the sites
on the same partition. Once a day of event time is complete, it is judged again by complete days
alone: that judgement is final, and the same in whatever order the records arrived.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from attribution.rules.rules import Rules
from attribution.sites.complete_days import (
    SiteDays,
    last_complete,
    site_days_due,
    site_days_expire_at,
)
from attribution.sites.history import (
    SITES_PER_PARTITION_MAX,
    ClaimedInstall,
    HourOfInstalls,
    SiteHistory,
    count_install,
    count_touches,
    first_judged_hour,
    keep_install,
    site_state_expires_at,
)
from attribution.sites.mixture import Mixture
from attribution.sites.norms import AppNorms, Norms, mixture_of, note_delivery
from schemas.records import SiteFrame, SiteInstall, SiteRecord, site_frames
from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.stages.common.observer import StageObserver
from streams.stages.common.watermarks import FreshnessReport, Watermarks, stage_upstreams
from streams.stages.common.working_set import (
    EXPIRES_FROM,
    WATERMARKS_KEY,
    Codec,
    Timers,
    WorkingSet,
)
from streams.stages.contract import Effects, LogRecord, StateReader
from streams.stages.sites.day_steps import (
    DAYS,
    SITE,
    SITE_STATES,
    DaySteps,
    SiteState,
    app_state_key,
    days_state_key,
    hour_state_key,
    lateness,
    site_state_key,
)
from streams.stages.sites.site_verdicts import SiteJudgement, Verdicts

NORMS_RETENTION_DAYS = 90
"""Norms of an app are forgotten after this many days without a judgement."""


class Sites:
    """The sites stage of one partition. Order of calls: see `streams.stages.contract.Stage`."""

    name = "sites"

    def __init__(
        self, partition: int, partitions: int, rules: Rules, observer: StageObserver
    ) -> None:
        self.partition = partition
        self.partitions = partitions
        self.rules = rules
        self.observer = observer
        self.timers = Timers()
        self.known = 0  # sites in state
        self._forgotten_until = 0  # hours of log time
        self._mixtures: dict[bytes, tuple[Norms, Mixture]] = {}
        self._journeys = stage_upstreams("journeys", partitions)
        self._watermarks = Watermarks(self._journeys)
        self._freshness = FreshnessReport(self.name, partition)
        self._late_ms = lateness(rules)
        self._codec: Codec[SiteState] = Codec(SITE_STATES, self._due)

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        def states() -> Iterable[tuple[bytes, bytes]]:
            for key, value in self._watermarks.restore_from(entries, SITE_STATES, is_all=True):
                self.known += key.startswith(SITE)
                yield key, value

        self.timers.restore(states())

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ()

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        frames = [site_frames.decode(record.value or b"") for record in records]
        batch = _Batch(self, WorkingSet(self._codec, self.timers, state))
        batch.load(frames)
        for frame in frames:
            for record in frame.records:
                batch.apply(record)
            self._watermarks.advance(frame.watermarks)
            now = self.stage_time()
            batch.fire(now)
            if now // HOUR_MS > self._forgotten_until:
                self._forgotten_until = now // HOUR_MS
                batch.forget(state.expired(now), now // HOUR_MS)
        positions = {(record.topic, record.partition): record.offset + 1 for record in records}
        return self._effects(batch, positions)

    def stage_time(self) -> LogMs:
        """The log time that all journeys partitions have reached."""
        return self._watermarks.minimum(self._journeys)

    def mixture(self, key: bytes, norms: Norms) -> Mixture:
        """The mixture for these norms; it is made again only if they have changed."""
        known = self._mixtures.get(key)
        if known is None or known[0] != norms:
            known = self._mixtures[key] = norms, mixture_of(norms)
        return known[1]

    def closed_hour(self, now: LogMs) -> int:
        """The first hour since 1970 after the days that are complete at log time `now`."""
        return (last_complete(now, self._late_ms) + 1) * 24

    def _due(self, state: SiteState) -> int:
        """Log time at which there is something to judge, or from which to forget the state."""
        match state:
            case SiteHistory() if state.judge_at:
                return state.judge_at
            case SiteDays() if (due := site_days_due(state, self._late_ms)) is not None:
                return due
            case SiteDays():
                return EXPIRES_FROM + site_days_expire_at(state)
            case AppNorms():
                day = max(state.day, state.delivery.day)
                return EXPIRES_FROM + (day + NORMS_RETENTION_DAYS) * DAY_MS
            case _:
                return EXPIRES_FROM + site_state_expires_at(state)

    def _effects(self, batch: _Batch, positions: dict[tuple[str, int], int]) -> Effects:
        changes = batch.states.changes()
        self.known += batch.appeared
        self.known -= sum(value is None and key.startswith(SITE) for key, value in changes.items())
        effects = Effects(changes=changes, positions=positions)
        effects.changes[WATERMARKS_KEY] = self._watermarks.encode()
        stage_time = self.stage_time()
        self._freshness.report(stage_time, batch.verdicts.outbox)
        batch.verdicts.flush(effects)
        self.observer.on_stage_time(self.name, self.partition, stage_time)
        return effects


class _Batch:
    """One decision of the sites stage."""

    def __init__(self, stage: Sites, states: WorkingSet[SiteState]) -> None:
        self.states = states
        self.appeared = 0
        self.verdicts = Verdicts(stage.partition, stage.partitions, stage.rules, stage.observer)
        self.days = DaySteps(states, self.verdicts, stage.rules, stage.mixture)
        self._stage = stage
        self._now = stage.stage_time()

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
        is_counted = self.days.count(record, self._now)
        if isinstance(record, SiteInstall):
            self.states.put(key, count_install(history, record, self._now))
            self._remember(record, is_open=is_counted)
        else:
            self.states.put(key, count_touches(history, record))
            app_key = app_state_key(record.key)
            self.states.put(app_key, note_delivery(self._norms(app_key), record))

    def fire(self, now: LogMs) -> None:
        """Judge every site that is due at log time `now`, in the order of due times and keys: the
        norms of an app are learned in this order, however far log time leaps."""
        self._now = now
        timers = self._stage.timers
        moments = timers.pop_moments(now)
        self.states.load([key for _, key in moments])
        while moments:
            _, key = heapq.heappop(moments)
            if key.startswith(DAYS):
                self.days.complete(key)
            else:
                self._judge(key)
            for again in timers.pop_moments(now):
                heapq.heappush(moments, again)

    def forget(self, expired: Sequence[bytes], hour: int) -> None:
        forgotten = self.states.forget_expired(expired, LogMs(hour * HOUR_MS))
        self._stage.observer.on_forgotten(self._stage.name, forgotten)

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
            self.verdicts.withdraw(claim.key, before, self._now)
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
