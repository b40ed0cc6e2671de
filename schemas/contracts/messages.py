"""Every message of the contract, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from schemas.events import TYPES, TYPES_BY_TOPIC, InputEvent, type_name
from schemas.outcomes import OUTCOME_OF_TOPIC
from schemas.topics import Kind, Topic

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Json = dict[str, Any]

Examples = Mapping[str, Sequence[tuple[str, Json]]]
"""Per message name: (name of the example, payload)."""


def message_types() -> dict[str, type[msgspec.Struct]]:
    """Every contract by the name of its message: input types, then outcomes by topic."""
    inputs: dict[str, type[msgspec.Struct]] = {tag: kind for (tag, _), kind in TYPES.items()}
    return {**inputs, **OUTCOME_OF_TOPIC}


def version_of(name: str) -> int:
    """The newest `schema_version` of a message."""
    return max((version for tag, version in TYPES if tag == name), default=1)


def json_schema(name: str) -> Json:
    """A self-contained JSON Schema of one message."""
    return {
        "$schema": SCHEMA_DIALECT,
        "$id": f"urn:headwater:{name}:v{version_of(name)}",
        **msgspec.json.schema(message_types()[name]),
    }


def message_names(topic: Topic) -> list[str]:
    if topic.kind is Kind.SOURCE:
        return [type_name(event_type) for event_type in _event_types(topic)]
    return [topic.name]


def _event_types(topic: Topic) -> tuple[type[InputEvent], ...]:
    return TYPES_BY_TOPIC[topic.name]
