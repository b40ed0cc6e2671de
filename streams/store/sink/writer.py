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

from streams.store.base import Refused, Store, UnavailableError
from streams.store.columns import BadOutcomeError, OutcomeDecoder, TableSlice
from streams.store.sink.readback import Readback
from streams.store.sink.refused_rows import RefusedRow, insert_or_refuse, set_rows_aside
from streams.store.sink.sealed_batch import Polled, SealedBatch
from streams.store.tables import EPOCH, OFFSET, PARTITION, Table


@dataclass(frozen=True, slots=True)
class InsertReport:
    rows: int  # inserted now
    skipped: int  # found stored already
    refused: int = 0  # not taken by the table, and set aside


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
        """Insert the rows of the batch that are not stored yet; set aside what the table refuses.

        UnavailableError, and Stop where the table takes none: call again with the same batch.
        """
        self._readback.look_up({partition for partition, *_ in batch.spans()})
        columns, refused = self._missing(batch)
        rows = len(columns[OFFSET])
        skipped = batch.rows - rows - len(refused)
        if rows or refused:
            try:
                self._permit()
                refused += insert_or_refuse(self._store, self.table, columns)
                if refused:
                    set_rows_aside(self._store, self._readback.epoch, refused, batch.values())
            except (UnavailableError, Refused):
                for partition, _, last in batch.spans():
                    self._readback.doubt(partition, last)
                raise
        return InsertReport(batch.rows - skipped - len(refused), skipped, len(refused))

    def _missing(self, batch: SealedBatch) -> tuple[dict[str, list[Any]], list[RefusedRow]]:
        """The rows that are not stored, and the messages among them that cannot be read."""
        columns: dict[str, list[Any]] = {column.name: [] for column in self.table.all_columns}
        unreadable: list[RefusedRow] = []
        for polled in map(self._readback.without_stored, batch.polled):
            for decoded in self._decoded(polled, unreadable):
                for name, values in decoded.columns.items():
                    columns[name] += values
                columns[PARTITION] += [polled.partition] * len(decoded.offsets)
                columns[OFFSET] += decoded.offsets
                columns[EPOCH] += [self._readback.epoch(polled.partition)] * len(decoded.offsets)
        return columns, unreadable

    def _decoded(self, polled: Polled, unreadable: list[RefusedRow]) -> list[TableSlice]:
        partition, decode = polled.partition, self._decoder.decode
        if not polled.offsets:
            return []
        try:
            return [decode(polled.values, partition, polled.offsets)]
        except BadOutcomeError as error:
            if len(polled.offsets) == 1:
                unreadable.append(RefusedRow(self.table, partition, polled.offsets[0], error, {}))
                return []
        return [
            decoded
            for offset, value in zip(polled.offsets, polled.values, strict=True)
            for decoded in self._decoded(Polled(partition, [offset], [value], 0), unreadable)
        ]
