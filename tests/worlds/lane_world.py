"""Everything that a lane needs, in memory: log, flow, stage and records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka.errors import KafkaConnectionError

from streams.runtime.checkpoint import CheckpointError, LaneFencedError
from streams.runtime.lane import Lane, LaneParts, LaneSpec
from streams.runtime.pacing.log_pace import UNPACED, ReadingPace
from streams.runtime.recovery import Restored
from streams.runtime.reports import LaneObserver
from streams.runtime.state import MemoryStore, StateStore
from streams.settings.core import BatchBounds
from streams.stages.contract import (
    Effects,
    LogRecord,
    Message,
    OffsetRange,
    Stage,
    StateReader,
    TopicPartition,
)

SPEC = LaneSpec("matching", ("match",), "matching-changelog")
INPUT = ("match", 0)
AT_ONCE = BatchBounds(linger_seconds=0.0, linger_seconds_max=0.0)


class Record(NamedTuple):
    offset: int
    value: bytes | None = b"x"
    key: bytes | None = b"k"
    topic: str = "match"
    partition: int = 0
    timestamp: int = 0


def records(*offsets: int) -> list[Record]:
    return [Record(offset) for offset in offsets]


@dataclass
class MemoryLog:
    """A log in memory that keeps what a lane committed. Tests set `fenced` and `commits_wait`."""

    fenced: bool = False
    failures: int = 0  # of the next commits
    committed: list[Effects] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    may_commit: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_commit.set()

    def turn(self) -> asyncio.Future[None]:
        """At once."""
        turn = asyncio.get_running_loop().create_future()
        turn.set_result(None)
        return turn

    async def commit(self, effects: Effects) -> int | None:
        await self.may_commit.wait()
        if self.fenced:
            raise LaneFencedError("matching-0 was opened by another worker")
        if self.failures:
            self.failures -= 1
            raise CheckpointError("the broker is away") from KafkaConnectionError()
        self.committed.append(effects)
        self.changed.set()
        return len(self.committed)

    def decided(self) -> list[int]:
        """Every offset that the stage decided on, in order, as its messages show."""
        sent = [m for effects in self.committed for m in effects.messages.get(("out", 0), ())]
        return [int(message.key or b"") for message in sent]

    async def until(self, offsets: Sequence[int]) -> None:
        async with asyncio.timeout(5):
            while self.decided() != list(offsets):
                self.changed.clear()
                await self.changed.wait()


class Echo:
    """Sends one message per record, whose key is the record's offset."""

    name = "matching"

    def __init__(self, versions: Sequence[str] = ()) -> None:
        self.restored: list[tuple[bytes, bytes]] = []
        self.versions = versions

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        self.restored = list(entries)

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return self.versions

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        effects = Effects(positions={(r.topic, r.partition): r.offset + 1 for r in records})
        for record in records:
            if record.value == b"bug":
                raise ValueError("a bug in the stage")
            if record.value == b"disk":
                raise OSError("the disk failed")
            effects.send("out", 0, Message(b"%d" % record.offset, b""))
        effects.changes = {b"last": b"%d" % records[-1].offset}
        return effects


@dataclass
class Flow:
    held: set[TopicPartition] = field(default_factory=set)
    behind: set[TopicPartition] = field(default_factory=set)
    fetches: dict[TopicPartition, float] = field(default_factory=dict)

    def hold(self, tps: Sequence[TopicPartition]) -> None:
        self.held.update(tps)

    def release(self, tps: Sequence[TopicPartition]) -> None:
        self.held.difference_update(tps)

    def has_more(self, tp: TopicPartition, offset: int) -> bool:
        return tp in self.behind

    def read_at(self, tp: TopicPartition, offset: int) -> float:
        return float("-inf") if tp in self.behind else self.fetches.get(tp, float("-inf"))

    def fetched_at(self, tp: TopicPartition) -> float:
        return self.fetches.get(tp, float("-inf"))


class NoSnapshots:
    async def get(self, version: str) -> bytes:
        raise AssertionError(f"nobody needs {version}")


class ClosableStore(MemoryStore):
    """Says whether it was closed."""

    is_closed = False

    def close(self) -> None:
        super().close()
        self.is_closed = True


@dataclass
class World:
    """Builds lanes whose parts tests can look at."""

    start_at: Mapping[TopicPartition, int] = field(default_factory=dict)
    bounds: BatchBounds = AT_ONCE
    log: MemoryLog = field(default_factory=MemoryLog)
    flow: Flow = field(default_factory=Flow)
    stage: Callable[[], Stage] = Echo
    stores: list[ClosableStore] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    restoring: Callable[[], Awaitable[None]] | None = None
    observer: LaneObserver = field(default_factory=LaneObserver)
    pace: ReadingPace = UNPACED
    opened: int = 0  # lanes that asked for their positions

    @property
    def closed(self) -> int:
        """Lanes that closed their state."""
        return sum(store.is_closed for store in self.stores)

    def build(self, spec: LaneSpec = SPEC, p: int = 0) -> Lane:
        lane = Lane(spec, p, self.parts(), self.bounds)
        self.lanes.append(lane)
        return lane

    @asynccontextmanager
    async def running(self, spec: LaneSpec = SPEC) -> AsyncIterator[Lane]:
        """A lane that runs until the end of the block."""
        lane = self.build(spec)
        task = asyncio.create_task(lane.run())
        try:
            yield lane
        finally:
            task.cancel()

    def parts(self) -> LaneParts:
        async def restore(store: StateStore) -> Restored:
            store.apply({b"restored": b"yes"}, 1)
            if self.restoring is not None:
                await self.restoring()
            return Restored(1, 0.0, True)

        async def reread(stretch: OffsetRange) -> Sequence[LogRecord]:
            """Every offset below 100, two at a time."""
            end = min(stretch.first + 2, stretch.end, 100)
            return records(*range(stretch.first, end))

        async def positions(tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
            self.opened += 1
            return self.start_at

        return LaneParts(
            stage=lambda name, p: self.stage(),
            log=self.log,
            store=self._store,
            restore=restore,
            positions=positions,
            flow=self.flow,
            snapshots=NoSnapshots(),
            observer=self.observer,
            reread=reread,
            pace=self.pace,
        )

    def _store(self) -> StateStore:
        store = ClosableStore()
        self.stores.append(store)
        return store


async def settle() -> None:
    """Run the event loop until only outside events could change anything."""
    for _ in range(20):
        await asyncio.sleep(0)
    await asyncio.sleep(0.02)  # Restoring a stage happens in a thread.
    for _ in range(20):
        await asyncio.sleep(0)
