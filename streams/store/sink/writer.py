"""Writes sealed batches into a table, exactly once. Runs in a thread; knows no Kafka.

An offset is looked up in the table before its row is inserted whenever it may be stored already: up
to the highest stored offset after an assignment, and after an insert with an unknown outcome.
Insert deduplication tokens are not used: with them ClickHouse can lose acknowledged batches when it
is killed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.errors import Stop
from streams.store.base import BadRowsError, Store, UnavailableError
from streams.store.columns import OutcomeDecoder
from streams.store.sink.readback import Readback
from streams.store.sink.sealed_batch import SealedBatch
from streams.store.tables import EPOCH, OFFSET, PARTITION, Table


@dataclass(frozen=True, slots=True)
class InsertReport:
    rows: int  # inserted now
    skipped: int  # found stored already


class TableWriter:
    """Writes one table. Calls block and must not overlap."""

    def __init__(
        self, store: Store, table: Table, epoch: str, permit: Callable[[], None] = lambda: None
    ) -> None:
        """`permit` is called right before rows are sent, and raises UnavailableError when this
        process may have lost its partitions without noticing."""
        self.table = table
        self._store = store
        self._permit = permit
        self._decoder = OutcomeDecoder(table)
        self._readback = Readback(store, table, epoch)

    def forget(self) -> None:
        """Look everything up again: another process may have written meanwhile."""
        self._readback.forget()

    def write(self, batch: SealedBatch) -> InsertReport:
        """Insert the rows of the batch that are not stored yet.

        UnavailableError: call again with the same batch. Stop: the table does not take a row, and
        no row after it is stored.
        """
        self._readback.look_up({partition for partition, *_ in batch.spans()})
        columns, rows = self._missing(batch)
        if rows:
            try:
                self._permit()
                self._insert(columns, rows)
            except UnavailableError:
                for partition, _, last in batch.spans():
                    self._readback.doubt(partition, last)
                raise
        return InsertReport(rows, batch.rows - rows)

    def _missing(self, batch: SealedBatch) -> tuple[dict[str, list[Any]], int]:
        columns: dict[str, list[Any]] = {column.name: [] for column in self.table.all_columns}
        for polled in map(self._readback.without_stored, batch.polled):
            if not polled.offsets:
                continue
            decoded = self._decoder.decode(polled.values, polled.partition, polled.offsets)
            for name, values in decoded.columns.items():
                columns[name] += values
            columns[PARTITION] += [polled.partition] * len(polled.offsets)
            columns[OFFSET] += polled.offsets
            columns[EPOCH] += [self._readback.epoch(polled.partition)] * len(polled.offsets)
        return columns, len(columns[OFFSET])

    def _insert(self, columns: dict[str, list[Any]], rows: int) -> None:
        """Insert; on refusal, halve the rows until the refused one is found, and name it."""
        try:
            self._store.insert(self.table.name, columns)
        except BadRowsError as error:
            if rows == 1:
                raise Stop(
                    f"outcome {self.table.topic} partition {columns[PARTITION][0]} "
                    f"offset {columns[OFFSET][0]} cannot be stored: {error}"
                ) from None
            half = rows // 2
            self._insert({name: values[:half] for name, values in columns.items()}, half)
            self._insert({name: values[half:] for name, values in columns.items()}, rows - half)
