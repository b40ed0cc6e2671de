"""The columns of an outcome row that name the source record it follows from."""

from __future__ import annotations

from typing import TypedDict

from schemas import topics
from schemas.outcomes.outcome import Environment
from schemas.records import Source

_TOPIC_NAMES = tuple(topic.name for topic in topics.SOURCES)


def environment_of(*, is_sandbox: bool) -> Environment:
    """The environment as rows name it."""
    return "sandbox" if is_sandbox else "production"


class SourceColumns(TypedDict):
    """Topic, partition and offset of the source record."""

    source_topic: str
    source_partition: int
    source_offset: int


def source_columns(source: Source) -> SourceColumns:
    """Columns to unpack into a row's constructor: `Row(..., **source_columns(source))`."""
    topic, partition, offset = source
    return {
        "source_topic": _TOPIC_NAMES[topic],
        "source_partition": partition,
        "source_offset": offset,
    }
