"""A lane: one stage for one partition number, with its queue, its state and its producer.

Poll batches are queued, the stage decides on them, and each decision is committed in one checkpoint
before the next begins.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from streams.runtime.checkpoint import Log
from streams.runtime.clients import is_cancelled
from streams.runtime.pacing.log_pace import UNPACED, ReadingPace
from streams.runtime.queue import Flow, LaneQueue
from streams.runtime.recovery import Restored, RestoredStage
from streams.runtime.reports import GuardReports, LaneObserver
from streams.runtime.rocks.disk import StateDiskFullError, opened_with_room
from streams.runtime.snapshots import Snapshots
from streams.runtime.state import StateStore
from streams.settings.core import BatchBounds
from streams.stages.contract import LogRecord, OffsetRange, Stage, TopicPartition, is_tick
from streams.stages.separate.guard import GuardedStage

ALIGN_SECONDS = 0.25
"""Longest wait for a partition that is known to have more, once records of others are queued."""

StageFactory = Callable[[str, int], Stage]
"""Creates a stage object from the name of the stage and a partition number."""


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """The topics that a stage reads, and the changelog that keeps its state."""

    stage: str
    inputs: tuple[str, ...]
    changelog: str | None = None  # None: the stage keeps no state
    single_partition: bool = False
    is_source: bool = False  # event producers write the inputs, which may need clock ticks
    asking: str = ""  # the input whose records are answered once `awaited` are read up to them
    awaited: tuple[str, ...] = ()
    reads_models: bool = False  # the stage looks up model versions that were published

    def partitions(self, p: int) -> list[TopicPartition]:
        return [(topic, p) for topic in self.inputs]


@dataclass(frozen=True, slots=True)
class LaneParts:
    """What a lane is built from: all its access to Kafka, disk and clock."""

    stage: StageFactory
    log: Log
    store: Callable[[], StateStore]
    restore: Callable[[StateStore], Awaitable[Restored]]
    positions: Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]
    """The next offset to read per input partition; without a committed one, the log's first."""
    flow: Flow
    snapshots: Snapshots
    observer: LaneObserver
    reread: Callable[[OffsetRange], Awaitable[Sequence[LogRecord]]]
    """The next records of a range that was read before; none when the log no longer has any."""
    clock: Callable[[], float] = time.monotonic  # for metrics and pacing, never for decisions
    pace: ReadingPace = UNPACED


class Lane:
    """Runs one stage for one partition number, on the event loop.

    `run` ends only by cancellation or by an exception; the lane is then discarded. What is offered
    before it is open is queued. `suspend` and `resume` frame a rebalance in which it stays here.
    """

    def __init__(self, spec: LaneSpec, p: int, parts: LaneParts, bounds: BatchBounds) -> None:
        self.spec = spec
        self.p = p
        self.is_open = self.lacks_room = self.awaits_model = False
        self.finished = 0  # decisions
        report = partial(parts.observer.on_undelivered, spec.stage)
        self.queue = LaneQueue(bounds, spec.partitions(p), report)
        self._parts = parts
        self._may_decide = asyncio.Event()
        self._may_decide.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._held: set[TopicPartition] = set()
        self._state: RestoredStage | None = None
        self._arrivals: dict[TopicPartition, float] = {}
        self._logged: dict[TopicPartition, int] = {}
        self._asked: tuple[int, float] = (0, 0.0)
        self._passed_on: dict[TopicPartition, int] = {}

    @property
    def name(self) -> str:
        return f"{self.spec.stage}-{self.p}"

    @property
    def stage(self) -> Stage | None:
        return self._state.stage if self._state and self.is_open else None

    def offer(self, tp: TopicPartition, records: Sequence[LogRecord]) -> None:
        """Queue a poll batch; holds its partition when enough of it is queued."""
        self.queue.put(tp, records)
        self._arrivals[tp] = self._parts.clock()
        self._logged[tp] = records[-1].timestamp
        polled = OffsetRange(tp, records[0].offset, records[-1].offset + 1)
        self._parts.observer.on_arrival(polled)
        if tp[0] == self.spec.asking:
            events = (one.timestamp for one in reversed(records) if not is_tick(one))
            if (latest := next(events, 0)) > self._asked[0]:
                self._asked = latest, self._arrivals[tp]
        if self.queue.full(tp) and tp not in self._held:
            self._hold(tp)

    def last_arrival(self, tp: TopicPartition) -> float:
        """When records of a partition last arrived, by the lane's clock; -inf for never."""
        return self._arrivals.get(tp, float("-inf"))

    def last_logged(self, tp: TopicPartition) -> int:
        """Log time of the last record that arrived; 0 for never."""
        return self._logged.get(tp, 0)

    def has_more(self, tp: TopicPartition) -> bool:
        """Whether the log is known to have records that have not arrived."""
        return self._parts.flow.has_more(tp, self.queue.next_offset(tp))

    @property
    def asked(self) -> tuple[int, float]:
        """Log time of the latest event of `spec.asking`, once all of it is read, and when that
        arrived; log time 0: there is none."""
        has_more = self._asked[0] and self.has_more((self.spec.asking, self.p))
        return (0, 0.0) if has_more else self._asked

    def read_at(self, tp: TopicPartition) -> float:
        """The latest moment, by the monotonic clock, at which all of a partition had arrived."""
        return self._parts.flow.read_at(tp, self.queue.next_offset(tp))

    def fetched_at(self, tp: TopicPartition) -> float:
        return self._parts.flow.fetched_at(tp)

    def passed_on(self, tp: TopicPartition) -> int:
        """The latest log time given to `pass_on` that no rebalance has undone; 0: none."""
        return self._passed_on.get(tp, 0)

    def pass_on(self, tp: TopicPartition, log_time: int) -> None:
        """Decide as if a partition of which all has arrived had a clock tick of this log time."""
        self._passed_on[tp] = log_time
        self.queue.put_tick(tp, log_time)

    async def run(self) -> None:
        """Open the lane, then decide until cancelled.

        CheckpointError when a checkpoint may have failed, RecoveryError and SnapshotMissingError
        when the lane cannot get what it needs. What a record makes the stage raise is set aside.
        """
        try:
            state = await self._open()
            while not is_cancelled():
                try:
                    await self._step(state)
                except StateDiskFullError as full:
                    # Its checkpoint is committed: the state lacks it, and reads it again.
                    self.is_open = False
                    state = await opened_with_room(self, self._open_state, full)
                    self.is_open = True
            raise asyncio.CancelledError
        finally:
            self.is_open = False
            if self._state:
                await self._state.close()
            self._release(self._held)

    async def suspend(self, seconds: float) -> bool:
        """Start no further decision and drop the queue.

        False when a decision under way did not finish within `seconds`: close the lane then.
        """
        self._may_decide.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        self.queue.rewind()
        self._passed_on = {}
        self._release(self._held)  # Releasing follows the queue, which is empty.
        return True

    def resume(self) -> None:
        """Decide again after `suspend`; the consumer reads from the committed offsets."""
        self._may_decide.set()

    async def _open(self) -> RestoredStage:
        """The fleet has fenced the previous owner; read its committed offsets and its changelog."""
        positions = await self._parts.positions(self.spec.partitions(self.p))
        state = await opened_with_room(self, self._open_state)
        self.queue.settle(positions)
        self.is_open = True
        return state

    async def _open_state(self) -> RestoredStage:
        if self._state:
            await self._state.close()
            self._state = None
        parts = self._parts
        create, store = partial(parts.stage, self.spec.stage, self.p), parts.store()
        guarded = partial(GuardedStage, create, store.entries, self.p, GuardReports(parts.observer))
        self._state = state = RestoredStage(self.name, guarded, store, self._restore)
        await state.open()
        return state

    async def _restore(self, store: StateStore) -> None:
        if self.spec.changelog is not None:
            spec, done = self.spec, await self._parts.restore(store)
            self._parts.observer.on_restore(spec.stage, self.p, done.records, done.seconds)

    async def _step(self, state: RestoredStage) -> None:
        parts = self._parts
        await self._may_decide.wait()
        if await self._reread(state):
            return
        await self.queue.wait()
        await self.queue.fill(parts.log.turn())
        await self._align()
        until = await parts.pace.admit(self.queue.first_event_time)
        if not self._may_decide.is_set():
            return
        self._idle.clear()
        try:
            is_end = not any(map(self.has_more, self.spec.partitions(self.p)))
            records = self.queue.take(is_end=is_end, until=until)
            if not records:
                return
            self._release({tp for tp in self._held if self.queue.drained(tp)})
            self.awaits_model = True
            for version in state.stage.snapshots_needed(records):
                await parts.snapshots.get(version)
            self.awaits_model = False
            await self._decide(state, records)
        finally:
            self._idle.set()

    async def _reread(self, state: RestoredStage) -> bool:
        """Let the stage decide on part of the input it is missing; False when it misses none."""
        if (missing := state.missing()) is None:
            return False
        self._idle.clear()
        try:
            await self._decide(state, list(await self._parts.reread(missing)))
        finally:
            self._idle.set()
        return True

    async def _decide(self, state: RestoredStage, records: list[LogRecord]) -> None:
        clock, cpu_began = self._parts.clock, time.thread_time()
        effects = await state.decide(records)
        cpu_seconds = time.thread_time() - cpu_began
        decided = clock()
        self._parts.observer.on_decided(self.spec.stage, self.p, effects)
        if effects.positions:
            changelog_end = await self._parts.log.commit(effects)
            if effects.changes:
                await state.apply(effects.changes, changelog_end or 0)
        elif effects.messages or effects.changes:
            raise AssertionError(f"stage {self.spec.stage} returned effects without positions")
        self._parts.observer.on_checkpoint(
            self.spec.stage, self.p, len(records), cpu_seconds, clock() - decided
        )
        self.finished += 1

    async def _align(self) -> None:
        """Wait a moment for partitions that are behind, to decide on them at the same time."""
        clock, deadline = self._parts.clock, self._parts.clock() + ALIGN_SECONDS
        while self._is_one_missing() and (left := deadline - clock()) > 0:
            await self.queue.hear(left)

    def _is_one_missing(self) -> bool:
        partitions = self.spec.partitions(self.p)
        return len(partitions) > 1 and any(
            self.queue.lacks(tp) and self.has_more(tp) for tp in partitions
        )

    def _hold(self, tp: TopicPartition) -> None:
        self._held.add(tp)
        self._parts.flow.hold([tp])
        self._parts.observer.on_backpressure(self.spec.stage, self.p, True)

    def _release(self, tps: set[TopicPartition]) -> None:
        if not tps:
            return
        self._parts.flow.release(list(tps))
        self._held = self._held - tps
        if not self._held:
            self._parts.observer.on_backpressure(self.spec.stage, self.p, False)
