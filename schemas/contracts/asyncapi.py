"""The AsyncAPI 3 document of all public topics."""

from __future__ import annotations

import msgspec

from schemas import topics
from schemas.contracts.acceptance import accept
from schemas.contracts.messages import (
    Examples,
    Json,
    describe_fields,
    message_names,
    message_types,
    version_of,
)
from schemas.contracts.semantics import CLOCK_TICKS, REFUSALS, SEMANTICS
from schemas.topics import Topic, TopicKind

_VERSION = "1.0.0"
"""Of the contract. A field added raises the minor, a `schema_version` added the major number."""

COMPONENTS = "#/components"


def _channel(topic: Topic) -> Json:
    names = message_names(topic)
    ticks = f" {CLOCK_TICKS}" if topic.kind is TopicKind.SOURCE else ""
    cleanup = "compact" if topic.compacted else "delete"
    return {
        "address": topic.name,
        "description": topic.description + ticks,
        "messages": {name: {"$ref": f"{COMPONENTS}/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": {
                    "cleanup.policy": [cleanup],
                    "retention.ms": topic.retention_ms,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operation(topic: Topic) -> Json:
    """Seen from Headwater: it receives source topics and sends outcome topics."""
    is_source = topic.kind is TopicKind.SOURCE
    channel = f"#/channels/{topic.name}"
    return {
        "action": "receive" if is_source else "send",
        "summary": topic.description,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in message_names(topic)],
    }


def _message(name: str, topic: Topic, examples: Examples) -> Json:
    kind = message_types()[name]
    semantics = SEMANTICS[name]
    return {
        "name": name,
        "title": f"{name} v{version_of(name)}",
        "summary": " ".join((kind.__doc__ or topic.description).split()),
        "description": f"Id: {semantics.id}. {semantics.repeats}",
        "contentType": "application/json",
        "payload": {"$ref": f"{COMPONENTS}/schemas/{kind.__name__}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": topic.key},
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [{"name": label, "payload": body} for label, body in examples.get(name, ())],
        "x-id": semantics.id,
        "x-repeats": semantics.repeats,
        "x-writers": semantics.writers,
        "x-readers": semantics.readers,
    }


def asyncapi(examples: Examples) -> Json:
    """The AsyncAPI 3 document of all source and outcome topics."""
    public = (*topics.SOURCES, *topics.OUTCOMES)
    _, schemas = msgspec.json.schema_components(
        message_types().values(), ref_template=f"{COMPONENTS}/schemas/{{name}}"
    )
    describe_fields(schemas)
    accept(schemas, f"{COMPONENTS}/schemas/")
    messages = {
        name: _message(name, topic, examples) for topic in public for name in message_names(topic)
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Headwater",
            "version": _VERSION,
            "description": f"What Headwater reads and writes on Kafka. Sources take {REFUSALS}",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The brokers named by HEADWATER_KAFKA.",
                "variables": {"bootstrap": {"default": "localhost:9092"}},
            }
        },
        "channels": {topic.name: _channel(topic) for topic in public},
        "operations": {f"{_verb(topic)}-{topic.name}": _operation(topic) for topic in public},
        "components": {"messages": messages, "schemas": schemas},
    }


def _verb(topic: Topic) -> str:
    return "receive" if topic.kind is TopicKind.SOURCE else "send"
