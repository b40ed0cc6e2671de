"""Sites: keeps the history of each site, and judges the installs that it claims.

Journeys are keyed by install, so they cannot see that a site claims too many installs too soon or
too late. Every hour of log time, the sites with new installs are judged, and verdicts go back to
the journeys of their installs. A site is compared with the norms of its app, learned from the sites
on the same partition. Once a day of event time is complete, it is judged again by complete days
alone: that judgement is final, and the same in whatever order the records arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attribution.rules.rules import Rules
from attribution.sites.complete_days import (
    SiteDays,
    last_complete,
    site_days_due,
    site_days_expire_at,
)
from attribution.sites.history import (
    SiteHistory,
    site_state_expires_at,
)
from attribution.sites.mixture import Mixture
from attribution.sites.norms import AppNorms, Norms, mixture_of
from schemas.records import SiteFrame, site_frames
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
from streams.stages.contract import Effects, LogRecord, StateReader, positions_after
from streams.stages.separate.sites_steps import SeparateSiteSteps
from streams.stages.separate.states import SeparateStates
from streams.stages.sites.day_steps import (
    SITE,
    SITE_STATES,
    SiteState,
    lateness,
)
from streams.stages.sites.site_steps import SITES_STAGE, SiteSteps

NORMS_RETENTION_DAYS = 90
"""Norms of an app are forgotten after this many days without a judgement."""


class Sites:
    """The sites stage of one partition. Order of calls: see `streams.stages.contract.Stage`."""

    name = SITES_STAGE

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
        batch = SiteSteps(self, WorkingSet(self._codec, self.timers, state))
        batch.load(frames)
        for frame in frames:
            self._take(frame, batch, state)
        return self._effects(batch, positions_after(records))

    def decide_apart(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        batch = SeparateSiteSteps(self, SeparateStates(self._codec, self.timers, state))
        for record in records:
            frame = batch.quarantine.read(site_frames.decode, record)
            if frame is not None:
                self._take(frame, batch, state)
        return self._effects(batch, positions_after(records))

    def _take(self, frame: SiteFrame, batch: SiteSteps, state: StateReader) -> None:
        for record in frame.records:
            batch.apply(record)
        self._watermarks.advance(frame.watermarks)
        now = self.stage_time()
        batch.fire(now)
        if now // HOUR_MS > self._forgotten_until:
            self._forgotten_until = now // HOUR_MS
            batch.forget(state.expired(now), now // HOUR_MS)

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
            case SiteDays():
                due = site_days_due(state, self._late_ms)
                return EXPIRES_FROM + site_days_expire_at(state) if due is None else due
            case SiteHistory() if state.judge_at:
                return state.judge_at
            case AppNorms():
                day = max(state.day, state.delivery.day)
                return EXPIRES_FROM + (day + NORMS_RETENTION_DAYS) * DAY_MS
            case _:
                return EXPIRES_FROM + site_state_expires_at(state)

    def _effects(self, batch: SiteSteps, positions: dict[tuple[str, int], int]) -> Effects:
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
