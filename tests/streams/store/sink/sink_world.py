"""A sink over a store in memory, with what can go wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from schemas import outcomes, topics
from schemas.outcomes import Freshness
from schemas.time import LogMs
from streams.settings.storing import BufferBounds
from streams.store.base import (
    BadRowsError,
    Columns,
    QueryResult,
    SqlValue,
    UnavailableError,
)
from streams.store.sink.ripeness import SealBounds
from streams.store.sink.sealed_batch import Polled, SealedBatch
from streams.store.sink.sink import Sink, SinkParts, TableSink
from streams.store.sink.storing_observer import StoringObserver
from streams.store.sink.writer import TableWriter
from streams.store.tables import TABLES

FRESHNESS = topics.FRESHNESS.name
Trouble = Callable[["MemoryStore", list[tuple[int, int]]], None]


@dataclass
class MemoryStore:
    """Keeps places of the log. `troubles` are what goes wrong with the next inserts, in order."""

    troubles: list[Trouble] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)  # partition, offset
    bad: set[int] = field(default_factory=set)  # offsets that the table does not take
    is_certain: bool = True  # whether it says that the rows are at fault
    aside: list[dict[str, Any]] = field(default_factory=list)  # rows about what was refused
    lookups: int = 0
    place: str = "memory"

    def insert(self, table: str, columns: Columns) -> None:
        if table != "freshness":
            self.aside.append({name: values[0] for name, values in columns.items()})
            return
        rows = list(zip(columns["log_partition"], columns["log_offset"], strict=True))
        if any(offset in self.bad for _, offset in rows):
            raise BadRowsError("no", is_certain=self.is_certain)
        if self.troubles:
            self.troubles.pop(0)(self, rows)
        self.places += rows

    def query(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> QueryResult:
        assert params is not None
        self.lookups += 1
        if "max(log_offset)" in sql:
            found: dict[int, int] = {}
            for partition, offset in self.places:
                found[partition] = max(offset, found.get(partition, -1))
            return QueryResult((), list(found.items()))
        places = self.places + [(row["log_partition"], row["log_offset"]) for row in self.aside]
        wanted = range(int(str(params["first"])), int(str(params["last"])) + 1)
        rows: list[tuple[Any, ...]] = [
            (o,) for p, o in places if p == params["partition"] and o in wanted
        ]
        return QueryResult((), rows)

    def execute(self, sql: str) -> None:
        raise AssertionError(sql)

    def close(self) -> None:
        return


def away(store: MemoryStore, rows: list[tuple[int, int]]) -> None:
    raise UnavailableError("away")


def lost_answer(store: MemoryStore, rows: list[tuple[int, int]]) -> None:
    store.places += rows
    raise UnavailableError("connection lost after the rows were stored")


def half_done(store: MemoryStore, rows: list[tuple[int, int]]) -> None:
    store.places += rows[::2]
    raise UnavailableError("connection lost in between")


@dataclass(frozen=True)
class Record:
    offset: int
    value: bytes | None
    topic: str = FRESHNESS
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = None


def message(offset: int) -> bytes:
    return outcomes.outcome_encoder.encode(
        Freshness(stage="s", partition=0, stage_time=LogMs(offset))
    )


def records(first: int, count: int) -> list[Record]:
    return [Record(offset, message(offset)) for offset in range(first, first + count)]


def sealed(first: int, count: int) -> SealedBatch:
    offsets = list(range(first, first + count))
    return SealedBatch((Polled(0, offsets, [message(n) for n in offsets], 0),), count)


class Bench:
    """One table's sink over a store in memory, with a Kafka that only remembers commits."""

    def __init__(
        self, store: MemoryStore, rows_max: int = 10, bounds: SealBounds | None = None
    ) -> None:
        self.store = store
        self.committed: dict[int, int] = {}
        self.stored_at_commit: list[int] = []
        self.holds: list[bool] = []
        self.retries = 0
        self.quarantined = 0
        self._threads = ThreadPoolExecutor(1)
        self._threads_of_another = ThreadPoolExecutor(1)
        parts = SinkParts(self._threads, self._commit, self._observer(), sleep=no_wait)
        bounds = bounds or SealBounds(rows_max, 1_000_000, 0.0)
        writer = TableWriter(store, TABLES["freshness"], "test")
        self.table = TableSink(writer, bounds, parts)
        self.sink = Sink(
            {FRESHNESS: self.table}, BufferBounds(rows_max=40), self.holds.append, parts
        )

    def another_table(
        self, store: MemoryStore, held: list[tuple[str, bool]]
    ) -> Callable[[Sequence[Record]], None]:
        """Add a table with a store of its own; how to offer records to it."""

        async def commit(topic: str, offsets: Mapping[int, int]) -> None:
            return

        parts = SinkParts(self._threads_of_another, commit, StoringObserver(), sleep=no_wait)
        writer = TableWriter(store, TABLES["freshness"], "test")
        tables = {
            FRESHNESS: self.table,
            "another": TableSink(writer, SealBounds(10, 1_000_000, 0.0), parts),
        }
        self.sink = Sink(
            tables,
            BufferBounds(rows_max=40),
            self.holds.append,
            parts,
            lambda topic, is_held: held.append((topic, is_held)),
        )
        return lambda given: self.sink.offer("another", 0, given)

    def _observer(self) -> StoringObserver:
        bench = self

        class Observer(StoringObserver):
            def on_retry(self, table: str) -> None:
                bench.retries += 1

            def on_quarantined(self, stage: str, kind: str, count: int) -> None:
                bench.quarantined += count

        return Observer()

    async def _commit(self, topic: str, offsets: Mapping[int, int]) -> None:
        self.stored_at_commit.append(len(self.store.places))
        self.committed.update(offsets)

    def offer(self, given: Sequence[Record]) -> None:
        self.sink.offer(FRESHNESS, 0, given)

    def run(self, story: Callable[[Bench], Awaitable[None]]) -> None:
        async def reported() -> None:
            running = asyncio.create_task(self.sink.run())
            telling = asyncio.create_task(self._tell(story))
            await asyncio.wait([running, telling], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                telling.cancel()
                await running
            running.cancel()
            await telling

        try:
            asyncio.run(reported())
        finally:
            self._threads.shutdown()
            self._threads_of_another.shutdown()

    async def _tell(self, story: Callable[[Bench], Awaitable[None]]) -> None:
        await story(self)
        await self.sink.drain(30)


async def no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # Conditions are facts about other threads too.
            await asyncio.sleep(0)
