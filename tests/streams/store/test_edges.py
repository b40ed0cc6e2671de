"""What core can say, the store can keep: every field of every outcome, at the edges of its type."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

from schemas.outcomes import Outcome, outcome_encoder
from schemas.parts import TIME_MS_MAX
from streams.store.base import Store
from streams.store.columns import OutcomeDecoder
from streams.store.tables import EPOCH, OFFSET, PARTITION, TABLES, Column, ColumnKind, Table

TEXTS = ["", "\U0001f600" * 1_024, "\x01\t\n\x7f", "\"\\'`", "{epoch}", "\u202e電", " ", "\\N"]
EDGES: dict[ColumnKind, list[Any]] = {
    ColumnKind.TEXT: TEXTS,
    ColumnKind.INTEGER: [0, -1, 2**63 - 1, -(2**63)],
    ColumnKind.TIME: [0, 1, TIME_MS_MAX],
    ColumnKind.FLAG: [False, True],
    ColumnKind.FRACTION: [0.0, -1.0, 1e308, -1e308, 5e-324, 0.1],
    ColumnKind.TEXTS: [[], TEXTS, ["\U0001f600" * 1_024] * 64],
    ColumnKind.INTEGERS: [[], [0, 2**63 - 1, -(2**63)], list(range(1_000))],
    ColumnKind.FRACTIONS_BY_NAME: [{}, {"\U0001f600" * 1_000: 1.0, '"\\\n': 5e-324, "": -1e308}],
}


def edges_of(table: Table, column: Column) -> list[Any]:
    hint = typing.get_type_hints(table.outcome)[column.name]
    if typing.get_origin(hint) is typing.Literal:
        return list(typing.get_args(hint))
    return EDGES[column.kind]


def rows_at_edges(table: Table) -> Iterator[Outcome]:
    edges = {column.name: edges_of(table, column) for column in table.columns}
    for number in range(max(map(len, edges.values()))):
        yield table.outcome(
            **{name: values[number % len(values)] for name, values in edges.items()}
        )


def read_back(column: Column) -> str:
    """SQL that gives a value as it was sent; JSON has no 64-bit integers."""
    name = column.name
    if column.kind is ColumnKind.TIME:
        return f"toString(toUnixTimestamp64Milli({name}))"
    if column.kind is ColumnKind.INTEGER:
        return f"toString({name})"
    if column.kind is ColumnKind.INTEGERS:
        return f"arrayMap(one -> toString(one), {name})"
    return name


def as_read(column: Column, value: Any) -> Any:
    if column.kind in (ColumnKind.TIME, ColumnKind.INTEGER):
        return str(value)
    if column.kind is ColumnKind.INTEGERS:
        return [str(one) for one in value]
    return value


def test_every_field_is_stored_and_read_back_at_the_edges_of_its_type(store: Store) -> None:
    for table in TABLES.values():
        rows = list(rows_at_edges(table))
        offsets = list(range(len(rows)))
        messages = [outcome_encoder.encode(row) for row in rows]
        columns = dict(OutcomeDecoder(table).decode(messages, 0, offsets).columns)
        columns |= {EPOCH: ["edges"] * len(rows), PARTITION: [0] * len(rows), OFFSET: offsets}
        store.insert(table.name, columns)
        asked = ", ".join(map(read_back, table.columns))
        found = store.query(f"SELECT {asked} FROM {table.name} ORDER BY log_offset").rows
        for row, read in zip(rows, found, strict=True):
            for column, value in zip(table.columns, read, strict=True):
                sent = as_read(column, getattr(row, column.name))
                assert value == sent, f"{table.name}.{column.name}"
