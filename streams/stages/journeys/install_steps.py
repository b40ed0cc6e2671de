"""One decision of the journeys stage: applies records and deadlines to the state of installs."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from msgspec.structs import replace

from attribution import journey as journeys
from attribution.journey import Decision, Journey, JourneyFact
from attribution.journey.closed_journey import closed_life
from attribution.journey.lives import (
    in_lives,
    later_install,
    later_life,
    life_of,
    opening_records,
)
from attribution.matching.facts import Settled
from schemas import topics
from schemas.records import (
    ChoiceMade,
    Erased,
    ExposureSeen,
    Installed,
    JourneyFrame,
    JourneyRecord,
    ModelMarker,
    OrderGiven,
    SiteFrame,
    SiteInstall,
    SiteRecord,
    journey_key,
)
from schemas.time import DAY_MS, LogMs
from streams.stages.common.erasure import install_receipt
from streams.stages.common.match_examples import MatchExamples
from streams.stages.common.outbox import FrameOutbox, Outbox
from streams.stages.common.working_set import WorkingSet
from streams.stages.journeys import credit_revision, decision_rows
from streams.stages.journeys.active_models import JourneyContext
from streams.stages.journeys.fact_reports import FactReports
from streams.stages.journeys.prospect_steps import SCORED_AHEAD_MAX, ProspectSteps
from streams.stages.journeys.states.closed_installs import ClosedInstall, ClosedInstalls
from streams.stages.journeys.states.install_state import NEW_INSTALL, InstallState
from streams.stages.personal.erased_keys import ErasedKeys
from streams.stages.separate.states import StateBranch

INSTALL_AHEAD_MS_MAX = 30 * DAY_MS
"""How far ahead of all partitions an install's log time may be, as where a worker catches up."""


class InstallSteps:
    """Applies one batch to installs. Call `load`, then `apply` and `fire` in the order of the
    log."""

    def __init__(
        self, stage: JourneyContext, states: WorkingSet[InstallState], stage_time: LogMs
    ) -> None:
        self.stage = stage
        self.states = states
        self.closed = ClosedInstalls(states, stage.erased_names)
        self.stage_time = stage_time
        self.read_until = journeys.ALL_READ
        self.closed_until = LogMs(0)
        self.outbox = Outbox("journeys", stage.partition, stage.observer)
        self.prospects = ProspectSteps(
            stage.active, stage.declared_rules, self.outbox, stage.observer, stage.experiments
        )
        self.reports = FactReports(stage, self.outbox, self.prospects)
        self.matches = MatchExamples(stage.observer)
        self.keys = ErasedKeys(stage.partitions)
        self.sites: FrameOutbox[SiteRecord] = FrameOutbox(
            topics.SITES.name, stage.partitions, SiteFrame
        )

    def scratch(self) -> InstallSteps:
        """Steps at the same time, on a branch of the states."""
        steps = InstallSteps(self.stage, StateBranch(self.states), self.stage_time)
        steps.outbox.limit_as(self.outbox)
        steps.read_until, steps.closed_until = self.read_until, self.closed_until
        return steps

    def verify(self) -> None:
        """Raise whatever encoding the effects would raise."""
        for frames in (self.prospects.examples, self.matches, self.keys.records, self.sites):
            frames.verify()

    def absorb(self, other: InstallSteps) -> None:
        """Add the effects of a scratch."""
        self.outbox.absorb(other.outbox)
        self.prospects.examples.absorb(other.prospects.examples)
        self.matches.absorb(other.matches)
        self.keys.records.absorb(other.keys.records)
        self.sites.absorb(other.sites)

    def load(self, frames: Sequence[JourneyFrame]) -> None:
        """Read the installs of all records at once."""
        names = {
            journey_key(record.app_id, record.install_id, is_sandbox=record.is_sandbox)
            for frame in frames
            for record in frame.records
            if not isinstance(record, ModelMarker | OrderGiven)
        }
        self.states.load([name.encode() for name in names])
        self.closed.load([name for name in names if self.states.get(name.encode()) is None])

    def apply(self, record: JourneyRecord) -> None:
        """Apply one record: of an install, or a marker that switches models."""
        if isinstance(record, ModelMarker):
            self.stage.active.switch(record.model, record.version, record.published_at)
            self.stage.observer.on_model(record.model, record.version)
            return
        if isinstance(record, OrderGiven):
            self.prospects.experiments.obey(record)
            return
        name = journey_key(record.app_id, record.install_id, is_sandbox=record.is_sandbox)
        state, closed = self.closed.known(name, record)
        if isinstance(record, ExposureSeen):
            self.outbox.settle(record.source, "decided")
            if closed is None and not (record.is_sandbox or state.journey.erased_ts):
                met = self.prospects.meet(record, state.prospect, state.journey, self.stage_time)
                if met is not state.prospect:
                    self.states.put(name.encode(), replace(state, prospect=met))
            return
        known = state.journey.install
        if known is not None and isinstance(record, Installed):
            self._open_again(name, closed, state, record)
            return
        if isinstance(record, Erased | ChoiceMade) and (
            receipt := install_receipt(record, state.journey, len(state.lives))
        ):
            self.outbox.add(topics.PRIVACY_RECEIPTS.name, receipt.subject_request_id, receipt)
        for opening, part in in_lives(record, state.journey, state.lives, self.stage.rules):
            key, addressed = self.closed.addressed(name, closed, opening, part)
            if addressed is not part:
                self.keys.tell_late(part, record.install_id, state.journey.last_ts)
            self._advance(key, addressed)

    def _advance(self, key: bytes, record: JourneyRecord) -> None:
        state = self.states.get(key) or NEW_INSTALL
        installed = record if isinstance(record, Installed) else state.journey.install
        read_until = self.read_until
        if installed is not None and self._is_of_future(installed.ts):
            read_until = journeys.ALL_READ
        journey, facts = journeys.advance(state.journey, record, self.stage.rules, read_until)
        if journey.erased_ts:
            self.keys.tell(state.journey, journey, record)
        for fact in facts:
            if isinstance(fact, Settled) and fact.disposition == "duplicate":
                self.reports.name_repeat(record)
        self._conclude(key, state, journey, facts)

    def _is_of_future(self, ts: LogMs) -> bool:
        """Whether a producer's clock has stamped an install so far ahead that nobody waits until
        the log is read up to it."""
        return 0 < self.stage_time < ts - INSTALL_AHEAD_MS_MAX

    def _open_again(
        self, name: str, closed: ClosedInstall | None, state: InstallState, opened: Installed
    ) -> None:
        """Begin a later life of an install that is known, or recognise a repeat."""
        key, same = (name, opened) if closed is None else (closed.name, closed.of_install(opened))
        known = state.journey.install
        assert known is not None
        lives = [life_of(known), *state.lives]
        begun, facts = later_life(lives, same, self.stage.rules)
        if begun is None:
            self.reports.name_repeat(same)
            erased_ts = state.journey.erased_ts
            if erased_ts and not any(life.ts > erased_ts for life in lives):
                self.keys.tell_late(opened, opened.install_id, erased_ts)
            self._conclude(key.encode(), state, state.journey, list(facts))
            return
        begun = later_install(opened)
        new = life_of(begun) if closed is None else closed_life(life_of(begun), closed.hashes)
        last_ts = max(state.journey.last_ts, opened.ts)
        journey = replace(state.journey, last_ts=last_ts)
        state = replace(state, journey=journey, lives=[*state.lives, new])
        self.states.put(key.encode(), state)
        before = lives if closed is None else []  # Nothing names the past.
        for opening, part in opening_records(state.journey, before, begun, opened):
            self._advance(*self.closed.addressed(name, closed, opening, part))

    def fire(self) -> None:
        """Decide what waited for the log to be read; then handle everything due at stage time, in
        the order of due times.

        However far log time leaps, the order of examples and the state of an install that is purged
        in between must stay the same.
        """
        now, timers = self.stage_time, self.stage.timers
        unread = timers.pop_read(self.read_until)
        self.states.load(unread)
        for key in unread:
            self.decide_read(key)
        moments = timers.pop_held(self.closed_until) + timers.pop_moments(now)
        heapq.heapify(moments)
        self.states.load([key for _, key in moments])
        ahead = 0
        while moments:
            ahead = (ahead or self.score_ahead(moments, now)) - 1
            self.stage_time, key = heapq.heappop(moments)
            self.fire_one(key, self.stage_time)
            for again in timers.pop_moments(now):
                heapq.heappush(moments, again)
        self.stage_time = now

    def score_ahead(self, moments: list[tuple[LogMs, bytes]], now: LogMs) -> int:
        """Score the installs that are due first together; returns how many these are."""
        first = heapq.nsmallest(SCORED_AHEAD_MAX, moments)
        states = filter(None, [self.states.get(key) for _, key in first])
        self.prospects.score_ahead([(one.prospect, one.journey) for one in states], now)
        return len(first)

    def reconsider(self, keys: Sequence[bytes]) -> None:
        """Decide these installs again under the rules in force."""
        self.states.load(keys)
        for key in keys:
            self.reconsider_one(key)

    def reconsider_one(self, key: bytes) -> None:
        """Decide one install again under the rules in force."""
        state = self.states.get(key)
        if state is not None:
            now, rules = self.stage_time, self.stage.rules
            journey, facts = journeys.change_rules(state.journey, now, rules)
            self._conclude(key, state, journey, facts, is_review=True)

    def decide_read(self, key: bytes) -> None:
        """Decide one install that waited for the log to be read."""
        state = self.states.get(key)
        if state is not None:
            journey, facts = journeys.read_log(state.journey, self.stage.rules)
            self._conclude(key, state, journey, facts)

    def fire_one(self, key: bytes, now: LogMs) -> None:
        """Meet what is due of one install at this log time."""
        state = self.states.get(key)
        if state is None:
            return
        if journeys.journey_due(state.journey, self.stage.rules) > now:
            # Only models are due. This is the usual case, so it has to be cheap.
            prospect = self.prospects.reach(state.prospect, state.journey, now)
            self.states.put(key, replace(state, prospect=prospect))
            return
        if journeys.is_forgotten(state.journey, now, self.stage.rules):
            if now <= self.closed_until:
                self.states.put(key, None)
            else:  # Matching may be about to say what is taken back of its money.
                self.stage.timers.hold(key, now)
            return
        journey, facts = journeys.meet_deadlines(state.journey, now, self.stage.rules)
        self._conclude(key, state, journey, facts)

    def _conclude(
        self,
        key: bytes,
        before: InstallState,
        journey: Journey,
        facts: list[JourneyFact],
        *,
        is_review: bool = False,
    ) -> None:
        prospect, claim, credited = before.prospect, before.claim, before.credited
        decision: Decision | None = None
        for fact in facts:
            prospect = self.reports.report(fact, prospect, journey)
            if isinstance(fact, Decision):
                decision = fact
                if fact.version == 1:
                    self.matches.teach(fact, self.stage.rules)
                if fact.reason != "fraud_verdict" and not fact.case.install.is_sandbox:
                    claim = self._replace_claim(claim, decision_rows.site_claim(fact))
        if claim is not None and claim.is_new_device and len(journey.candidates) > 1:
            # Touchpoints that change no decision still show that the device was seen before.
            claim = self._replace_claim(claim, replace(claim, is_new_device=False))
        if is_review or credit_revision.may_have_changed(before.journey, journey, decision):
            credited = self.reports.share(journey, decision, credited, self.stage.active.credit)
        prospect = self.prospects.reach(prospect, journey, self.stage_time)
        if journey.is_purged:
            claim = None  # It names a touchpoint, and the decision cannot change any more.
        after = replace(before, journey=journey, prospect=prospect, claim=claim, credited=credited)
        self.closed.put(key, after)

    def _replace_claim(
        self, before: SiteInstall | None, claim: SiteInstall | None
    ) -> SiteInstall | None:
        """Send the sites stage a claim of an install, and withdraw an earlier one."""
        if claim == before:
            return before
        if before is not None:
            self.sites.add(before.key, replace(before, sign=-1))
        if claim is not None:
            self.sites.add(claim.key, claim)
        return claim
