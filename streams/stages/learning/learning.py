"""Learning: one ordered log of examples and orders in, gated model versions and markers out.

The learners are stored whole, now and then; only then does the committed offset move, and are
messages sent. So a restart loads them and learns the same examples again: their versions come out
the same, bit for bit. Where no state outlives the worker, learners are not stored and the offset
moves at once: writers to a broker that keeps little wait for it.

A stretch of the log in quarantine is treated as if it had never been written: the learners go back
to a base from before it and relearn what followed (`missing`), while the last version that had
learned nothing of it scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby

import msgspec
from msgspec import msgpack

from online_models.challengers.declaration import is_challenger_model, no_clock
from online_models.learning.registry import LogPosition, Registry
from online_models.persistence.envelope import Unusable
from schemas import topics
from schemas.records import OUTCOMES_ALONE, CommandKind, Example, ExampleRecord, ModelCommand
from schemas.time import LogMs
from streams.stages.common.observer import StageObserver
from streams.stages.common.watermarks import Watermarks, stage_upstreams
from streams.stages.contract import Effects, LogRecord, OffsetRange, StateReader
from streams.stages.learning.cost_orders import CostOrders
from streams.stages.learning.head import HEADS, Head, Relearning, unusable
from streams.stages.learning.parts import (
    BASE_EVERY_MS,
    Base,
    PartChanges,
    StoredParts,
    deletion_of,
    new_base,
    read_base,
    store_after,
    thinned,
)
from streams.stages.learning.quality_reporter import QualityReporter
from streams.stages.learning.rules import LearningRules
from streams.stages.learning.side_learners import MODEL_OF_RECORD, SideLearners
from streams.stages.learning.targets import TargetLearners
from streams.stages.learning.version_book import VersionBook
from streams.stages.separate.learning_examples import SeparateExamples

_HEAD = "stage"


class Learning:
    """The `Stage` of learning. It reads one partition, so one worker at a time has it."""

    name = "learning"

    def __init__(
        self,
        partitions: int,
        rules: LearningRules,
        observer: StageObserver,
        *,
        is_stored: bool = True,
        clock: Callable[[], float] = no_clock,
    ) -> None:
        self._is_stored = is_stored
        self._rules = rules
        self._observer = observer
        self._targets = TargetLearners(rules.targets, clock)
        self._cost = CostOrders()
        self._beside = SideLearners(rules)
        self._monitors = QualityReporter(rules.targets, observer)
        self._apart = SeparateExamples(observer)
        self._parts = StoredParts()
        self._head = Head()
        self._book = VersionBook(partitions, Registry(), observer)
        self._journeys = stage_upstreams("journeys", partitions)
        self._passed = Watermarks(self._journeys)
        self._deleted: PartChanges = {}  # of bases, with the next checkpoint
        self._examples = 0  # since the learners were stored
        self._stored_bytes = 0

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        parts = self._parts.restore(entries)
        if not parts:
            return
        try:
            self._head = HEADS.decode(parts.get(_HEAD, b""))
        except msgspec.MsgspecError as error:
            raise unusable(Unusable(f"its head: {error}")) from error
        targets = self._targets.restored(parts)
        beside = self._beside.restored(parts)
        monitors = self._monitors.restore(parts)
        if isinstance(targets, Unusable):
            raise unusable(targets)
        if isinstance(beside, Unusable):
            raise unusable(beside)
        if isinstance(monitors, Unusable):
            raise unusable(monitors)
        self._targets, self._beside = targets, beside
        if again := self._head.again:
            again.until = max(again.position, again.end)  # What follows is read as usual.
        self._book.registry = Registry(self._head.histories)

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ()

    def passed_log_time(self) -> LogMs:
        return self._passed.minimum(self._journeys)

    def missing(self) -> OffsetRange | None:
        """The stretch that has to be read again before any further record."""
        again = self._head.again
        if again is None:
            return None
        return OffsetRange((topics.EXAMPLES.name, 0), again.position, again.until)

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        """While a stretch is missing, records are of it alone; none: the log has no more of it."""
        before = self._head.again
        for record in records:
            again = self._head.again
            if again is not before and again is not None:
                again.until = max(again.until, record.offset + 1)  # It waits for its turn.
            else:
                self._read(record, state)
        again = self._head.again
        if again and (not records or again.position >= again.until):
            self._publish_relearned()
            self._head.again = None
        self._cost.order(self._targets.too_slow(), LogMs(self._head.time))
        return self._effects()

    def _read(self, record: LogRecord, state: StateReader) -> None:
        head, again = self._head, self._head.again
        is_again = record.offset < head.end
        if again and record.offset >= again.end:
            self._publish_relearned()
        if is_again and not again:
            return  # It was read in one batch with an order.
        frame = self._apart.read(record)
        for kind, same in groupby(frame.records, type):
            if kind is Example:
                examples = [one for one in same if isinstance(one, Example)]
                self._learn(examples, record.offset, is_again=is_again)
            elif (model := MODEL_OF_RECORD.get(kind)) and not is_again:
                self._learn_beside(model, list(same))
            elif kind is ModelCommand:
                orders = [one for one in same if isinstance(one, ModelCommand)]
                carry_out = partial(
                    self._carry_out, offset=record.offset, state=state, is_again=is_again
                )
                self._apart.each(carry_out, orders, is_again=is_again)
        self._passed.advance(frame.watermarks)
        head.end = max(head.end, record.offset + 1)
        if again:
            again.position = record.offset + 1

    def _learn(self, examples: list[Example], offset: int, *, is_again: bool) -> None:
        head = self._head
        if not head.time and self._is_stored:
            head.bases = [Base(offset, examples[0].matured_at, {})]
        self._examples += len(examples)
        if any(first <= offset <= last for first, last in head.quarantine):
            head.time = max(head.time, *(one.matured_at for one in examples))
            return
        for name in self._targets.learners:
            own = (one.target == name and one.bin != OUTCOMES_ALONE for one in examples)
            self._observer.on_learned(name, sum(own))
        before, bounds = self._targets.skipped(), self._monitors.bounds_hit()

        def learn(example: Example) -> None:
            head.time = max(head.time, example.matured_at)
            verdicts, blocks = self._targets.learn(example), self._targets.taken()
            if is_again:
                return
            if verdicts:
                self._book.write(verdicts, LogPosition(offset + 1, head.time))
            self._monitors.learned(example, blocks, head.time)

        self._apart.each(learn, examples, is_again=is_again)
        for name, count in self._targets.skipped().items():
            self._observer.on_skipped(name, max(count - before[name], 0))
        for bound, count in self._monitors.bounds_hit().items():
            if count > bounds[bound]:
                self._observer.on_evicted(bound, count - bounds[bound])

    def _learn_beside(self, model: str, records: Sequence[ExampleRecord]) -> None:
        learner = self._beside.learners[model]
        self._examples += len(records)
        self._observer.on_learned(model, len(records))
        before = learner.bounds_hit()
        at = LogPosition(self._head.end, self._head.time)

        def learn(record: ExampleRecord) -> None:
            self._book.write(learner.learn([record]), at)

        self._apart.each(learn, records, is_again=False)
        for bound, count in learner.bounds_hit().items():
            if count > before[bound]:
                self._observer.on_evicted(bound, count - before[bound])

    def _carry_out(
        self, order: ModelCommand, *, offset: int, state: StateReader, is_again: bool
    ) -> None:
        if is_again:
            self._repeat(order)
        elif order.kind is CommandKind.QUARANTINE:
            self._quarantine(order, offset, state)
        else:
            self._book.carry_out(order, LogPosition(offset + 1, self._head.time))
            self._repeat(order)

    def _repeat(self, order: ModelCommand) -> None:
        """What an order changes in the learners: who is champion, or learns at all."""
        if order.kind is CommandKind.PROMOTE:
            challenger = self._book.challenger_of(order.model, order.version)
            if challenger:
                self._targets.lead(order.model, challenger)
        elif is_challenger_model(order.model):
            if order.kind is CommandKind.SUSPEND:
                self._targets.suspend(order.model, order.reason or "by hand")
            elif order.kind is CommandKind.RESUME:
                self._targets.resume(order.model)
                self._cost.forget(order.model)

    def _quarantine(self, order: ModelCommand, offset: int, state: StateReader) -> None:
        """Go back to the newest base from before the stretch."""
        head, position = self._head, LogPosition(offset + 1, self._head.time)
        first, last = order.first_offset, min(order.last_offset, offset)
        if not 0 <= first <= last:
            self._book.ignore(order, f"offsets {first} to {last} are no stretch", position)
            return
        before = [base for base in head.bases if base.offset <= first]
        if not before:
            self._book.ignore(order, f"nothing is kept from before offset {first}", position)
            return
        targets = self._targets.restored(read_base(before[-1], state))
        if isinstance(targets, Unusable):
            self._book.ignore(order, f"the base before it is unusable: {targets.reason}", position)
            return
        self._targets = targets
        self._deleted |= deletion_of(base for base in head.bases if base.offset > first)
        head.bases = before
        head.quarantine.append((first, last))
        until = max(offset + 1, head.again.until if head.again else 0)
        head.again = Relearning(before[-1].offset, offset + 1, until)
        self._book.withdraw(order, first, position)

    def _publish_relearned(self) -> None:
        """Publish the versions that the learners would have published by now."""
        head = self._head
        if head.again is None or head.again.is_published:
            return
        head.again.is_published = True
        for verdict in self._targets.published():
            self._book.publish(verdict, LogPosition(head.again.end, head.time), "learned_again")

    def _effects(self) -> Effects:
        head = self._head
        effects = Effects()
        is_urgent = self._book.is_urgent or self._cost.is_urgent
        is_due = is_urgent or self._examples >= store_after(self._stored_bytes)
        if is_due and self._is_stored:
            self._examples = 0
            effects.changes = self._stored()
        if is_due or not self._is_stored:
            effects.messages = self._book.taken() | self._monitors.taken() | self._apart.taken()
            effects.messages |= self._cost.taken()
            effects.positions = {(topics.EXAMPLES.name, 0): head.end}
        return effects

    def _stored(self) -> PartChanges:
        head, known = self._head, self._parts.parts
        targets = self._targets.dump(known)
        beside = self._beside.dump(known)
        changes, self._deleted = self._deleted, {}
        offset = head.again.position if head.again else head.end
        time = self._targets.time
        if not head.bases or time - head.bases[-1].time >= BASE_EVERY_MS:
            base, added = new_base(offset, time, targets)
            head.bases, removed = thinned([*head.bases, base], head.time)
            changes |= added | removed
        head.histories = self._book.registry.histories
        parts = {
            _HEAD: HEADS.marker + msgpack.encode(head),
            **targets,
            **beside,
            **self._monitors.dump(),
        }
        self._stored_bytes = sum(map(len, parts.values()))
        return changes | self._parts.store(parts)
