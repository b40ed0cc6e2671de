"""One stage for one partition number: poll batches in, decisions, checkpoints, state out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.runtime.checkpoint import Log
from streams.runtime.queue import LaneQueue
from streams.runtime.recovery import Restored
from streams.runtime.reports import LaneObserver
from streams.runtime.state import StateStore
from streams.settings.core import BatchBounds
from streams.stages.contract import LogRecord, OffsetRange, RereadsInput, Stage, TopicPartition

PAUSE_PER_CHECKPOINT = 2.0
"""A lane that is not full starts a decision at most this many checkpoint times after the last."""

ALIGN_SECONDS = 0.25
"""Longest wait for a partition that has more, when others of the lane are already here."""

StageFactory = Callable[[str, int], Stage]
"""Stage name and partition number to a new stage object."""


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """Where a stage reads, and where its state is kept."""

    stage: str
    inputs: tuple[str, ...]
    changelog: str | None = None  # None: the stage has no state
    single_partition: bool = False
    is_source: bool = False  # producers outside write the inputs; they may need clock ticks

    def partitions(self, p: int) -> list[TopicPartition]:
        return [(topic, p) for topic in self.inputs]


class Snapshots(Protocol):
    """Model versions; see streams/runtime/snapshots.py."""

    async def get(self, version: str) -> bytes: ...


class Flow(Protocol):
    """Stops and continues reading of partitions."""

    def hold(self, tps: Sequence[TopicPartition]) -> None: ...

    def release(self, tps: Sequence[TopicPartition]) -> None: ...

    def has_more(self, tp: TopicPartition, offset: int) -> bool:
        """Whether the log is known to go on at this offset."""


@dataclass(frozen=True, slots=True)
class LaneParts:
    """What a lane is made of. Everything that touches the world comes in here."""

    stage: StageFactory
    log: Log
    store: Callable[[], StateStore]
    restore: Callable[[StateStore], Awaitable[Restored]]
    positions: Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]
    """Committed offsets per input partition; where there is none, the first offset."""
    flow: Flow
    snapshots: Snapshots
    observer: LaneObserver
    reread: Callable[[OffsetRange], Awaitable[Sequence[LogRecord]]]
    """The first records of a stretch that was read before; none when the log has none there."""
    clock: Callable[[], float] = time.monotonic  # for metrics and pacing, never for decisions


class Lane:
    """Owns its queue, its stage object, its state and its producer.

    `run` ends only by cancellation or by an exception, and then the lane is thrown away.
    """

    def __init__(self, spec: LaneSpec, p: int, parts: LaneParts, bounds: BatchBounds) -> None:
        self.spec = spec
        self.p = p
        self.is_open = False
        self.queue = LaneQueue(bounds, spec.partitions(p))
        self._parts = parts
        self._bounds = bounds
        self._may_decide = asyncio.Event()
        self._may_decide.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._held: set[TopicPartition] = set()
        self._next_start = float("-inf")
        self._store: StateStore | None = None
        self._arrivals: dict[TopicPartition, float] = {}

    @property
    def name(self) -> str:
        return f"{self.spec.stage}-{self.p}"

    def offer(self, tp: TopicPartition, records: Sequence[LogRecord]) -> None:
        """Take a poll batch; holds its partition when enough of it is waiting."""
        self.queue.put(tp, records)
        self._arrivals[tp] = self._parts.clock()
        if self.queue.full(tp) and tp not in self._held:
            self._hold(tp)

    def last_arrival(self, tp: TopicPartition) -> float:
        """When a partition last brought something, by the lane's clock."""
        return self._arrivals.get(tp, float("-inf"))

    async def run(self) -> None:
        try:
            stage, store = await self._open()
            while not _told_to_end():
                await self._step(stage, store)
            raise asyncio.CancelledError
        finally:
            self.is_open = False
            await self._parts.log.close()
            if self._store is not None:
                self._store.close()
                self._store = None
            self._release(self._held)

    async def suspend(self, seconds: float) -> bool:
        """Begin no further decision and forget what waits; False if one is still not finished."""
        self._may_decide.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        self.queue.rewind()
        self._release(self._held)  # Nothing waits any more, so nothing else would.
        return True

    def resume(self) -> None:
        self._may_decide.set()

    async def _open(self) -> tuple[Stage, StateStore]:
        """Fence the previous owner, and only then read where it stopped."""
        parts = self._parts
        await parts.log.open()
        positions = await parts.positions(self.spec.partitions(self.p))
        store = self._store = parts.store()
        if self.spec.changelog is not None:
            restored = await parts.restore(store)
            parts.observer.on_restore(self.spec.stage, self.p, restored.records, restored.seconds)
        stage = parts.stage(self.spec.stage, self.p)
        # In a thread: a large state takes seconds, and health checks must be answered meanwhile.
        await asyncio.to_thread(lambda: stage.restore(store.entries()))
        self.queue.settle(positions)
        self.is_open = True
        return stage, store

    async def _step(self, stage: Stage, store: StateStore) -> None:
        parts = self._parts
        await self._may_decide.wait()
        if await self._looked_back(stage, store):
            return
        await self.queue.wait()
        await self.queue.fill(self._next_start - parts.clock())
        await self._align()
        if not self._may_decide.is_set():
            return
        self._idle.clear()
        try:
            records = self.queue.take()
            if not records:
                return
            self._release({tp for tp in self._held if self.queue.drained(tp)})
            for version in stage.snapshots_needed(records):
                await parts.snapshots.get(version)
            await self._decide(stage, store, records)
        finally:
            self._idle.set()

    async def _looked_back(self, stage: Stage, store: StateStore) -> bool:
        """Decide again on what the stage is missing, if it is; a part of it at a time."""
        stretch = stage.missing() if isinstance(stage, RereadsInput) else None
        if stretch is None:
            return False
        self._idle.clear()
        try:
            await self._decide(stage, store, list(await self._parts.reread(stretch)))
        finally:
            self._idle.set()
        return True

    async def _decide(self, stage: Stage, store: StateStore, records: list[LogRecord]) -> None:
        clock = self._parts.clock
        began = clock()
        cpu_began = time.thread_time()
        effects = stage.decide(records, store)
        cpu_seconds = time.thread_time() - cpu_began
        decided = clock()
        if effects.positions:
            written = await self._parts.log.commit(effects)
            if effects.changes:
                store.apply(effects.changes, written.changelog_end or 0)
        elif effects.messages or effects.changes:
            raise AssertionError(f"stage {self.spec.stage} has effects without a position")
        committed = clock()
        self._next_start = began + self._pause(committed - began)
        self._parts.observer.on_checkpoint(
            self.spec.stage, self.p, len(records), cpu_seconds, committed - decided
        )

    def _pause(self, seconds_taken: float) -> float:
        """A checkpoint costs the same whatever is in it. When the machine is busy it takes
        longer, and then fewer and larger ones are what helps; when it is idle, latency counts."""
        bounds = self._bounds
        return min(
            max(bounds.linger_seconds, PAUSE_PER_CHECKPOINT * seconds_taken),
            bounds.linger_seconds_max,
        )

    async def _align(self) -> None:
        """Give partitions that are behind a moment to bring what belongs to the same time."""
        deadline = self._parts.clock() + ALIGN_SECONDS
        while self._is_one_missing() and (left := deadline - self._parts.clock()) > 0:
            await self.queue.hear(left)

    def _is_one_missing(self) -> bool:
        partitions = self.spec.partitions(self.p)
        return len(partitions) > 1 and any(
            self.queue.lacks(tp) and self._parts.flow.has_more(tp, self.queue.next_offset(tp))
            for tp in partitions
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


def _told_to_end() -> bool:
    """aiokafka swallows a cancellation that comes while it closes a client, as at the end of a
    restoration. Whoever cancelled the lane would wait for it without end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
