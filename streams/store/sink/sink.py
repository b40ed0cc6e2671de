"""Takes outcome messages as they are polled, and has all of them stored.

One task per table seals batches, has them written in a thread, and commits their offsets once they
are acknowledged. While the store is unavailable, batches are retried; when the buffers are full,
reading is paused. Nothing is lost: a message that is dropped here is read again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from streams.errors import in_one_line
from streams.settings.storing import BufferBounds
from streams.stages.contract import LogRecord
from streams.store.base import UnavailableError
from streams.store.sink.ripeness import Arrivals, SealBounds, seconds_left
from streams.store.sink.sealed_batch import SealedBatch, TableBuffer
from streams.store.sink.storing_observer import StoringObserver
from streams.store.sink.writer import InsertReport, TableWriter

BACKOFF_SECONDS_FIRST = 0.2
BACKOFF_SECONDS_MAX = 10.0
"""Longest pause between attempts: how soon storing resumes once the store is back."""
_LOOK_SECONDS = 0.1

Confirm = Callable[[float], Awaitable[None]]
"""Returns once the topics were seen to be the same logs after this moment."""


async def no_doubt(since: float) -> None:
    """For logs that nobody can exchange while the sink runs."""


Commit = Callable[[str, Mapping[int, int]], Awaitable[None]]
"""Commits a topic's next offsets by partition. Also returns when a partition has been revoked."""


@dataclass(frozen=True, slots=True)
class SinkParts:
    """Threads, clock and effects of a sink, so that tests can replace them."""

    threads: Executor
    commit: Commit
    observer: StoringObserver
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    confirm: Confirm = no_doubt
    """Called before a batch is first inserted: its rows are of the log whose epoch they get."""
    arrivals: Arrivals = field(default_factory=Arrivals)
    """Of all tables that share these parts."""


class TableSink:
    """The path of one topic into its table. `run` is its task; the others are called beside it."""

    def __init__(self, writer: TableWriter, bounds: SealBounds, parts: SinkParts) -> None:
        self.buffer = TableBuffer()
        self.outage = ""  # why the last attempt failed; empty: it did not
        self.is_refused = False  # whether this table alone is in trouble
        self.finished = 0  # batches that are stored and committed
        self._writer = writer
        self._bounds = bounds
        self._parts = parts
        self._assignment = 0
        self._is_hurried = False
        self._in_flight: SealedBatch | None = None
        self._in_flight_since = 0.0
        self._arrival = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def rows(self) -> int:
        """Rows not yet acknowledged."""
        return self.buffer.rows + (self._in_flight.rows if self._in_flight else 0)

    @property
    def size(self) -> int:
        """Bytes not yet acknowledged."""
        in_flight = self._in_flight.polled if self._in_flight else ()
        return self.buffer.size + sum(polled.size for polled in in_flight)

    @property
    def since(self) -> float | None:
        """When the oldest row not yet acknowledged arrived."""
        return self._in_flight_since if self._in_flight else self.buffer.since

    @property
    def is_due(self) -> bool:
        """Whether rows are to be inserted now, or just are."""
        parts = self._parts
        left = seconds_left(self.buffer, self._bounds, parts.arrivals, parts.clock())
        return self._in_flight is not None or (left is not None and left <= 0)

    def offer(self, partition: int, records: Sequence[LogRecord]) -> None:
        now = self._parts.clock()
        self.buffer.put(partition, records, now)
        self._parts.arrivals.note(now)
        self._arrival.set()

    def forget(self) -> None:
        """Drop the buffer: its partitions are revoked or assigned anew, and will be read again."""
        self._assignment += 1
        self.buffer.clear()

    async def idle(self) -> None:
        """Wait until no insert is in progress."""
        await self._idle.wait()

    async def run(self) -> None:
        """Store batch after batch; ends only by cancellation or an exception."""
        assignment = 0
        while True:
            await self._ripe()
            if assignment != self._assignment:
                assignment = self._assignment
                self._writer.forget()
            await self._store(assignment)

    def hurry(self) -> None:
        """From now on store what is buffered without waiting for more; called before the end."""
        self._is_hurried = True
        self._arrival.set()

    async def _ripe(self) -> None:
        """Wait until the buffered rows are to be inserted."""
        while True:
            self._arrival.clear()
            parts = self._parts
            left = seconds_left(self.buffer, self._bounds, parts.arrivals, parts.clock())
            if left is not None and (left <= 0 or self._is_hurried):
                return
            # Rows of other tables may put off the end of this wait.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._arrival.wait()

    async def _store(self, assignment: int) -> None:
        bounds = self._bounds
        self._in_flight_since = self.buffer.since or self._parts.clock()
        batch = self.buffer.seal(bounds.rows_max, bounds.bytes_max, self._parts.clock())
        self._in_flight = batch
        try:
            await self._parts.confirm(self._parts.clock())
            if await self._write(batch, assignment):
                await self._parts.commit(self._writer.table.topic, batch.next_offsets())
                self.finished += 1
        finally:
            self._in_flight = None

    async def _write(self, batch: SealedBatch, assignment: int) -> bool:
        """Try until the batch is stored; False when its partitions were revoked first."""
        backoff = BACKOFF_SECONDS_FIRST
        name, observer = self._writer.table.name, self._parts.observer
        while assignment == self._assignment:
            began = self._parts.clock()
            try:
                written = await self._attempt(batch)
            except Exception as error:
                # Whatever ails this table is its own: the others go on.
                self.outage = in_one_line(error)
                self.is_refused = not isinstance(error, UnavailableError)
                observer.on_retry(name)
                await self._parts.sleep(backoff * random.uniform(0.5, 1.0))
                backoff = min(2 * backoff, BACKOFF_SECONDS_MAX)
            else:
                self.outage, self.is_refused = "", False
                observer.on_stored(name, written.rows, self._parts.clock() - began)
                if written.refused:
                    observer.on_quarantined("storing", "row", written.refused)
                if written.skipped:
                    observer.on_skipped(name, written.skipped)
                return assignment == self._assignment
        return False

    async def _attempt(self, batch: SealedBatch) -> InsertReport:
        loop = asyncio.get_running_loop()
        self._idle.clear()
        attempt = loop.run_in_executor(self._parts.threads, self._writer.write, batch)
        # When this task is cancelled the thread continues, and `idle` waits for it.
        attempt.add_done_callback(self._attempted)
        return await asyncio.shield(attempt)

    def _attempted(self, attempt: asyncio.Future[InsertReport]) -> None:
        self._idle.set()
        if not attempt.cancelled():
            attempt.exception()  # Retrieved, so that asyncio does not report it as never retrieved.


class Sink:
    """All tables together, with one bound on what they buffer."""

    def __init__(
        self,
        tables: Mapping[str, TableSink],
        bounds: BufferBounds,
        hold: Callable[[bool], None],
        parts: SinkParts,
        hold_topic: Callable[[str, bool], None] = lambda topic, is_held: None,
    ) -> None:
        """`tables` by topic. `hold` pauses the reading of all partitions (True) or resumes it;
        `hold_topic` that of one topic."""
        self.tables = tables
        self._bounds = bounds
        self._hold = hold
        self._parts = parts
        self._hold_topic = hold_topic
        self._held_topics: set[str] = set()  # of tables that take nothing
        self._is_held = False
        self._is_draining = False

    def is_reading(self, topic: str) -> bool:
        """Whether the partitions of a topic are read, and not paused."""
        return not self._is_held and topic not in self._held_topics

    @property
    def outage(self) -> str:
        """Why the store takes no rows; empty while it takes them."""
        return next((table.outage for table in self.tables.values() if table.outage), "")

    def offer(self, topic: str, partition: int, records: Sequence[LogRecord]) -> None:
        """Buffer records of a topic. From `drain` on they are dropped: they will be read again."""
        if self._is_draining:
            return
        self.tables[topic].offer(partition, records)
        self.balance()

    def balance(self) -> None:
        """Pause or resume reading by how much is buffered, and report how much that is."""
        self._balance_refused()
        whole = [one for topic, one in self.tables.items() if topic not in self._held_topics]
        rows, size = sum(table.rows for table in whole), sum(table.size for table in whole)
        bounds = self._bounds
        if not self._is_held and (rows >= bounds.rows_max or size >= bounds.bytes_max):
            self._is_held = True
            self._hold(True)
        elif self._is_held and rows * 2 <= bounds.rows_max and size * 2 <= bounds.bytes_max:
            self._is_held = False
            self._hold(False)
            for topic in self._held_topics:
                self._hold_topic(topic, True)
        oldest = [table.since for table in self.tables.values() if table.since is not None]
        age = self._parts.clock() - min(oldest) if oldest else 0.0
        self._parts.observer.on_buffered(sum(one.rows for one in self.tables.values()), age)

    def _balance_refused(self) -> None:
        """Pause the topic of a table that takes nothing, so that the others keep their room."""
        for topic, table in self.tables.items():
            if topic in self._held_topics:
                if not table.is_refused or not table.rows:
                    self._held_topics.discard(topic)
                    if not self._is_held:
                        self._hold_topic(topic, False)
            elif table.is_refused:
                self._held_topics.add(topic)
                self._hold_topic(topic, True)

    async def forget(self, seconds: float) -> None:
        """Begin no insert for the present partitions, and wait for inserts in progress."""
        for table in self.tables.values():
            table.forget()
        self.balance()
        try:
            async with asyncio.timeout(seconds):
                for table in self.tables.values():
                    await table.idle()
        except TimeoutError:
            return

    async def run(self) -> None:
        """Run all tables; ends by cancellation, or by the exception of a table."""
        async with asyncio.TaskGroup() as group:
            for topic, table in self.tables.items():
                group.create_task(table.run(), name=f"storing {topic}")
            group.create_task(self._watch())

    async def drain(self, seconds: float) -> None:
        """Store what is buffered, for at most `seconds`; the rest will be read again.

        The sink takes no more records, or under constant traffic its buffers would never be empty.
        """
        self._is_draining = True
        for table in self.tables.values():
            table.hurry()
        deadline = self._parts.clock() + seconds
        while any(table.rows for table in self.tables.values()):
            if self._parts.clock() >= deadline:
                return
            await self._parts.sleep(_LOOK_SECONDS)

    async def _watch(self) -> None:
        while True:
            self.balance()
            await asyncio.sleep(_LOOK_SECONDS)
