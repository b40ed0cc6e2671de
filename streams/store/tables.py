"""One table per outcome topic, derived from the outcome structs.

A field becomes a column of the same name, save `schema_version`, which says how to read a message
and is not stored. Every row also has its log position. The migrations declare the same columns in
SQL, and a test compares both.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
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

READ_AT_ONCE = frozenset(
    {
        "touches", "attributions", "fraud_verdicts", "credits", "revenue", "active_days",
        "features", "predictions", "assignments", "experiment_orders",
    }
)  # fmt: skip
"""Tables in which people and backends look for what has just happened."""

SELDOM_READ = frozenset(TABLES) - READ_AT_ONCE
"""Tables whose rows may wait longer, to be inserted with more others: figures of models, the
accounting, what was dropped, spend, rates, milestones and sampled paths."""


def parked_of_last_booking(origin: str = "app_id", of: Callable[[str], str] = str) -> str:
    """The rows of `parked` that are about the last booking of their money, as SQL to select from.

    Money that is taken back and booked anew may have expired where it was booked before; what holds
    is the last booking, whether that waits or not. `origin`: columns within which ids are unique;
    `of`: SQL of the rows of a table.
    """
    of_parked = (
        "toUInt64OrZero(extract(substring(parked_id, length(subject_id) + 1), '^:([0-9]+):'))"
    )
    half = "(?::back|:move[0-9]+[+-])?$"
    latest = (
        f"SELECT {origin}, subject, max(revision) FROM ("
        f"SELECT {origin}, subject_id AS subject, {of_parked} AS revision FROM {of('parked')}"
        f" WHERE revision > 0 UNION ALL SELECT {origin},"
        f" replaceRegexpOne(booking_id, ':[0-9]+{half}', '') AS subject,"
        f" toUInt64OrZero(extract(booking_id, ':([0-9]+){half}')) AS revision FROM {of('revenue')}"
        f" WHERE kind != 'ad_revenue' AND revision > 0) GROUP BY {origin}, subject"
    )
    return (
        f"(SELECT * FROM {of('parked')} WHERE ({origin}, subject_id, {of_parked}) IN ({latest})"
        f" OR ({origin}, subject_id) NOT IN (SELECT {origin}, subject FROM ({latest})))"
    )
