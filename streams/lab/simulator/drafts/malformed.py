"""Mistakes of producers. Each spoils a copy of a valid message."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import json

from schemas import topics
from schemas.time import DAY_MS
from streams.lab.simulator.drafts.message_parts import MessageFields

Spoil = Callable[[bytes], bytes]


def _edited(edit: Callable[[MessageFields], object]) -> Spoil:
    def spoil(value: bytes) -> bytes:
        fields: MessageFields = json.decode(value)
        edit(fields)
        return json.encode(fields)

    return spoil


def _set(name: str, wrong: object) -> Spoil:
    return _edited(lambda fields: fields.update({name: wrong}))


def _without(name: str) -> Spoil:
    return _edited(lambda fields: fields.pop(name))


def _later(fields: MessageFields) -> None:
    fields["event_time"] += 400 * DAY_MS


def _twice(value: bytes) -> bytes:
    return value[:-1] + b',"event_id":"again"}'


def _not_utf8(value: bytes) -> bytes:
    return value.replace(b'"event_id":"', b'"event_id":"\xff\xfe')


ANYWHERE: tuple[tuple[str, Spoil], ...] = (
    ("cut_off", lambda value: value[: len(value) * 2 // 3]),
    ("not_an_object", lambda value: b"[" + value + b"]"),
    ("empty", lambda value: b""),
    ("broken_utf8", _not_utf8),
    ("zero_byte", _set("app_id", "com.tidewood\0")),
    ("repeated_key", _twice),
    ("text_for_time", _set("event_time", "2026-01-01T00:00:00Z")),
    ("seconds_for_milliseconds", _edited(lambda f: f.update(event_time=f["event_time"] // 1000))),
    ("no_event_id", _without("event_id")),
    ("empty_event_id", _set("event_id", "")),
    ("no_event_time", _without("event_time")),
    ("unknown_type", _set("type", "install_v0")),
    ("unknown_version", _set("schema_version", 99)),
    ("unknown_environment", _set("environment", "staging")),
)
IN_TOPIC: dict[str, tuple[tuple[str, Spoil], ...]] = {
    topics.TOUCHPOINTS.name: (
        ("number_for_id", _set("touch_id", 7)),
        ("far_future", _edited(_later)),  # of a device it is read, and its clock corrected
    ),
    topics.INSTALLS.name: (("no_install_id", _without("install_id")),),
    topics.ACTIVITY.name: (("null_install_id", _set("install_id", None)),),
    topics.PAYMENTS.name: (
        ("unknown_currency", _set("currency", "EUX")),
        ("fractional_amount", _set("amount_micros", 1.99)),
        ("text_for_amount", _set("amount_micros", "4.99")),
        ("no_amount", _without("amount_micros")),
        ("wrong_sign", _edited(lambda f: f.update(amount_micros=-f["amount_micros"]))),
    ),
}


def wrong_topic(topic: str) -> str:
    """A topic that messages of this one do not belong to."""
    return topics.ACTIVITY.name if topic != topics.ACTIVITY.name else topics.INSTALLS.name


def spoilers(topic: str) -> tuple[tuple[str, Spoil], ...]:
    """Every way to spoil a message of this topic, by name."""
    return ANYWHERE + IN_TOPIC.get(topic, ())
