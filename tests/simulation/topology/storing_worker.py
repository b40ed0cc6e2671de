"""Storing with the product's own writers and buffers, over a warehouse in memory that fails."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any

from schemas.records import log_at, offset_at, place_in_log
from streams.stages.contract import TopicPartition
from streams.store.base import Columns, QueryResult, SqlValue, UnavailableError
from streams.store.sink.sealed_batch import SealedBatch, TableBuffer
from streams.store.sink.writer import TableWriter
from streams.store.tables import EPOCH, OFFSET, PARTITION, TABLE_OF_TOPIC
from tests.simulation.topology.log import Log

GROUP = "storing"
Row = dict[str, Any]
Stored = dict[tuple[str, int], dict[int, Row]]
"""Rows by table, partition and place in the logs of the topic."""


def epoch_of(log: int) -> str:
    """The log epoch of rows of a topic's log of this number."""
    return f"epoch~{log}" if log else "epoch"


def _log(epoch: object) -> int:
    return int(str(epoch).partition("~")[2] or 0)


class Warehouse:
    """Answers what storing asks of ClickHouse; counts what was stored a second time."""

    place = "memory"

    def __init__(self, chance: random.Random) -> None:
        self.rows: Stored = {}
        self.copies = 0
        self.fails_next = False
        self._chance = chance

    def insert(self, table: str, columns: Columns) -> None:
        """Store all rows, or after an error any part of them."""
        fails, self.fails_next = self.fails_next, False
        names = list(columns)
        for values in zip(*columns.values(), strict=True):
            if fails and self._chance.random() < 0.5:
                continue
            row = dict(zip(names, values, strict=True))
            log = _log(row.pop(EPOCH))
            stored = self.rows.setdefault((table, row.pop(PARTITION)), {})
            place = place_in_log(log, row.pop(OFFSET))
            self.copies += place in stored
            stored[place] = row
        if fails:
            raise UnavailableError("the connection was lost")

    def query(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> QueryResult:
        """The two questions that storing has."""
        asked: Mapping[str, Any] = params or {}
        found = re.search(r"FROM (\w+)", sql)
        assert found is not None, sql
        if "max(log_offset)" in sql:
            highest = [
                (p, max(offsets))
                for p in asked["partitions"]
                if (offsets := self._offsets(found[1], p, asked["epoch"]))
            ]
            return QueryResult(("log_partition", "max"), highest)
        offsets = self._offsets(found[1], asked["partition"], asked["epoch"])
        return QueryResult(
            ("log_offset",),
            [(offset,) for offset in offsets if asked["first"] <= offset <= asked["last"]],
        )

    def _offsets(self, table: str, p: int, epoch: str) -> list[int]:
        places = self.rows.get((table, p), {})
        return [offset_at(place) for place in places if log_at(place) == _log(epoch)]

    def execute(self, sql: str) -> None:
        raise AssertionError("storing changes no tables")

    def close(self) -> None:
        return


class _Table:
    """The way of one topic into its table."""

    def __init__(self, topic: str, log: Log, warehouse: Warehouse, partitions: int) -> None:
        self._log = log
        self._tps: list[TopicPartition] = [(topic, p) for p in range(partitions)]
        epoch = epoch_of(log.numbers.get(topic, 0))
        self._writer = TableWriter(warehouse, TABLE_OF_TOPIC[topic], epoch)
        self._buffer = TableBuffer()
        self._sealed: SealedBatch | None = None
        self._reading: dict[TopicPartition, int] = {}

    def crash(self) -> None:
        """Memory is gone: nobody knows which inserts succeeded."""
        self._sealed = None
        self._buffer.clear()
        self._reading.clear()
        self._writer.forget()

    def poll(self, count: int) -> None:
        """At most `count` records of each partition."""
        committed = self._log.positions[GROUP]
        for tp in self._tps:
            start = self._reading.get(tp, committed.get(tp, 0))
            if start < self._log.end(tp):
                records, self._reading[tp] = self._log.read(tp, start, count)
                if records:
                    self._buffer.put(tp[1], records, 0.0)

    def store(self, rows_max: int) -> bool:
        """Write the next batch, or the same one again; whether there was one."""
        if self._sealed is None and self._buffer.rows:
            self._sealed = self._buffer.seal(rows_max, 10**6, 0.0)
        if self._sealed is None:
            return False
        self._writer.write(self._sealed)
        return True

    def commit(self) -> None:
        assert self._sealed is not None, "store first"
        topic = self._writer.table.topic
        committed = self._log.positions[GROUP]
        committed |= {(topic, p): end for p, end in self._sealed.next_offsets().items()}
        self._sealed = None


class Storing:
    """All tables together, as one process runs them."""

    def __init__(self, log: Log, warehouse: Warehouse, partitions: int) -> None:
        log.positions.setdefault(GROUP, {})
        self._warehouse = warehouse
        self._tables = [_Table(topic, log, warehouse, partitions) for topic in TABLE_OF_TOPIC]
        self._is_down = False

    def step(self, chance: random.Random) -> None:
        """A poll and a batch of one table, if the warehouse answers."""
        if self._is_down:
            self._is_down = chance.random() < 0.9
            return
        table = chance.choice(self._tables)
        table.poll(chance.choice((1, 5, 50)))
        try:
            stored = table.store(chance.choice((1, 5, 50)))
        except UnavailableError:
            return
        if not stored:
            return
        if chance.random() < 0.95:
            table.commit()
        else:  # It dies between insert and commit.
            self._crash()

    def fault(self, chance: random.Random) -> None:
        kind = chance.randrange(3)
        if kind == 0:
            self._is_down = True
        elif kind == 1:
            self._warehouse.fails_next = True
        else:
            self._crash()

    def recover(self) -> None:
        self._is_down = self._warehouse.fails_next = False
        self._crash()

    def drain(self) -> bool:
        """Store all there is; whether there was anything."""
        moved = False
        for table in self._tables:
            table.poll(10**6)
            while table.store(10**6):
                table.commit()
                moved = True
        return moved

    def _crash(self) -> None:
        for table in self._tables:
            table.crash()
