"""One table per outcome topic, derived from the outcome structs.

A field becomes a column of the same name, save `schema_version`, which says how to read a message
and is not stored. Every row also has its log position. The migrations declare the same columns in
SQL, and a test compares both.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from enum import Enum
from typing import Any

from schemas.outcomes import OUTCOME_OF_TOPIC, Outcome, is_time_field


class ColumnKind(Enum):
    TEXT = "text"
    INTEGER = "integer"
    TIME = "time"  # milliseconds since 1970
    FLAG = "flag"
    FRACTION = "fraction"
    TEXTS = "texts"
    INTEGERS = "integers"
    FRACTIONS_BY_NAME = "fractions by name"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: ColumnKind


EPOCH, PARTITION, OFFSET = "log_epoch", "log_partition", "log_offset"
LOG_POSITION = (
    Column(EPOCH, ColumnKind.TEXT),
    Column(PARTITION, ColumnKind.INTEGER),
    Column(OFFSET, ColumnKind.INTEGER),
)
INSERTED_AT = "inserted_at"  # set by ClickHouse
UNSTORED = frozenset({"schema_version"})


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    topic: str
    outcome: type[Outcome]
    columns: tuple[Column, ...]  # of the outcome, in the order of its fields

    @property
    def all_columns(self) -> tuple[Column, ...]:
        return self.columns + LOG_POSITION


_KIND_OF: dict[Any, ColumnKind] = {
    bool: ColumnKind.FLAG,
    float: ColumnKind.FRACTION,
    list[str]: ColumnKind.TEXTS,
    list[int]: ColumnKind.INTEGERS,
    dict[str, float]: ColumnKind.FRACTIONS_BY_NAME,
}


def _kind(name: str, hint: Any) -> ColumnKind:
    if hint is str or typing.get_origin(hint) is typing.Literal:
        return ColumnKind.TEXT
    if hint is int:
        return ColumnKind.TIME if is_time_field(name) else ColumnKind.INTEGER
    return _KIND_OF[hint]  # A KeyError here is an outcome field that no table can keep.


def _table(topic: str, outcome: type[Outcome]) -> Table:
    hints = typing.get_type_hints(outcome)
    columns = tuple(
        Column(name, _kind(name, hints[name]))
        for name in outcome.__struct_fields__
        if name not in UNSTORED
    )
    return Table(topic.replace("-", "_"), topic, outcome, columns)


TABLE_OF_TOPIC = {topic: _table(topic, outcome) for topic, outcome in OUTCOME_OF_TOPIC.items()}
TABLES = {table.name: table for table in TABLE_OF_TOPIC.values()}
