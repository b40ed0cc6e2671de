"""Reports the facts of a journey: as outcome rows, in the ledger, and to the models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from attribution.journey import (
    ActiveDay,
    ActivityApplied,
    Decision,
    Journey,
    JourneyFact,
    Milestone,
    MoneyApplied,
    Reengagement,
    Waiting,
)
from attribution.matching.facts import Evicted, Settled
from attribution.rules.rules import Rules
from online_models.credit.persistence import CreditModel
from online_models.scoring.prospects import Prospect
from schemas import topics
from schemas.outcomes import Attribution
from schemas.records import ActivitySeen, Installed, JourneyRecord
from streams.stages.common import parked_rows
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import Outbox
from streams.stages.common.pseudonyms import ANONYMOUS_PREFIX, AnonymousIds, is_anonymous_text
from streams.stages.journeys import credit_revision, decision_rows
from streams.stages.journeys.activity_rows import active_day_row, milestone_row
from streams.stages.journeys.booking_row import booking_row
from streams.stages.journeys.credit_revision import CreditRevision
from streams.stages.journeys.prospect_steps import ProspectSteps
from streams.stages.personal.anonymous_rows import anonymous_row, nameless_candidates

_Row = TypeVar("_Row", bound=Struct)


class DecidedUnder(Protocol):
    """The rules in force, and who watches."""

    @property
    def rules(self) -> Rules: ...

    @property
    def rule_set(self) -> str: ...

    @property
    def observer(self) -> StageObserver: ...

    @property
    def erased_names(self) -> Sequence[AnonymousIds]: ...


class FactReports:
    """Reports facts in the order in which they happened."""

    def __init__(self, stage: DecidedUnder, outbox: Outbox, prospects: ProspectSteps) -> None:
        self._stage = stage
        self._outbox = outbox
        self._prospects = prospects

    def name_repeat(self, record: JourneyRecord) -> None:
        """Tell the ledger which event was a duplicate, so that people can ask for it."""
        match record:
            case Installed():
                self._outbox.repeat(record.source, record.event_id, record.install_id)
            case ActivitySeen():
                event_id = record.event_id
                if self._is_erased(record.install_id):
                    event_id = self._stage.erased_names[0].of(event_id)
                self._outbox.repeat(record.source, event_id)

    def _is_erased(self, install_id: str) -> bool:
        """Whether this is the id of an install that is kept without its name."""
        if not install_id.startswith(ANONYMOUS_PREFIX) or not self._stage.erased_names:
            return False
        return is_anonymous_text(install_id) is not None

    def _named(self, row: _Row, install_id: str) -> _Row:
        """The row as it may be published: nobody is named again who was erased."""
        if not self._is_erased(install_id):
            return row
        published: _Row = anonymous_row(row, self._stage.erased_names[0])
        return published

    def report(self, fact: JourneyFact, prospect: Prospect, journey: Journey) -> Prospect:
        """Report one fact of a journey; return what models know of the install after it."""
        install = journey.install
        match fact:
            case Decision():
                self._report_decision(fact)
            case Reengagement():
                self._report_reengagement(fact)
            case MoneyApplied():
                assert install is not None
                booking = self._named(booking_row(fact.routed, install), fact.routed.install_id)
                self._outbox.add(topics.REVENUE.name, booking.install_id, booking)
                if not install.is_sandbox:
                    return self._prospects.see_money(prospect, fact.routed, install)
            case ActivityApplied():
                assert install is not None
                if not install.is_sandbox:
                    return self._prospects.see_activity(prospect, fact.activity, install)
            case ActiveDay():
                assert install is not None
                day = self._named(active_day_row(fact, install), install.install_id)
                self._outbox.add(topics.ACTIVE_DAYS.name, day.install_id, day)
            case Milestone():
                assert install is not None
                milestone = self._named(milestone_row(fact, install), install.install_id)
                self._outbox.add(topics.MILESTONES.name, milestone.install_id, milestone)
            case Waiting():
                self._report_waiting(fact)
            case Settled():
                self._outbox.settle(fact.source, fact.disposition, fact.move)
            case Evicted():
                self._stage.observer.on_evicted(fact.bound, fact.count)
            case _:
                assert_never(fact)
        return prospect

    def share(
        self,
        journey: Journey,
        decision: Decision | None,
        before: CreditRevision,
        model: CreditModel | None,
    ) -> CreditRevision:
        """Report how credit is shared, if that may have changed."""
        rules = self._stage.rules
        credited, row = credit_revision.credit_install(journey, decision, before, rules, model)
        if row is not None:
            self._outbox.add(topics.CREDITS.name, row.install_id, row)
        return credited

    def _report_decision(self, decision: Decision) -> None:
        row = decision_rows.attribution_row(decision, self._stage.rules, self._stage.rule_set)
        if decision.is_erased:
            row = self._with_nameless(row, [one.touch_id for one in decision.review.receipts])
        self._outbox.add(topics.ATTRIBUTIONS.name, row.install_id, row)
        for verdict in decision_rows.verdict_rows(decision):
            self._outbox.add(topics.FRAUD_VERDICTS.name, row.install_id, verdict)

    def _report_reengagement(self, fact: Reengagement) -> None:
        row = decision_rows.reengagement_row(fact, self._stage.rules, self._stage.rule_set)
        if fact.is_erased:
            row = self._with_nameless(row, [fact.candidate.touch.touch_id])
        self._outbox.add(topics.ATTRIBUTIONS.name, row.install_id, row)

    def _with_nameless(self, row: Attribution, touch_ids: list[str]) -> Attribution:
        if not self._stage.erased_names:
            return row
        candidates = nameless_candidates(touch_ids, self._stage.erased_names[0])
        return replace(row, candidates=candidates)

    def _report_waiting(self, fact: Waiting) -> None:
        record = fact.record
        if isinstance(record, ActivitySeen):
            row = parked_rows.activity_parked(record, fact.state, fact.deadline)
        else:
            row = parked_rows.money_parked(
                record.money, fact.state, "install", fact.deadline, record.move
            )
        row = self._named(row, record.install_id)
        self._outbox.add(topics.PARKED.name, row.subject_id, row)
