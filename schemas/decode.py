"""Decodes a message to an event, strictly and once, or to a value that says why it cannot be read.

orjson parses to a dict, whose size reveals duplicate keys in the raw bytes; msgspec then converts
the dict to a struct. Both take 2 µs for 400 bytes; msgspec alone takes 0.8 µs, but silently keeps
the last of two equal keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec
import orjson

from schemas import currencies, json_text
from schemas.events import (
    TYPES,
    TYPES_BY_TOPIC,
    AdRevenue,
    Cost,
    ExchangeRate,
    InputEvent,
    Install,
    PaymentEvent,
    Purchase,
    Refund,
    Subscription,
    Touchpoint,
)
from schemas.json_text import NESTING_MAX
from schemas.leniency import DEFAULT_LENIENCY, PLANS, Leniency, is_id
from schemas.parts import MICROS_MAX
from schemas.time import DAY_MS

MESSAGE_BYTES_MAX = 1_048_576
"""Largest message that is decoded: the default limit of a Kafka broker."""
AHEAD_MS_MAX = DAY_MS
"""How far an event may be ahead of the log: time zones and wrong clocks stay within a day."""
DETAIL_CHARS_MAX = 200
"""Longest detail of a dead letter; it may quote what the producer wrote.

Details are stored, and digests of stores compare them: changing one changes stored rows."""


class Defect(StrEnum):
    """Why a message is set aside. The list is fixed, so that it can be a metric label."""

    TOO_LARGE = "too_large"
    EMPTY = "empty"
    INVALID_UTF8 = "invalid_utf8"
    NULL_BYTE = "null_byte"
    MALFORMED_JSON = "malformed_json"
    DUPLICATE_KEY = "duplicate_key"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_VERSION = "unknown_version"
    WRONG_TOPIC = "wrong_topic"
    MISSING_ID = "missing_id"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    INVALID_VALUE = "invalid_value"
    NEGATIVE_AMOUNT = "negative_amount"
    POSITIVE_REFUND = "positive_refund"
    NON_INTEGER_AMOUNT = "non_integer_amount"
    AMOUNT_TOO_LARGE = "amount_too_large"
    UNKNOWN_CURRENCY = "unknown_currency"
    TIME_TOO_EARLY = "time_too_early"
    TIME_TOO_LATE = "time_too_late"


@dataclass(frozen=True, slots=True)
class Unreadable:
    reason: Defect
    detail: str


def decode(
    raw: bytes | None,
    topic: str,
    logged_at: int,
    earliest_event_time: int,
    leniency: Leniency = DEFAULT_LENIENCY,
) -> InputEvent | Unreadable:
    """Decode one message of a source topic to its event, or to the reason why it is set aside.

    `logged_at` is the log time of the record; "a day ahead" is measured from it and not from a
    clock, so that a replay decides the same. `earliest_event_time` bounds event times from below.
    `leniency` says what is left out of an event that is read nevertheless, and whom to tell.
    """
    if not raw:
        return Unreadable(Defect.EMPTY, "the message has no value")
    if len(raw) > MESSAGE_BYTES_MAX:
        return Unreadable(Defect.TOO_LARGE, f"{len(raw)} bytes, at most {MESSAGE_BYTES_MAX}")
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _unparsable(raw, str(error))
    if type(fields) is not dict:
        return Unreadable(Defect.MALFORMED_JSON, "not a JSON object")
    if raw.count(b"{") + raw.count(b"[") > NESTING_MAX and json_text.is_too_deep(raw):
        return Unreadable(Defect.MALFORMED_JSON, f"nested deeper than {NESTING_MAX}")
    if b"\\" in raw and b"\\u0000" in raw and json_text.has_null(fields):
        return Unreadable(Defect.NULL_BYTE, "a string holds U+0000")
    if json_text.has_duplicate_key(raw, fields):
        return Unreadable(Defect.DUPLICATE_KEY, "an object names a key twice")
    event_type = _type_of(fields)
    if event_type is None:
        return _unknown_type(fields)
    event = _convert(fields, event_type, leniency)
    if isinstance(event, Unreadable):
        return event
    if event_type not in TYPES_BY_TOPIC[topic]:
        return Unreadable(Defect.WRONG_TOPIC, f"type {fields['type']!r} is not for {topic!r}")
    return _check(event, logged_at, earliest_event_time)


def _type_of(fields: dict[str, Any]) -> type[InputEvent] | None:
    tag, version = fields.get("type"), fields.get("schema_version")
    if type(tag) is not str or type(version) is not int:
        return None
    return TYPES.get((tag, version))


def _convert(
    fields: dict[str, Any], event_type: type[InputEvent], leniency: Leniency
) -> InputEvent | Unreadable:
    plan = PLANS[event_type]
    try:
        event = msgspec.convert(fields, event_type)
    except msgspec.ValidationError:
        return _mend(fields, event_type, leniency)
    if plan.has_lists or leniency.any_amiss(plan.ids_of(event)):
        return _mend(fields, event_type, leniency)
    return event


def _mend(
    fields: dict[str, Any], event_type: type[InputEvent], leniency: Leniency
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
            if not plan.drop_described(str(error), fields, dropped):
                return _invalid(str(error), fields, event_type)
        else:
            leniency.tell(event.app_id, dropped)
            return event


def _check(event: InputEvent, logged_at: int, earliest: int) -> InputEvent | Unreadable:
    if event.event_time < earliest:
        return Unreadable(Defect.TIME_TOO_EARLY, f"event_time {event.event_time} < {earliest}")
    if event.event_time > logged_at + AHEAD_MS_MAX:
        return Unreadable(
            Defect.TIME_TOO_LATE,
            f"event_time {event.event_time} is over a day after {logged_at}",
        )
    if isinstance(event, Touchpoint):
        if event.cost_micros is None and event.cost_currency is None:
            return event
        day = event.event_time // DAY_MS
        return _check_amount(event, event.cost_micros or 0, event.cost_currency or "", day)
    if isinstance(event, Install):
        return _as_test(event) if event.adservices and event.adservices.is_test else event
    if isinstance(event, Cost | ExchangeRate):
        return _check_report(event, logged_at)
    if isinstance(event, PaymentEvent):
        return _check_money(event)
    return event


def _as_test(event: Install) -> Install:
    """An install with Apple's test payload was made by a developer, whatever its app says."""
    return msgspec.structs.replace(event, environment="sandbox")


_DAY_1970 = date(1970, 1, 1)


def _check_report(event: Cost | ExchangeRate, logged_at: int) -> InputEvent | Unreadable:
    """Somewhere on earth a day begins 14 hours before it does in UTC."""
    try:
        day = (date.fromisoformat(event.date) - _DAY_1970).days
    except ValueError:
        return Unreadable(Defect.INVALID_VALUE, f"date {event.date} is not in the calendar")
    if day < 0:
        return Unreadable(Defect.TIME_TOO_EARLY, f"date {event.date} is before 1970")
    if day * DAY_MS > logged_at + AHEAD_MS_MAX:
        return Unreadable(
            Defect.TIME_TOO_LATE, f"date {event.date} is over a day after {logged_at}"
        )
    if isinstance(event, Cost):
        return _check_amount(event, event.amount_micros, event.currency, day)
    for currency in (event.base_currency, event.quote_currency):
        if not currencies.is_accepted(currency, day):
            return Unreadable(Defect.UNKNOWN_CURRENCY, currencies.refusal(currency))
    if event.base_currency == event.quote_currency:
        return Unreadable(Defect.INVALID_VALUE, "a rate is between two different currencies")
    return event


def _check_money(
    event: Purchase | Subscription | Refund | AdRevenue,
) -> InputEvent | Unreadable:
    day = event.event_time // DAY_MS
    if isinstance(event, Refund):
        if not currencies.is_accepted(event.currency, day):
            return Unreadable(Defect.UNKNOWN_CURRENCY, currencies.refusal(event.currency))
        if event.kind == "reversed" and event.amount_micros < 0:
            return Unreadable(Defect.NEGATIVE_AMOUNT, "a reversed refund gives money: not negative")
        if event.kind != "reversed" and event.amount_micros > 0:
            return Unreadable(Defect.POSITIVE_REFUND, "a refund takes money: amount_micros <= 0")
        return event
    if not (event.install_id or event.customer_user_id):
        return Unreadable(Defect.MISSING_ID, "neither install_id nor customer_user_id")
    if isinstance(event, Purchase | Subscription):
        parts = (event.net_micros, event.store_fee_micros, event.tax_micros)
        if min(part or 0 for part in parts) < 0:
            return Unreadable(Defect.NEGATIVE_AMOUNT, "net, store fee and tax are not negative")
    return _check_amount(event, event.amount_micros, event.currency, day)


def _check_amount(
    event: InputEvent, micros: int, currency: str, day: int
) -> InputEvent | Unreadable:
    """`day` is that of the money, in days since 1970: it decides about withdrawn currencies."""
    if micros < 0:
        return Unreadable(Defect.NEGATIVE_AMOUNT, f"amount {micros} is negative")
    if not currencies.is_accepted(currency, day):
        return Unreadable(Defect.UNKNOWN_CURRENCY, currencies.refusal(currency))
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
_MISSING = re.compile(r"\AObject missing required field `(\w+)`")
_PATH = re.compile(r" - at `\$\.(\w+)[^`]*`\Z")


def _invalid(message: str, fields: dict[str, Any], event_type: type[InputEvent]) -> Unreadable:
    """Turn msgspec's message into one of the fixed reasons."""
    if missing := _MISSING.search(message):
        name = missing.group(1)
        reason = Defect.MISSING_ID if is_id(event_type, name) else Defect.MISSING_FIELD
        return Unreadable(reason, f"no {name}")
    path = _PATH.search(message)
    name = path.group(1) if path else ""
    message = message[:DETAIL_CHARS_MAX]
    if name.endswith(("_micros", "_e9")) and isinstance(fields.get(name), float | str):
        return Unreadable(Defect.NON_INTEGER_AMOUNT, message)
    if name.endswith("_micros") and type(fields.get(name)) is int:
        return Unreadable(
            Defect.AMOUNT_TOO_LARGE,
            f"{name} {fields[name]} is beyond {MICROS_MAX}: send millionths, 1.99 is 1990000",
        )
    if name == "event_time" and type(fields[name]) is int:
        return Unreadable(
            Defect.TIME_TOO_EARLY if fields[name] < 0 else Defect.TIME_TOO_LATE,
            message,
        )
    if is_id(event_type, name) and fields.get(name) in ("", None):
        return Unreadable(Defect.MISSING_ID, message)
    if "currency" in name and isinstance(fields.get(name), str):
        return Unreadable(Defect.UNKNOWN_CURRENCY, message)
    if re.match(r"Expected `[^`]+`, got `", message):
        return Unreadable(Defect.WRONG_TYPE, message)
    return Unreadable(Defect.INVALID_VALUE, message)
