"""Finds the rows that a table does not take, and sets them aside with their bytes.

They go to the table `quarantined`, and the events behind them are settled as quarantined in the
ledger. Such rows come from no topic, so their log position is one that no message has.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from schemas import topics
from schemas.time import LogMs
from streams.stages.separate.quarantine import without_values
from streams.store.base import BadRowsError, Refused, Store
from streams.store.sink.readback import offsets_present
from streams.store.tables import EPOCH, OFFSET, PARTITION, TABLE_OF_TOPIC, Table

Rows = Mapping[str, list[Any]]
_QUARANTINED = TABLE_OF_TOPIC[topics.QUARANTINED.name]
_LEDGER = TABLE_OF_TOPIC[topics.LEDGER.name]
_PARTITIONS_MAX = 1_000_000  # of a topic
_NUMBERS = {topic: number for number, topic in enumerate(sorted(TABLE_OF_TOPIC), start=1)}


class RefusedRow:
    """A message that a table does not take."""

    def __init__(
        self, table: Table, partition: int, offset: int, error: Exception, row: Rows
    ) -> None:
        self.table = table
        self.partition = partition
        self.offset = offset
        self.error = error
        self._row = row

    def column(self, name: str, default: Any) -> Any:
        """The value of a column; the default where the table has none, or nothing was read."""
        return self._row[name][0] if name in self._row else default


def insert_or_refuse(store: Store, table: Table, columns: Rows) -> list[RefusedRow]:
    """Insert rows, and return those that the table does not take.

    Refused: it takes none of them, for a reason that need not lie in the rows.
    """
    rows = len(columns[OFFSET])
    refused = _insert(store, table, columns, rows)
    errors = [one.error for one in refused]
    unsure = [one for one in errors if isinstance(one, BadRowsError) and not one.is_certain]
    if unsure and len(refused) == rows:
        raise Refused(f"table {table.name} takes no row: {unsure[0]}")
    return refused


def _insert(store: Store, table: Table, columns: Rows, rows: int) -> list[RefusedRow]:
    if not rows:
        return []
    try:
        store.insert(table.name, columns)
        return []
    except BadRowsError as error:
        if rows == 1:
            place = columns[PARTITION][0], columns[OFFSET][0]
            return [RefusedRow(table, *place, error, columns)]
    half = rows // 2
    first = {name: values[:half] for name, values in columns.items()}
    second = {name: values[half:] for name, values in columns.items()}
    return _insert(store, table, first, half) + _insert(store, table, second, rows - half)


def set_rows_aside(
    store: Store,
    epoch_of: Callable[[int], str],
    refused: Sequence[RefusedRow],
    values: Mapping[tuple[int, int], bytes],
) -> None:
    """Store refused rows in `quarantined`, once. Epochs by partition; `values` by partition and
    offset.

    UnavailableError: call again with the same rows. Refused: `quarantined` does not take them.
    """
    for row in refused:
        name, epoch = row.table.topic, epoch_of(row.partition)
        partition = -_NUMBERS[name] * _PARTITIONS_MAX - row.partition
        log = {EPOCH: epoch, PARTITION: partition, OFFSET: row.offset}
        place = (row.offset, row.offset)
        if offsets_present(store, _QUARANTINED.name, epoch, partition, place):
            continue
        source = row.column("source_topic", "")
        if source and not offsets_present(store, _LEDGER.name, epoch, partition, place):
            _store(store, _LEDGER, _settled(row) | log)
        _store(store, _QUARANTINED, _described(row, values[row.partition, row.offset]) | log)


def _described(row: RefusedRow, value: bytes) -> dict[str, Any]:
    app_id, install_id = row.column("app_id", ""), row.column("install_id", "")
    return {
        "quarantine_id": f"{row.table.topic}:{row.partition}:{row.offset}",
        "stage": "storing",
        "kind": "row",
        "error": type(row.error).__name__,
        "detail": without_values(str(row.error)),
        "state_key": install_id or app_id,
        "app_id": app_id,
        "install_id": install_id,
        "log_topic": row.table.topic,
        "log_topic_partition": row.partition,
        "log_topic_offset": row.offset,
        "payload": base64.b64encode(value).decode(),
        "message_key": "",
        "received_at": LogMs(0),
        "source_topic": row.column("source_topic", ""),
        "source_partition": row.column("source_partition", -1),
        "source_offset": row.column("source_offset", -1),
    }


def _settled(row: RefusedRow) -> dict[str, Any]:
    settled: dict[str, Any] = {column.name: _EMPTY[column.kind.value] for column in _LEDGER.columns}
    return settled | {
        "stage": "storing",
        "disposition": "quarantined",
        "source_topic": row.column("source_topic", ""),
        "source_partition": row.column("source_partition", 0),
        "offsets": [row.column("source_offset", 0)],
    }


_EMPTY: dict[str, Any] = {"text": "", "integer": 0, "texts": [], "integers": []}


def _store(store: Store, table: Table, row: Mapping[str, Any]) -> None:
    try:
        store.insert(table.name, {name: [value] for name, value in row.items()})
    except BadRowsError as error:
        raise Refused(f"table {table.name} takes no row about refused ones: {error}") from None
