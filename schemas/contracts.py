"""JSON Schema and AsyncAPI documents for producers and readers, made from the structs.

`documents` is pure and always gives the same bytes; `python -m schemas.contracts` writes the
files beside this one, and a test fails when they are stale.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from schemas import topics
from schemas.decode import AHEAD_MS_MAX, MESSAGE_BYTES_MAX
from schemas.events import TYPES, TYPES_BY_TOPIC, InputEvent, type_name
from schemas.json_text import NESTING_MAX
from schemas.outcomes import OUTCOME_OF_TOPIC
from schemas.topics import Kind, Topic

_VERSION = "1.0.0"
"""Of the contract. A field added raises the minor, a `schema_version` added the major number."""

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
COMPONENTS = "#/components"

Json = dict[str, Any]
Examples = Mapping[str, Sequence[tuple[str, Json]]]
"""Per message name: (name of the example, payload)."""


@dataclass(frozen=True, slots=True)
class Semantics:
    """What a schema cannot say about the messages of one type."""

    id: str  # fields that together name what is said
    repeats: str
    writers: str = "headwater core"
    readers: str = "headwater storing, product backends"


EVENT_REPEATS = (
    "The first copy of an event_id counts, within a bounded window; later copies are counted as "
    "duplicates and change nothing. A producer may therefore send again after any failure."
)
MONEY_REPEATS = (
    "Money counts once for ever by the id named here, whatever the event_id. Send again freely."
)
SAME_AGAIN = (
    "Written in one transaction with the input position: a read-committed reader sees it once. "
    "A replay says it again with the same id, so keep the first or overwrite by id."
)

_PRODUCER = {"writers": "event producers", "readers": "headwater core"}
_EVENT = Semantics("event_id", EVENT_REPEATS, **_PRODUCER)

SEMANTICS: dict[str, Semantics] = {
    "touchpoint": _EVENT,
    "install": _EVENT,
    "session": _EVENT,
    "in_app_event": _EVENT,
    "purchase": Semantics("transaction_id", MONEY_REPEATS, **_PRODUCER),
    "subscription": Semantics("transaction_id", MONEY_REPEATS, **_PRODUCER),
    "refund": Semantics("refund_id", MONEY_REPEATS, **_PRODUCER),
    "ad_revenue": Semantics("impression_id", MONEY_REPEATS, **_PRODUCER),
    "cost": Semantics(
        "dimensions, revision",
        "A higher revision of the same date and dimensions replaces; a lower one changes nothing.",
        **_PRODUCER,
    ),
    "exchange_rate": Semantics(
        "date, base_currency, quote_currency, revision",
        "A higher revision of the same day and pair replaces; a lower one changes nothing.",
        **_PRODUCER,
    ),
    "skan_postback": _EVENT,
    "aak_postback": _EVENT,
    "privacy_request": Semantics(
        "subject_request_id", "A request sent twice is one request.", **_PRODUCER
    ),
    "touches": Semantics("event_id", SAME_AGAIN),
    "attributions": Semantics(
        "attribution_id",
        f"{SAME_AGAIN} The highest version of a conversion is its current decision.",
    ),
    "fraud-verdicts": Semantics("verdict_id", SAME_AGAIN),
    "credits": Semantics(
        "credit_id", f"{SAME_AGAIN} The highest revision of a conversion is the current one."
    ),
    "exposures": Semantics("path_id", SAME_AGAIN),
    "rates": Semantics(
        "rate_id, revision", f"{SAME_AGAIN} The highest revision of a rate_id is the current one."
    ),
    "revenue": Semantics(
        "booking_id", f"{SAME_AGAIN} Bookings are signed: add them up, never overwrite a sum."
    ),
    "features": Semantics("feature_id", SAME_AGAIN),
    "predictions": Semantics("prediction_id", SAME_AGAIN),
    "spend": Semantics(
        "spend_id, revision", f"{SAME_AGAIN} The highest revision of a spend_id is the current one."
    ),
    "postback-rows": Semantics(
        "postback_id",
        "Devices send a postback several times: every copy is said, the one with the least "
        "(event_time, event_id) counts. Only signature_state valid counts.",
    ),
    "privacy-rows": Semantics("subject_request_id", SAME_AGAIN),
    "parked": Semantics("parked_id", f"{SAME_AGAIN} Each state of a subject has its own id."),
    "ledger": Semantics(
        "stage, disposition, move, source_topic, source_partition, offsets",
        f"{SAME_AGAIN} An offset that was parked may be named again when it is settled, or when "
        "a relink moves it: the highest move counts.",
        readers="headwater storing",
    ),
    "dead-letters": Semantics(
        "source_topic, source_partition, source_offset",
        SAME_AGAIN,
        readers="headwater storing, headwater dead-letters, whoever repairs the producer",
    ),
    "freshness": Semantics(
        "stage, partition, stage_time", f"{SAME_AGAIN} Only the latest stage_time matters."
    ),
    "model-versions": Semantics(
        "change_id", f"{SAME_AGAIN} The highest number of a model is how it is."
    ),
    "model-contents": Semantics("content_id", SAME_AGAIN),
    "model-quality": Semantics("quality_id", SAME_AGAIN),
    "reliability": Semantics("reliability_id", SAME_AGAIN),
    "drift-alarms": Semantics("alarm_id", SAME_AGAIN),
}

CLOCK_TICKS = (
    'A message whose key is "\\u0000clock" and whose value is empty is a clock tick: it only says '
    "that time has come this far in its partition. Headwater writes ticks into idle partitions. "
    "Every other reader ignores them; producers never send that key."
)
REFUSALS = (
    f"UTF-8 JSON objects of at most {MESSAGE_BYTES_MAX} bytes, nested at most {NESTING_MAX} deep, "
    "no key twice in an object, no U+0000 in any string, currencies from ISO 4217, amounts not "
    "negative except of refunds, event_time not before the configured earliest time and at most "
    f"{AHEAD_MS_MAX // 3_600_000} hours ahead of the log. Anything else changes nothing and is "
    "found on dead-letters with its original bytes and a reason. Unknown fields are ignored."
)


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


def _message_names(topic: Topic) -> list[str]:
    if topic.kind is Kind.SOURCE:
        return [type_name(event_type) for event_type in _event_types(topic)]
    return [topic.name]


def _event_types(topic: Topic) -> tuple[type[InputEvent], ...]:
    return TYPES_BY_TOPIC[topic.name]


def _channel(topic: Topic) -> Json:
    names = _message_names(topic)
    ticks = f" {CLOCK_TICKS}" if topic.kind is Kind.SOURCE else ""
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
    is_source = topic.kind is Kind.SOURCE
    channel = f"#/channels/{topic.name}"
    return {
        "action": "receive" if is_source else "send",
        "summary": topic.description,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in _message_names(topic)],
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
    messages = {
        name: _message(name, topic, examples) for topic in public for name in _message_names(topic)
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
    return "receive" if topic.kind is Kind.SOURCE else "send"


def documents(examples: Examples) -> dict[str, bytes]:
    """Every generated file by its path below this folder."""
    files = {f"json/{name}.v{version_of(name)}.json": json_schema(name) for name in message_types()}
    files["asyncapi.json"] = asyncapi(examples)
    return {
        path: (json.dumps(_dedented(body), indent=2, ensure_ascii=False) + "\n").encode()
        for path, body in files.items()
    }


def _dedented(body: Any) -> Any:
    """Docstrings as descriptions: Python 3.13 takes their indentation off, older ones do not."""
    if isinstance(body, dict):
        return {
            name: inspect.cleandoc(part)
            if name == "description" and isinstance(part, str)
            else _dedented(part)
            for name, part in body.items()
        }
    return [_dedented(part) for part in body] if isinstance(body, list) else body


def read_examples(folder: Path) -> dict[str, list[tuple[str, Json]]]:
    """The golden messages in `<folder>/<message>/v<version>/<example>.json`, in name order."""
    return {
        name: [
            (path.stem, json.loads(path.read_bytes()))
            for path in sorted((folder / name / f"v{version_of(name)}").glob("*.json"))
        ]
        for name in message_types()
    }


def _main() -> None:
    here = Path(__file__).parent
    for name, body in documents(read_examples(here / "examples")).items():
        path = here / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)


if __name__ == "__main__":
    _main()
