"""An event that is refused, as its producer probably meant it, with a sentence on each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.events import TYPES, TYPES_BY_TOPIC, InputEvent, type_name
from streams.operations.validation.advice.amended_value import amended
from streams.operations.validation.advice.field_guide import (
    FieldGuide,
    FieldKind,
    guides_of,
    is_same_field,
    named_type,
    nearest_field,
)
from streams.operations.validation.advice.foreign_names import (
    REMARKS,
    TYPE_OF_NAME,
    plain_name,
    shape_of,
)
from streams.operations.validation.advice.number_texts import as_json

_ENVELOPES = ("events", "batch", "records", "messages", "items")
_BLANKS: Mapping[FieldKind, str] = {
    FieldKind.MILLISECONDS: "milliseconds since 1970",
    FieldKind.MICROS: "millionths of the currency",
    FieldKind.CURRENCY: "ISO 4217",
    FieldKind.DAY: "YYYY-MM-DD",
    FieldKind.RATE: "billionths",
}
_MEANINGS: Mapping[str, str] = {
    "event_id": "unique for each event, and the same when it is sent again, such as a UUID",
    "app_id": "the app, such as com.example.harvest",
    "event_time": "when it happened, in milliseconds since 1970 in UTC",
    "install_id": "random UUID made at the first open, and the same in every event of the install",
    "touch_id": "the id of this click or impression, which the install names as its click_id",
    "touch_type": "click or impression",
    "media_source": "the network that showed the ad",
    "transaction_id": "the id that the store gave the purchase",
    "refund_id": "an id of the refund itself",
    "impression_id": "an id of the ad impression",
    "amount_micros": "millionths of the currency: 1.99 is 1990000",
    "currency": "ISO 4217, such as EUR",
    "session_id": "an id of the session",
    "name": "what happened, such as tutorial_complete",
    "date": "the day of the calendar, YYYY-MM-DD",
    "body": "the JSON text exactly as Apple sent it",
    "schema_version": "1",
}


@dataclass(slots=True)
class AmendedEvent:
    """`fields` are mended as far as possible; `blanks` are what only the producer can fill in."""

    fields: dict[str, Any]
    event_type: type[InputEvent] | None = None
    advice: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    blanks: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        sentence = sentence.replace("; ", ", ")  # Sentences are joined with semicolons.
        if sentence and sentence not in self.advice:
            self.advice.append(sentence)


def amended_event(fields: Mapping[str, Any], topic: str) -> AmendedEvent:
    """The event of these fields with everything mended that can be; `topic` may be empty."""
    event = AmendedEvent(dict(fields))
    batch = next((name for name in _ENVELOPES if isinstance(fields.get(name), list)), "")
    if batch and "type" not in fields:
        count = len(fields[batch])
        event.say(f'"{batch}" is a batch: publish each of its {count} events as its own message')
        return event
    system, advice = shape_of(fields)
    if system and (fields.get("type"), fields.get("schema_version")) not in TYPES:
        event.say(f"this looks like {system}, in its own words: {advice}")
    if {"schema", "payload"} <= event.fields.keys():
        del event.fields["schema"]  # of Kafka Connect, which describes the payload
    _unfold(event)
    extra = _name_type(event, topic)
    if event.event_type is None:
        if not system:
            known = ", ".join(name for name, _ in TYPES)
            event.say(f'add "type", one of {known}')
        return event
    guides = guides_of(event.event_type)
    for name, value in extra.items():
        if event.fields.get(name) not in guides[name].choices:
            event.fields[name] = value
            event.say(f'write "{name}": {as_json(value)}')
    _rename(event, guides)
    for name, guide in guides.items():
        if name in event.fields:
            _amend_field(event, guide)
    for name, guide in guides.items():
        if name not in event.fields and guide.is_required:
            _supply(event, guide)
    return event


def _unfold(event: AmendedEvent) -> None:
    """Move fields that stand in an object of another name to the top."""
    for name in list(event.fields):
        inner = _inner(name, event.fields[name])
        if not inner:
            continue
        kind = event.fields.get("type")
        inside = inner.get("type")
        if isinstance(inside, str) and not _known_type(kind) and _known_type(inside):
            event.fields.pop("type", None)
        del event.fields[name]
        event.say(f'move what stands in "{name}" to the top of the event')
        for key, value in inner.items():
            event.fields.setdefault(key, value)


def _known_type(name: Any) -> bool:
    return isinstance(name, str) and (
        named_type(name) is not None or plain_name(name) in TYPE_OF_NAME
    )


def _inner(name: str, value: Any) -> dict[str, Any]:
    """The fields in an object that is no field of the contract; empty for any other value."""
    if name in ("consent", "adservices", "identities", "body", "value_json"):
        return {}
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    if isinstance(value, list) and value and all(_is_pair(part) for part in value):
        return {str(part["key"]): _pair_value(part["value"]) for part in value}
    if name == "price" or not isinstance(value, dict):
        return {}
    return {str(key): item for key, item in value.items()}


def _is_pair(part: Any) -> bool:
    return isinstance(part, dict) and {"key", "value"} <= part.keys()


def _pair_value(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        return next(iter(value.values()))
    return value


def _name_type(event: AmendedEvent, topic: str) -> dict[str, Any]:
    """Set the event type; returns what its foreign name says beside, such as a touch_type."""
    fields = event.fields
    written = fields.get("type")
    if isinstance(written, str) and (event_type := named_type(written)):
        event.event_type = event_type
        return {}
    ours, beside, source = _guessed_type(fields, topic)
    event_type = named_type(ours)
    if event_type is None:
        return {}
    event.event_type = event_type
    fields["type"] = ours
    if source and source != "type" and source not in guides_of(event_type):
        del fields[source]
    event.say(f'write "type": "{ours}"' + (f', not "{written}"' if written is not None else ""))
    if not beside:
        return {}
    return {"touch_type" if ours == "touchpoint" else "kind": beside}


def _guessed_type(fields: Mapping[str, Any], topic: str) -> tuple[str, str, str]:
    """Our type, what its name says beside, and the field that named it."""
    generic = ""  # a field that says only that this is an event
    for name in ("type", "event_type", "eventType", "event", "event_name", "eventName", "kind",
                 "activity_kind", "action", "name"):  # fmt: skip
        value = fields.get(name)
        if not isinstance(value, str):
            continue
        if named_type(plain := plain_name(value)) or plain in TYPE_OF_NAME:
            ours, beside = TYPE_OF_NAME.get(plain, (plain, ""))
            if ours != "in_app_event":
                return ours, beside, name
            generic = generic or name
        for known, _ in TYPES:
            if plain_name(known) == plain:
                return known, "", name
    types = TYPES_BY_TOPIC.get(topic, ())
    if len(types) == 1:
        return type_name(types[0]), "", ""
    scored = [(*_likeness(kind, fields), kind) for kind in types or TYPES.values()]
    score, share, kind = max(scored, key=lambda one: one[:2])
    is_money = "amount_micros" in guides_of(kind)
    if generic and not (is_money and share == 1.0):
        return "in_app_event", "", generic
    return (type_name(kind) if score > 0 and share >= 0.5 else ""), "", ""


def _likeness(event_type: type[InputEvent], fields: Mapping[str, Any]) -> tuple[float, float]:
    """How much of what sets a type apart is there under any name, in fields and as a share."""
    guides = guides_of(event_type)
    common = ("event_id", "app_id", "event_time", "schema_version")
    own = [name for name, guide in guides.items() if guide.is_required and name not in common]
    there = {nearest_field(name, guides) for name in fields}
    found = sum(name in there for name in own)
    return found - 0.5 * (len(own) - found), found / max(len(own), 1)


def _rename(event: AmendedEvent, guides: Mapping[str, FieldGuide]) -> None:
    """Give unknown fields the names that they probably stand for, and name the others."""
    unknown = [name for name in event.fields if name not in guides and name != "type"]
    for name in unknown:
        value = event.fields.pop(name)
        absent = [other for other in guides if event.fields.get(other) in (None, "")]
        ours = nearest_field(name, absent)
        if not ours or not (guides[ours].is_required or is_same_field(name, ours)):
            ours = ours or nearest_field(name, guides)
            means = f', did you mean "{ours}"?' if ours else ""
            if remark := REMARKS.get(plain_name(name)):
                means = f", {remark}"
            elif not ours and event.fields["type"] == "in_app_event":
                means = ", parameters stand in value_json as a text"
            event.warnings.append(f'"{name}" is no field of {event.fields["type"]}: ignored{means}')
            continue
        guide = guides[ours]
        if value is None or (ours == "value_json" and not isinstance(value, str | dict)):
            continue
        found = amended(guide, value, was=name)
        is_amount = guide.kind is FieldKind.MICROS and "micro" not in name.lower()
        if found.value is None or (not is_amount and not guide.fault(value)):
            event.fields[ours] = value
            event.say(f'rename "{name}" to "{ours}"')
        else:
            event.fields[ours] = found.value
            event.say(f'instead of "{name}": {as_json(value)} {found.advice}')


def _amend_field(event: AmendedEvent, guide: FieldGuide) -> None:
    name, value = guide.name, event.fields[guide.name]
    if value is None and not guide.is_required and not guide.fault(None):
        return
    if not guide.fault(value):
        return
    found = amended(guide, value)
    if guide.is_descriptive:
        event.warnings.append(f"{name} {as_json(value)} is left out: {found.advice}")
        event.fields.pop(name)
        if found.value is not None:
            event.fields[name] = found.value
        return
    event.say(found.advice)
    event.fields.pop(name)
    if found.value is not None:
        event.fields[name] = found.value
    elif guide.is_required:
        _blank(event, guide)


def _supply(event: AmendedEvent, guide: FieldGuide) -> None:
    """Add a required field that is missing."""
    if guide.name in event.blanks:
        return
    if guide.name == "schema_version":
        event.fields[guide.name] = 1
        event.say('add "schema_version": 1')
        return
    meaning = _MEANINGS.get(guide.name) or (
        f"one of {', '.join(guide.choices)}" if guide.choices else _BLANKS.get(guide.kind, "")
    )
    event.say(f'add "{guide.name}"' + (f": {meaning}" if meaning else ""))
    _blank(event, guide)


def _blank(event: AmendedEvent, guide: FieldGuide) -> None:
    event.blanks.append(guide.name)
    event.fields[guide.name] = f"<{_BLANKS.get(guide.kind) or guide.name}>"
