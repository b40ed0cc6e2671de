"""Matching: joins touchpoints, installs, accounts and money by match key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from attribution.matching import accounts, touch_index, transactions
from attribution.matching.account_state import AccountState
from attribution.matching.touch_index import TouchIndex
from attribution.matching.transaction_state import Transaction, TransactionBefore
from attribution.postbacks import seen_postback
from attribution.postbacks.seen_postback import SeenPostback
from attribution.privacy.erased_installs import account_expires_at, touch_index_expires_at
from attribution.privacy.key_requests import contents_due
from attribution.rules.rules import Rules
from schemas import topics
from schemas.records import (
    MatchFrame,
    match_frames,
)
from schemas.time import HOUR_MS, LogMs
from streams.stages.common.observer import StageObserver
from streams.stages.common.watermarks import (
    ASKED,
    NOTHING_READ,
    AnswerMarks,
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
from streams.stages.contract import (
    Effects,
    LogRecord,
    StateReader,
    TopicPartition,
    positions_after,
)
from streams.stages.matching.key_states import KEY_STATES, KeyState
from streams.stages.matching.match_steps import MATCHING_STAGE, MatchingContext, MatchSteps
from streams.stages.separate.matching_steps import SeparateMatchSteps
from streams.stages.separate.states import SeparateStates


class Matching:
    """The matching stage of one partition. Order of calls: see `streams.stages.contract.Stage`."""

    name = MATCHING_STAGE

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
        self._answers = AnswerMarks(partition, partitions)
        own = [*self._hops, *self._answers.names]
        self._watermarks = Watermarks([*self._sources, *own, *self._asked])
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
        batch = MatchSteps(self._context, WorkingSet(self._codec, self._context.timers, state))
        batch.load(frames)
        for frame in frames:
            self._take(frame, batch, state)
        return self._effects(batch, positions_after(records))

    def latest_log_time(self) -> LogMs:
        return max(self._watermarks.of(self._sources), default=LogMs(0))

    def decide_apart(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        batch = SeparateMatchSteps(
            self._context, SeparateStates(self._codec, self._context.timers, state)
        )
        for record in records:
            frame = batch.quarantine.read(match_frames.decode, record)
            if frame is not None:
                self._take(frame, batch, state)
        return self._effects(batch, positions_after(records))

    def _take(self, frame: MatchFrame, batch: MatchSteps, state: StateReader) -> None:
        for record in frame.records:
            batch.apply(record)
        self._watermarks.advance(frame.watermarks)
        batch.fire(now := self._watermarks.minimum(self._sources))
        # What another key sends on is read later than the sources, and what it answers later still:
        # where log time leaps, who asks must not be forgotten before the answer comes.
        hour = min(now, self._answers.closed(self._watermarks)) // HOUR_MS
        if hour > self._forgotten_until:
            self._forgotten_until = hour
            batch.forget(state.expired(LogMs(hour * HOUR_MS)), hour)

    def _effects(self, batch: MatchSteps, positions: dict[TopicPartition, int]) -> Effects:
        marks, context = self._watermarks, self._context
        stage_time, settled = marks.minimum(self._sources), marks.minimum(self._hops)
        effects = Effects(changes=batch.states.changes(), positions=positions)
        effects.changes[WATERMARKS_KEY] = marks.encode()
        answered = self._answers.take(marks, self._hops)
        batch.match.flush(effects, self._stage_time_step.take(stage_time) | answered)
        read = [marks.minimum([name]) for name in self._read]
        read_mark = self._read_mark.take(read, max(marks.of(self._asked), default=NOTHING_READ))
        closed = self._answers.take_closed(marks)
        batch.journeys.flush(effects, self._settled_step.take(settled) | read_mark | closed)
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
                if due := accounts.account_due(state):
                    return due
                expires = account_expires_at(state, rules)
                return NEVER if expires is None else EXPIRES_FROM + expires
            case TouchIndex():
                dues = touch_index.touch_index_due(state, rules), contents_due(state, rules)
                if due := min(filter(None, dues), default=None):
                    return due
                return EXPIRES_FROM + touch_index_expires_at(state, rules)
            case SeenPostback():
                return EXPIRES_FROM + seen_postback.postback_expires_at(state, rules)
        assert_never(state)
