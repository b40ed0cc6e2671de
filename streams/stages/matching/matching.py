"""Matching: joins touchpoints, installs, accounts and money by match key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from attribution.matching import accounts, touch_index, transactions
from attribution.matching.account_state import AccountState
from attribution.matching.facts import Evicted, KeyShared, MatchFact, MoneyWaiting, Settled
from attribution.matching.touch_index import TouchIndex
from attribution.matching.transaction_state import Transaction, TransactionBefore
from attribution.postbacks import seen_postback
from attribution.postbacks.seen_postback import SeenPostback
from attribution.rules.rules import Rules
from schemas import topics
from schemas.records import (
    AccountLinked,
    AccountMoney,
    Candidates,
    Erased,
    ErasureSeen,
    ExampleFrame,
    ExampleRecord,
    ExposurePath,
    InstallSeen,
    JourneyFrame,
    JourneyRecord,
    LinksCut,
    MatchFrame,
    MatchRecord,
    Money,
    MoneyRouted,
    MoneySeen,
    OriginalSeen,
    PostbackSeen,
    RestoreSeen,
    TouchSeen,
    journey_key,
    match_frames,
)
from schemas.time import HOUR_MS, LogMs
from streams.stages.common.match_keys import ACCOUNT_PREFIX
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import FrameOutbox, Outbox
from streams.stages.common.parked_rows import money_parked
from streams.stages.common.watermarks import (
    ASKED,
    NOTHING_READ,
    FreshnessReport,
    ReadMark,
    Watermarks,
    WatermarkStep,
    source_upstreams,
    stage_upstreams,
    upstream,
)
from streams.stages.common.working_set import (
    EXPIRES_FROM,
    NEVER,
    WATERMARKS_KEY,
    Codec,
    Timers,
    WorkingSet,
)
from streams.stages.contract import Effects, LogRecord, StateReader, TopicPartition
from streams.stages.matching.credit_rows import exposure_row
from streams.stages.matching.key_states import KEY_STATES, KeyState
from streams.stages.matching.shared_key_rows import shared_key_row


@dataclass(frozen=True, slots=True)
class MatchingContext:
    """What all decisions of one partition share."""

    partition: int
    partitions: int
    rules: Rules
    timers: Timers
    observer: StageObserver


class Matching:
    """The matching stage of one partition. Order of calls: see `streams.stages.contract.Stage`."""

    name = "matching"

    def __init__(
        self,
        partition: int,
        partitions: int,
        rules: Rules,
        observer: StageObserver,
        sources: int | None = None,
    ) -> None:
        self._context = MatchingContext(partition, partitions, rules, Timers(), observer)
        self._forgotten_until = 0  # hours of log time
        self._sources = source_upstreams(sources := sources or partitions)
        self._hops = stage_upstreams(self.name, partitions)
        read = (topics.TOUCHPOINTS.name, topics.INSTALLS.name)
        self._read = [upstream(topic, p) for topic in read for p in range(sources)]
        self._asked = stage_upstreams(ASKED, sources)
        self._watermarks = Watermarks([*self._sources, *self._hops, *self._asked])
        self._read_mark = ReadMark(partition, rules.decision_wait_ms)
        name = upstream(self.name, partition)
        self._stage_time_step, self._settled_step = WatermarkStep(name), WatermarkStep(name)
        self._freshness = FreshnessReport(self.name, partition)
        self._codec: Codec[KeyState] = Codec(KEY_STATES, self._due)

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        self._context.timers.restore(self._watermarks.restore_from(entries, KEY_STATES))

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ()

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        frames = [match_frames.decode(record.value or b"") for record in records]
        states = WorkingSet(self._codec, self._context.timers, state)
        batch = _Batch(self._context, states)
        batch.load(frames)
        for frame in frames:
            for record in frame.records:
                batch.apply(record)
            self._watermarks.advance(frame.watermarks)
            batch.fire(now := self._watermarks.minimum(self._sources))
            # Touchpoints that another key sends on are read later than the sources.
            hour = min(now, self._watermarks.minimum(self._hops)) // HOUR_MS
            if hour > self._forgotten_until:
                self._forgotten_until = hour
                batch.forget(state.expired(LogMs(hour * HOUR_MS)), hour)
        positions = {(record.topic, record.partition): record.offset + 1 for record in records}
        return self._effects(batch, positions)

    def latest_log_time(self) -> LogMs:
        return max(self._watermarks.of(self._sources), default=LogMs(0))

    def _effects(self, batch: _Batch, positions: dict[TopicPartition, int]) -> Effects:
        marks, context = self._watermarks, self._context
        stage_time, settled = marks.minimum(self._sources), marks.minimum(self._hops)
        effects = Effects(changes=batch.states.changes(), positions=positions)
        effects.changes[WATERMARKS_KEY] = marks.encode()
        batch.match.flush(effects, self._stage_time_step.take(stage_time))
        read = [marks.minimum([name]) for name in self._read]
        read_mark = self._read_mark.take(read, max(marks.of(self._asked), default=NOTHING_READ))
        batch.journeys.flush(effects, self._settled_step.take(settled) | read_mark)
        batch.examples.flush(effects, {})
        self._freshness.report(stage_time, batch.outbox)
        batch.outbox.flush(effects)
        context.observer.on_stage_time(self.name, context.partition, stage_time)
        return effects

    def _due(self, state: KeyState) -> int:
        rules = self._context.rules
        match state:
            case Transaction():
                due = transactions.transaction_due(state, rules)
                return due or EXPIRES_FROM + transactions.transaction_expires_at(state, rules)
            case TransactionBefore():
                return self._due(state.upgraded(rules))
            case AccountState():
                return accounts.account_due(state) or NEVER
            case TouchIndex():
                due = touch_index.touch_index_due(state, rules)
                return due or EXPIRES_FROM + touch_index.touch_index_expires_at(state, rules)
            case SeenPostback():
                return EXPIRES_FROM + seen_postback.postback_expires_at(state, rules)
        assert_never(state)


class _Batch:
    """One decision of the matching stage."""

    def __init__(self, context: MatchingContext, states: WorkingSet[KeyState]) -> None:
        self.states = states
        self.outbox = Outbox(Matching.name, context.partition, context.observer)
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

    def load(self, frames: Sequence[MatchFrame]) -> None:
        keys = {record.key for frame in frames for record in frame.records}
        self.states.load([key.encode() for key in keys])

    def apply(self, record: MatchRecord) -> None:
        key = record.key.encode()
        known = self.states.get(key)
        state, facts = _advance(known, record, self._rules)
        if state is not known:
            self.states.put(key, state)
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
            self.states.load(keys)
            for key in keys:
                state, facts = _expire(key, self.states.get(key), now, self._rules)
                self.states.put(key, state)
                for fact in facts:
                    self._report(fact)

    def forget(self, expired: Sequence[bytes], hour: int) -> None:
        """Delete states that could matter only before this hour of log time."""
        forgotten = self.states.forget_expired(expired, LogMs(hour * HOUR_MS))
        self._context.observer.on_forgotten(Matching.name, forgotten)

    def _report(self, fact: MatchFact) -> None:
        match fact:
            case Candidates() | MoneyRouted() | Erased() | LinksCut():
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


def _advance(
    state: KeyState | None, record: MatchRecord, rules: Rules
) -> tuple[KeyState, list[MatchFact]]:
    """Apply a record to the state of its key. Key prefixes guarantee that the types agree."""
    if isinstance(state, TransactionBefore):
        state = state.upgraded(rules)
    match record:
        case TouchSeen():
            assert state is None or isinstance(state, TouchIndex)
            return touch_index.index_touch(state, record, rules)
        case InstallSeen():
            assert state is None or isinstance(state, TouchIndex)
            return touch_index.index_install(state, record, rules)
        case AccountLinked():
            assert state is None or isinstance(state, AccountState)
            return accounts.link_account(state, record, rules)
        case AccountMoney():
            assert state is None or isinstance(state, AccountState)
            return accounts.place_money(state, record, rules)
        case MoneySeen() | RestoreSeen() | OriginalSeen():
            assert state is None or isinstance(state, Transaction)
            return transactions.take_record(state, record, rules)
        case PostbackSeen():
            assert state is None or isinstance(state, SeenPostback)
            return seen_postback.count_postback(state, record)
        case ErasureSeen():
            assert not isinstance(state, Transaction)
            if record.key.startswith(ACCOUNT_PREFIX):
                assert state is None or isinstance(state, AccountState)
                return accounts.erase_account(state, record, rules)
            assert state is None or isinstance(state, TouchIndex)
            return touch_index.erase_key(state, record, rules)
    assert_never(record)


def _expire(
    key: bytes, state: KeyState | None, now: LogMs, rules: Rules
) -> tuple[KeyState | None, list[MatchFact]]:
    match state:
        case Transaction():
            return transactions.expire_refunds(state, now, rules)
        case TransactionBefore():
            return transactions.expire_refunds(state.upgraded(rules), now, rules)
        case AccountState():
            return accounts.expire_account_money(state, now)
        case TouchIndex():
            return touch_index.close_sampled_paths(state, key.decode(), now, rules)
        case SeenPostback() | None:
            return state, []
    assert_never(state)
