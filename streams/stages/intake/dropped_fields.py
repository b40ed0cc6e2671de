"""Rows of fields that events were read without, for whoever repairs the producer.

A sample, so that a producer that always sends a field of its own costs little; which events are
looked at depends on their offsets alone, so that a replay looks at the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Literal

import orjson

from schemas.events import InputEvent, type_name
from schemas.outcomes import DroppedField
from schemas.records import Source
from schemas.time import LogMs
from streams.stages.common.source_columns import source_columns
from streams.stages.contract import LogRecord

_FIRST_OFFSETS = 1_000
"""So many messages of a partition are all looked at: mistakes are made in the beginning."""
_SAMPLE_WEIGHT = 64
"""Of the later ones so many are represented by one."""
FIELDS_PER_EVENT_MAX = 20
"""Most findings about one event: names that are made up at random would fill the table."""
NAME_CHARS_MAX = 64
"""Longest name that is kept: a name of the contract has at most 28 characters."""
_NOT_FIELDS = frozenset({"type"})


def sample_weight(offset: int) -> int:
    """How many events the one at this offset stands for; 0: it is not looked at."""
    if offset < _FIRST_OFFSETS:
        return 1
    return 0 if offset % _SAMPLE_WEIGHT else _SAMPLE_WEIGHT


def dropped_field_rows(
    event: InputEvent, record: LogRecord, source: Source, weight: int, unreadable: Iterable[str]
) -> list[DroppedField]:
    """The rows of one event: the fields that `unreadable` names, and those it does not know."""
    problems: dict[str, Literal["unknown", "unreadable"]] = {}
    fields = orjson.loads(record.value or b"{}")
    for name in sorted(fields.keys() - set(event.__struct_fields__) - _NOT_FIELDS):
        problems[name[:NAME_CHARS_MAX]] = "unknown"
    problems |= dict.fromkeys(unreadable, "unreadable")
    return [
        DroppedField(
            dropped_id=f"{record.topic}:{record.partition}:{source[2]}:{name}",
            app_id=event.app_id,
            event_type=type_name(type(event)),
            field=name,
            problem=problem,
            sample_weight=weight,
            received_at=LogMs(record.timestamp),
            **source_columns(source),
        )
        for name, problem in islice(problems.items(), FIELDS_PER_EVENT_MAX)
    ]
