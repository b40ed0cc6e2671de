"""Decodes a message to an event, strictly and once, or to a value that says why it cannot be read.

orjson parses to a dict, whose size reveals duplicate keys in the raw bytes; msgspec then converts
the dict to a struct. Both take 2 µs for 400 bytes; msgspec alone takes 0.8 µs, but silently keeps
the last of two equal keys.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import orjson

from schemas import json_text
from schemas.adservices_answer import adservices_answer
from schemas.events import TOPIC_OF_TYPE, TYPES, InputEvent, Install, PrivacyRequest
from schemas.json_text import NESTING_MAX
from schemas.leniency import DEFAULT_LENIENCY, PLANS, FieldPlan, Leniency, is_app_id, is_id
from schemas.parts import MICROS_MAX
from schemas.refusals.checks import AHEAD_MS_MAX, CHECKS, check_times
from schemas.refusals.defects import DETAIL_CHARS_MAX, Defect, Unreadable
from schemas.refusals.time_units import advice_on_time, is_time
from schemas.time import LOG_TIME_MAX

__all__ = [
    "AHEAD_MS_MAX",
    "DETAIL_CHARS_MAX",
    "INFLATED_VALUE",
    "MESSAGE_BYTES_MAX",
    "Defect",
    "Unreadable",
    "decode",
]

MESSAGE_BYTES_MAX = 1_048_576
"""Largest message that is decoded: the default limit of a Kafka broker."""


INFLATED_VALUE = b"\x00a batch that inflates beyond bounds"
"""Takes the place of a message whose compressed batch is not inflated."""


def decode(
    raw: bytes | None,
    topic: str,
    logged_at: int,
    earliest_event_time: int,
    leniency: Leniency = DEFAULT_LENIENCY,
) -> InputEvent | Unreadable:
    """Decode one message of a source topic to its event, or to the reason why it is set aside.

    `logged_at`, its log time, bounds event times; `leniency` says what is left out, and to whom.
    """
    fields = _fields_of(raw, logged_at)
    if isinstance(fields, Unreadable):
        return fields
    tag, version = fields.get("type"), fields.get("schema_version")
    if type(tag) is not str or type(version) is not int or (tag, version) not in TYPES:
        return _unknown_type(fields)
    event_type = TYPES[tag, version]
    event: InputEvent | Unreadable
    plan = _in_our_words(fields, event_type, leniency)
    try:
        event = msgspec.convert(fields, event_type)
    except msgspec.ValidationError:
        event = _mend(fields, event_type, leniency, logged_at)
    else:
        if (
            plan.has_lists
            or leniency.is_app_amiss(event.app_id)
            or leniency.any_amiss(plan.ids_of(event))
        ):
            event = _mend(fields, event_type, leniency, logged_at)
    if isinstance(event, Unreadable):
        return event
    if TOPIC_OF_TYPE[event_type] != topic:
        return Unreadable(Defect.WRONG_TOPIC, f"type {tag!r} is not for {topic!r}")
    if (
        event.event_time < earliest_event_time
        or event.event_time > logged_at + AHEAD_MS_MAX
        or event.sent_time is not None
    ) and (refused := check_times(event, logged_at, earliest_event_time)) is not None:
        return refused
    check = CHECKS[event_type]
    return event if check is None else check(event, logged_at) or event


def _in_our_words(
    fields: dict[str, Any], event_type: type[InputEvent], leniency: Leniency
) -> FieldPlan:
    """Write ids in their normal form, and the answer of Apple in the names of the contract."""
    plan = PLANS[event_type]
    if leniency.has_normal_ids:
        plan.normalise(fields)
    if event_type is Install and type(answer := fields.get("adservices")) is dict:
        fields["adservices"] = adservices_answer(answer)
    return plan


def _fields_of(raw: bytes | None, logged_at: int) -> dict[str, Any] | Unreadable:
    """The members of a JSON object that no parser reads differently."""
    if logged_at > LOG_TIME_MAX:
        detail = f"the record is stamped {logged_at}: stamp milliseconds"
        return Unreadable(Defect.TIME_TOO_LATE, detail)
    if not raw:
        return Unreadable(Defect.EMPTY, "the message has no value")
    if raw == INFLATED_VALUE:
        return Unreadable(Defect.TOO_LARGE, "its batch inflates to too much: send smaller batches")
    if len(raw) > MESSAGE_BYTES_MAX:
        return Unreadable(Defect.TOO_LARGE, f"{len(raw)} bytes, at most {MESSAGE_BYTES_MAX}")
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _unparsable(raw, str(error))
    if type(fields) is not dict:
        return Unreadable(Defect.MALFORMED_JSON, "not a JSON object")
    # Every key is followed by a colon: with no more of them, no object is in it and no key doubled.
    is_flat = raw.count(b":") == len(fields) and b"[" not in raw
    if not is_flat and json_text.is_too_deep(raw):
        return Unreadable(Defect.MALFORMED_JSON, f"nested deeper than {NESTING_MAX}")
    if b"\\" in raw and b"\\u0000" in raw and json_text.has_null(fields):
        return Unreadable(Defect.NULL_BYTE, "a string holds U+0000")
    if not is_flat and json_text.has_duplicate_key(raw, fields):
        return Unreadable(Defect.DUPLICATE_KEY, "an object names a key twice")
    return fields


def _mend(
    fields: dict[str, Any], event_type: type[InputEvent], leniency: Leniency, logged_at: int
) -> InputEvent | Unreadable:
    """The event of the fields, without what it may lack: placeholder ids, empty text, and
    descriptive attributes that cannot be read."""
    plan = PLANS[event_type]
    dropped: list[str] = []
    missing = plan.clean(fields, leniency.judge, dropped)
    if missing is not None:
        return Unreadable(Defect.MISSING_ID, missing[:DETAIL_CHARS_MAX])
    while True:
        try:
            event = msgspec.convert(fields, event_type)
        except msgspec.ValidationError as error:
            message = str(error)
            if wrong_time := _wrong_time(message, fields, logged_at):
                return wrong_time
            if not plan.drop_described(message, fields, dropped):
                return _invalid(message, fields, event_type)
        else:
            if is_id(event_type, "app_id") and not is_app_id(event.app_id):
                return Unreadable(Defect.INVALID_VALUE, "app_id holds white space or a colon")
            leniency.tell(event.app_id, dropped)
            return event


def _unparsable(raw: bytes, message: str) -> Unreadable:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return Unreadable(Defect.INVALID_UTF8, str(error))
    if b"\0" in raw:
        return Unreadable(Defect.NULL_BYTE, "a zero byte in the message")
    return Unreadable(Defect.MALFORMED_JSON, message)


def _unknown_type(fields: dict[str, Any]) -> Unreadable:
    for name in ("type", "schema_version"):
        if name not in fields:
            return Unreadable(Defect.MISSING_FIELD, f"no {name}")
    tag, version = fields["type"], fields["schema_version"]
    if not isinstance(tag, str) or not isinstance(version, int) or isinstance(version, bool):
        return Unreadable(Defect.WRONG_TYPE, "type is a string, schema_version an integer")
    if any(known == tag for known, _ in TYPES):
        return Unreadable(Defect.UNKNOWN_VERSION, f"{tag!r} has no version {version}")
    return Unreadable(Defect.UNKNOWN_TYPE, f"type {tag!r}"[:DETAIL_CHARS_MAX])


# Anchored, because the middle of a message may quote what the producer wrote.
_QUOTED = re.compile(r"""['"].*['"]""", re.DOTALL)
_MISSING = re.compile(r"\AObject missing required field `(\w+)`")
_PATH = re.compile(r" - at `\$\.(\w+)[^`]*`\Z")
_LEAF = re.compile(r" - at `\$\.(\w+)(?:\.(\w+))?`\Z")


def _wrong_time(message: str, fields: dict[str, Any], logged_at: int) -> Unreadable | None:
    """The refusal of a time in another unit or form, whether its field may be left out or not: a
    producer who counts otherwise has to hear of it."""
    path = _LEAF.search(message)
    if path is None or not is_time(path.group(path.lastindex or 1)):
        return None
    name, value = path.group(1), fields.get(path.group(1))
    if path.group(2) and isinstance(value, dict):
        name, value = path.group(2), value.get(path.group(2))
    advice = advice_on_time(name, value, logged_at)
    if advice is None:
        return None
    if type(value) is not int:
        return Unreadable(Defect.WRONG_TYPE, advice[:DETAIL_CHARS_MAX])
    return Unreadable(Defect.TIME_TOO_LATE, advice[:DETAIL_CHARS_MAX])


def _invalid(message: str, fields: dict[str, Any], event_type: type[InputEvent]) -> Unreadable:
    """Turn msgspec's message into one of the fixed reasons."""
    if missing := _MISSING.search(message):
        name = missing.group(1)
        reason = Defect.MISSING_ID if is_id(event_type, name) else Defect.MISSING_FIELD
        return Unreadable(reason, f"no {name}")
    path = _PATH.search(message)
    name = path.group(1) if path else ""
    if event_type is PrivacyRequest:  # Where names and values are exchanged, it quotes a person.
        message = _QUOTED.sub("(not quoted)", message)
    message = message[:DETAIL_CHARS_MAX]
    if name.endswith(("_micros", "_e9")) and isinstance(fields.get(name), float | str):
        return Unreadable(Defect.NON_INTEGER_AMOUNT, message)
    if name.endswith("_micros") and type(fields.get(name)) is int:
        return Unreadable(
            Defect.AMOUNT_TOO_LARGE,
            f"{name} {fields[name]} is beyond {MICROS_MAX}: send millionths, 1.99 is 1990000",
        )
    if name.endswith("_time") and type(fields.get(name)) is int:
        reason = Defect.TIME_TOO_EARLY if fields[name] < 0 else Defect.TIME_TOO_LATE
        return Unreadable(reason, f"{name} {fields[name]}: send milliseconds since 1970")
    if is_id(event_type, name) and fields.get(name) in ("", None):
        return Unreadable(Defect.MISSING_ID, message)
    if "currency" in name and isinstance(fields.get(name), str):
        return Unreadable(Defect.UNKNOWN_CURRENCY, message)
    if re.match(r"Expected `[^`]+`, got `", message):
        return Unreadable(Defect.WRONG_TYPE, message)
    return Unreadable(Defect.INVALID_VALUE, message)
