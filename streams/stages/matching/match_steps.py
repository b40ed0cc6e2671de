"""One decision of the matching stage: applies records and deadlines to the states of match keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from attribution.matching.facts import Evicted, KeyShared, MatchFact, MoneyWaiting, Settled
from attribution.rules.rules import Rules
from schemas import topics
from schemas.records import (
    AccessSeen,
    AccountMoney,
    Candidates,
    ChoiceMade,
    ChoiceSeen,
    Erased,
    ErasureSeen,
    ExampleFrame,
    ExampleRecord,
    ExposurePath,
    JourneyFrame,
    JourneyRecord,
    LinksCut,
    MatchFrame,
    MatchRecord,
    Money,
    MoneyRouted,
    MoneySeen,
    OriginalSeen,
    RestoreSeen,
    TouchSeen,
    journey_key,
)
from schemas.time import HOUR_MS, LogMs
from streams.stages.common.erasure import key_receipt
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import FrameOutbox, Outbox
from streams.stages.common.parked_rows import money_parked
from streams.stages.common.working_set import Timers, WorkingSet
from streams.stages.matching.credit_rows import exposure_row
from streams.stages.matching.key_states import KeyState
from streams.stages.matching.key_steps import advance_key, expire_key
from streams.stages.matching.shared_key_rows import shared_key_row
from streams.stages.personal.access_request import access_answers
from streams.stages.separate.states import StateBranch

MATCHING_STAGE = "matching"


@dataclass(frozen=True, slots=True)
class MatchingContext:
    """What all decisions of one partition share."""

    partition: int
    partitions: int
    rules: Rules
    timers: Timers
    observer: StageObserver


class MatchSteps:
    """One decision of the matching stage."""

    def __init__(self, context: MatchingContext, states: WorkingSet[KeyState]) -> None:
        self.states = states
        self.outbox = Outbox(MATCHING_STAGE, context.partition, context.observer)
        self.match: FrameOutbox[MatchRecord] = FrameOutbox(
            topics.MATCH.name, context.partitions, MatchFrame
        )
        self.journeys: FrameOutbox[JourneyRecord] = FrameOutbox(
            topics.JOURNEYS.name, context.partitions, JourneyFrame
        )
        self.examples: FrameOutbox[ExampleRecord] = FrameOutbox(
            topics.EXAMPLES.name, 1, ExampleFrame
        )
        self._context = context
        self._rules = context.rules

    def scratch(self) -> MatchSteps:
        """Another decision, on a branch of the states."""
        steps = MatchSteps(self._context, StateBranch(self.states))
        steps.outbox.limit_as(self.outbox)
        return steps

    def verify(self) -> None:
        """Raise whatever encoding the effects would raise."""
        for frames in (self.match, self.journeys, self.examples):
            frames.verify()

    def absorb(self, other: MatchSteps) -> None:
        """Add the effects of a scratch."""
        self.outbox.absorb(other.outbox)
        self.match.absorb(other.match)
        self.journeys.absorb(other.journeys)
        self.examples.absorb(other.examples)

    def load(self, frames: Sequence[MatchFrame]) -> None:
        keys = {record.key for frame in frames for record in frame.records}
        self.states.load([key.encode() for key in keys])

    def apply(self, record: MatchRecord) -> None:
        key = record.key.encode()
        known = self.states.get(key)
        state, facts = advance_key(known, record, self._rules)
        if state is not known:
            self.states.put(key, state)
        if isinstance(record, ErasureSeen | ChoiceSeen):
            receipt = key_receipt(record, known, self._rules)
            self.outbox.add(topics.PRIVACY_RECEIPTS.name, receipt.subject_request_id, receipt)
        elif isinstance(record, AccessSeen):
            for answer in access_answers(record, known, self._rules):
                self.outbox.add(topics.PRIVACY_RECEIPTS.name, answer.subject_request_id, answer)
        for fact in facts:
            self._report(fact)
            if isinstance(record, MoneySeen) and isinstance(fact, Settled):
                self._name_repeat(record.money, fact)

    def _name_repeat(self, money: Money, settled: Settled) -> None:
        """Tell the ledger which payment was a duplicate, so that people can ask for it."""
        if settled.disposition == "duplicate" and settled.source == money.source:
            # Money that was logged by earlier versions does not say which event reported it.
            event_id = getattr(money, "event_id", "")
            self.outbox.repeat(money.source, event_id, money.transaction_id or money.booking_id)

    def fire(self, now: LogMs) -> None:
        """Meet every deadline that is due at log time `now`."""
        while keys := self._context.timers.pop_due(now):
            self._fire_all(keys, now)

    def _fire_all(self, keys: Sequence[bytes], now: LogMs) -> None:
        self.states.load(keys)
        for key in keys:
            self.fire_one(key, now)

    def fire_one(self, key: bytes, now: LogMs) -> None:
        """Meet the deadline of one key."""
        state, facts = expire_key(key, self.states.get(key), now, self._rules)
        self.states.put(key, state)
        for fact in facts:
            self._report(fact)

    def forget(self, expired: Sequence[bytes], hour: int) -> None:
        """Delete states that could matter only before this hour of log time."""
        forgotten = self.states.forget_expired(expired, LogMs(hour * HOUR_MS))
        self._context.observer.on_forgotten(MATCHING_STAGE, forgotten)

    def _report(self, fact: MatchFact) -> None:
        match fact:
            case Candidates() | MoneyRouted() | Erased() | LinksCut() | ChoiceMade():
                key = journey_key(fact.app_id, fact.install_id, is_sandbox=fact.is_sandbox)
                self.journeys.add(key, fact)
            case AccountMoney() | TouchSeen() | RestoreSeen() | OriginalSeen():
                self.match.add(fact.key, fact)
            case ExposurePath():
                self.examples.add(fact.path_id, fact)
                self.outbox.add(topics.EXPOSURES.name, fact.path_id, exposure_row(fact))
            case Settled():
                self.outbox.settle(fact.source, fact.disposition, fact.move)
            case MoneyWaiting():
                row = money_parked(fact.money, fact.state, fact.waits_for, fact.deadline)
                self.outbox.add(topics.PARKED.name, fact.money.booking_id, row)
            case Evicted():
                self._context.observer.on_evicted(fact.bound, fact.count)
            case KeyShared():
                self._context.observer.on_evicted(fact.bound, 1)
                verdict = shared_key_row(fact)
                self.outbox.add(topics.FRAUD_VERDICTS.name, verdict.install_id, verdict)
            case _:
                assert_never(fact)
