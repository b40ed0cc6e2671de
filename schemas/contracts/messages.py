"""Every message of the contract, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from schemas.contracts.acceptance import accept
from schemas.contracts.descriptions import field_descriptions
from schemas.events import TYPES, TYPES_BY_TOPIC, AdServices, InputEvent, type_name
from schemas.outcomes import OUTCOME_OF_TOPIC, Outcome, is_time_field
from schemas.parts import Consent, Identity
from schemas.topics import Topic, TopicKind

_NESTED: tuple[type[msgspec.Struct], ...] = (AdServices, Consent, Identity)

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
    """A self-contained JSON Schema of one message, with a description of each field."""
    message = message_types()[name]
    schema = msgspec.json.schema(message)
    describe_fields(schema["$defs"])
    if not issubclass(message, Outcome):
        accept(schema["$defs"], "#/$defs/")
    return {
        "$schema": SCHEMA_DIALECT,
        "$id": f"urn:headwater:{name}:v{version_of(name)}",
        **schema,
    }


def describe_fields(definitions: Json) -> None:
    """Add the description of each field to the definitions (by struct name) that msgspec made."""
    structs = {kind.__name__: kind for kind in (*message_types().values(), *_NESTED)}
    for name, definition in definitions.items():
        for field, text in field_descriptions(structs[name]).items():
            schema = definition["properties"][field]
            units = schema.get("description", "")
            if issubclass(structs[name], Outcome) and is_time_field(field):
                units = "Milliseconds since 1970, UTC"
            schema["description"] = f"{text} {units}." if units else text


def message_names(topic: Topic) -> list[str]:
    if topic.kind is TopicKind.SOURCE:
        return [type_name(event_type) for event_type in _event_types(topic)]
    return [topic.name]


def _event_types(topic: Topic) -> tuple[type[InputEvent], ...]:
    return TYPES_BY_TOPIC[topic.name]
