"""Writes sealed batches into a table, exactly once. Runs in a thread; knows no Kafka.

An offset is looked up in the table before its row is inserted whenever it may be stored already: up
to the highest stored offset after an assignment, and after an insert with an unknown outcome.
Insert deduplication tokens are not used: with them ClickHouse can lose acknowledged batches when it
is killed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from streams.errors import Stop
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
        missing = [one for one in map(self._readback.without_stored, batch.polled) if one.offsets]
        columns: dict[str, list[Any]] = {column.name: [] for column in self.table.all_columns}
        unreadable: list[RefusedRow] = []
        for polls, decoded in self._decoded(missing, unreadable):
            for name, values in decoded.columns.items():
                columns[name] += values
            for polled in polls:
                columns[PARTITION] += [polled.partition] * len(polled.offsets)
                columns[OFFSET] += polled.offsets
                columns[EPOCH] += [self._readback.epoch(polled.partition)] * len(polled.offsets)
        return columns, unreadable

    def _decoded(
        self, polls: Sequence[Polled], unreadable: list[RefusedRow]
    ) -> list[tuple[Sequence[Polled], TableSlice]]:
        """Polls with the rows of their messages. A poll may have one row, so that decoding each by
        itself would cost several times as much; it is only done to find what cannot be read."""
        if not polls:
            return []
        partition = polls[0].partition
        values = [value for polled in polls for value in polled.values]
        offsets = [offset for polled in polls for offset in polled.offsets]
        try:
            return [(polls, self._decoder.decode(values, partition, offsets))]
        except Stop as error:
            if len(polls) == 1 and not isinstance(error, BadOutcomeError):
                raise
            if len(offsets) == 1:
                unreadable.append(RefusedRow(self.table, partition, offsets[0], error, {}))
                return []
        if len(polls) == 1:
            polls = [
                Polled(partition, [offset], [value], 0)
                for offset, value in zip(offsets, values, strict=True)
            ]
        return [one for polled in polls for one in self._decoded([polled], unreadable)]
