"""Matching: one index by match key that joins touchpoints, installs, accounts and money."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

import msgspec

from attribution.matching import accounts, touch_index, transactions
from attribution.matching.accounts import AccountState
from attribution.matching.facts import Evicted, MatchFact, MoneyWaiting, Settled
from attribution.matching.touch_index import TouchIndex
from attribution.matching.transactions import Transaction
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
    MatchFrame,
    MatchRecord,
    MoneyRouted,
    MoneySeen,
    PostbackSeen,
    TouchSeen,
    match_frames,
)
from schemas.time import HOUR_MS, LogMs
from streams.stages.common.match_keys import ACCOUNT_PREFIX
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import FrameOutbox, Outbox
from streams.stages.common.parked_rows import money_parked
from streams.stages.common.watermarks import (
    FreshnessReport,
    Watermarks,
    WatermarkStep,
    source_upstreams,
    stage_upstreams,
    upstream,
)
from streams.stages.common.working_set import (
    NEVER,
    USELESS_FROM,
    WATERMARKS_KEY,
    Codec,
    Timers,
    WorkingSet,
)
from streams.stages.contract import Effects, LogRecord, StateReader
from streams.stages.matching.credit_rows import exposure_row

KeyState = TouchIndex | Transaction | AccountState | SeenPostback

_states = msgspec.msgpack.Decoder(KeyState)


class Matching:
    name = "matching"

    def __init__(
        self, partition: int, partitions: int, rules: Rules, observer: StageObserver
    ) -> None:
        self._partition = partition
        self._partitions = partitions
        self._rules = rules
        self._observer = observer
        self._timers = Timers()
        self._forgotten_until = 0  # hours of log time
        self._sources = source_upstreams(partitions)
        self._hops = stage_upstreams(self.name, partitions)
        self._watermarks = Watermarks([*self._sources, *self._hops])
        name = upstream(self.name, partition)
        self._stage_time_step = WatermarkStep(name)
        self._settled_step = WatermarkStep(name)
        self._freshness = FreshnessReport(self.name, partition)
        self._codec: Codec[KeyState] = Codec(_states.decode, self._due)

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        def without_watermarks() -> Iterable[tuple[bytes, bytes]]:
            for key, value in entries:
                if key == WATERMARKS_KEY:
                    self._watermarks.restore(value)
                else:
                    yield key, value

        self._timers.restore(without_watermarks())

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ()

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        frames = [match_frames.decode(record.value or b"") for record in records]
        batch = _Batch(self, WorkingSet(self._codec, self._timers, state))
        batch.load(frames)
        for frame in frames:
            for record in frame.records:
                batch.apply(record)
            self._watermarks.advance(frame.watermarks)
            now = self._watermarks.minimum(self._sources)
            batch.fire(now)
            if now // HOUR_MS > self._forgotten_until:
                self._forgotten_until = now // HOUR_MS
                batch.forget(state.expired(now), now // HOUR_MS)
        positions = {(record.topic, record.partition): record.offset + 1 for record in records}
        return batch.effects(positions)

    def _due(self, state: KeyState) -> int:
        match state:
            case Transaction():
                return transactions.transaction_due(state, self._rules) or NEVER
            case AccountState():
                return accounts.account_due(state) or NEVER
            case TouchIndex():
                due = touch_index.touch_index_due(state, self._rules)
                return due or USELESS_FROM + touch_index.touch_index_useless_from(
                    state, self._rules
                )
            case SeenPostback():
                return USELESS_FROM + seen_postback.postback_useless_from(state, self._rules)
        assert_never(state)


class _Batch:
    """One decision of the matching stage."""

    def __init__(self, stage: Matching, states: WorkingSet[KeyState]) -> None:
        self._stage = stage
        self._rules = stage._rules
        self._states = states
        self._outbox = Outbox(stage.name, stage._partition, stage._observer)
        self._match: FrameOutbox[MatchRecord] = FrameOutbox(
            topics.MATCH.name, stage._partitions, MatchFrame
        )
        self._journeys: FrameOutbox[JourneyRecord] = FrameOutbox(
            topics.JOURNEYS.name, stage._partitions, JourneyFrame
        )
        self._examples: FrameOutbox[ExampleRecord] = FrameOutbox(
            topics.EXAMPLES.name, 1, ExampleFrame
        )

    def load(self, frames: Sequence[MatchFrame]) -> None:
        keys = {record.key for frame in frames for record in frame.records}
        self._states.load([key.encode() for key in keys])

    def apply(self, record: MatchRecord) -> None:
        key = record.key.encode()
        known = self._states.get(key)
        state, facts = _advance(known, record, self._rules)
        if state is not known:
            self._states.put(key, state)
        for fact in facts:
            self._say(fact)

    def fire(self, now: LogMs) -> None:
        """Everything due at log time `now`."""
        while keys := self._stage._timers.pop_due(now):
            self._states.load(keys)
            for key in keys:
                state, facts = _expire(key, self._states.get(key), now, self._rules)
                self._states.put(key, state)
                for fact in facts:
                    self._say(fact)

    def forget(self, useless: Sequence[bytes], hour: int) -> None:
        """Free the memory of what could matter only before this hour of log time."""
        forgotten = self._states.forget_useless(useless, LogMs(hour * HOUR_MS))
        self._stage._observer.on_forgotten(self._stage.name, forgotten)

    def effects(self, positions: dict[tuple[str, int], int]) -> Effects:
        stage = self._stage
        watermarks = stage._watermarks
        stage_time = watermarks.minimum(stage._sources)
        settled = watermarks.minimum(stage._hops)
        effects = Effects(changes=self._states.changes(), positions=positions)
        effects.changes[WATERMARKS_KEY] = watermarks.encode()
        self._match.flush(effects, stage._stage_time_step.take(stage_time))
        self._journeys.flush(effects, stage._settled_step.take(settled))
        self._examples.flush(effects, {})
        stage._freshness.say(stage_time, self._outbox)
        self._outbox.flush(effects)
        stage._observer.on_stage_time(stage.name, stage._partition, stage_time)
        return effects

    def _say(self, fact: MatchFact) -> None:
        match fact:
            case Candidates() | MoneyRouted() | Erased():
                self._journeys.add(fact.install_id, fact)
            case AccountMoney():
                self._match.add(fact.key, fact)
            case ExposurePath():
                self._examples.add(fact.path_id, fact)
                self._outbox.say(topics.EXPOSURES.name, fact.path_id, exposure_row(fact))
            case Settled():
                self._outbox.settle(fact.source, fact.disposition)
            case MoneyWaiting():
                row = money_parked(fact.money, fact.state, fact.waits_for, fact.deadline)
                self._outbox.say(topics.PARKED.name, fact.money.booking_id, row)
            case Evicted():
                self._stage._observer.on_evicted(fact.bound, fact.count)
            case _:
                assert_never(fact)


def _advance(
    state: KeyState | None, record: MatchRecord, rules: Rules
) -> tuple[KeyState, list[MatchFact]]:
    """Key prefixes keep the kinds of state apart, so the kinds always agree."""
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
        case MoneySeen():
            assert state is None or isinstance(state, Transaction)
            return transactions.fold_money(state, record.money, rules)
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
        case AccountState():
            return accounts.expire_account_money(state, now)
        case TouchIndex():
            return touch_index.close_sampled_paths(state, key.decode(), now, rules)
        case SeenPostback() | None:
            return state, []
    assert_never(state)
