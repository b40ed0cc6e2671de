"""A value that the contract refuses, as its producer probably meant it, and how to say so."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from schemas.currencies import CURRENCIES
from streams.operations.validation.advice.field_guide import FieldGuide, FieldKind
from streams.operations.validation.advice.foreign_names import plain_name
from streams.operations.validation.advice.number_texts import (
    as_json,
    currency_of_symbol,
    decimal_of,
    micros_of,
    milliseconds_of,
)

TRUE = frozenset({"true", "yes", "y", "1", "on", "t"})
FALSE = frozenset({"false", "no", "n", "0", "off", "f", ""})
EXACT_IN_JAVASCRIPT = 2**53


class Amended(NamedTuple):
    """`value` is None when only the producer can know it."""

    value: Any
    advice: str


def amended(guide: FieldGuide, value: Any, *, was: str = "") -> Amended:
    """How to mend a value of a field. `was` is the name it had, where that was another."""
    mend = _BY_KIND.get(guide.kind, _text)
    value, why = mend(guide, value, was or guide.name)
    if value is not None and not guide.fault(value):
        return Amended(value, f'write "{guide.name}": {as_json(value)}{why and f" ({why})"}')
    return Amended(None, f"{guide.name}: {why or 'send a valid value'}")


_Mended = tuple[Any, str]


def _id(guide: FieldGuide, value: Any, was: str) -> _Mended:
    if isinstance(value, bool) or value is None:
        return None, "an id is a text that is yours alone; leave the event out if there is none"
    if isinstance(value, int | float):
        text = str(int(value)) if value == int(value) else str(value)
        is_large = abs(value) > EXACT_IN_JAVASCRIPT or "e" in str(value)
        return text, "ids are text" + (
            "; as a number, digits beyond 2^53 are lost on the way" if is_large else ""
        )
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str | int):
        return str(value[0]), "one id, not a list"
    if isinstance(value, list | dict):
        return None, "one id as text, no list and no object"
    if guide.name == "app_id" and re.search(r"[\s:]", value):
        return re.sub(r"[\s:]+", "-", value.strip()), "no white space and no colon"
    if len(value) > 256:
        return None, "an id has at most 256 characters; of a longer token send a hash"
    return None, f"{value!r} is no id: send the real one"


def _milliseconds(guide: FieldGuide, value: Any, was: str) -> _Mended:
    found, why = milliseconds_of(value)
    return found, why or "milliseconds since 1970 in UTC, as an integer"


def _seconds(guide: FieldGuide, value: Any, was: str) -> _Mended:
    found, why = milliseconds_of(value)
    if found is None:
        return None, why or "seconds since 1970 in UTC, as an integer"
    return found // 1000, "seconds since 1970, as an integer"


def _micros(guide: FieldGuide, value: Any, was: str) -> _Mended:
    if isinstance(value, dict | list | bool) or value is None:
        inner = value.get("amount") or value.get("value") if isinstance(value, dict) else None
        if inner is None or isinstance(inner, dict):
            return None, "one integer in millionths of the currency: 1.99 is 1990000"
        value = inner
    found = micros_of(value, was)
    if found is None:
        return None, f"{value!r} is no amount: 1.99 is 1990000, an integer in millionths"
    if guide.fault(found):
        return None, (
            f"{as_json(value)} is beyond the largest amount, 1000000000000000 (a thousand million "
            "units): multiply by a million once"
        )
    why = "integer millionths: 1.99 is 1990000"
    if found == value:
        why = "an integer, without decimal point and quotes"
    return found, why


def _rate(guide: FieldGuide, value: Any, was: str) -> _Mended:
    found = decimal_of(value)
    if found is None or found <= 0:
        return None, "a rate is an integer in billionths: 1.085 is 1085000000"
    is_whole = found == int(found) and found > 100_000
    return int(found if is_whole else round(found * 10**9)), "integer billionths"


_ATT = ("notdetermined", "restricted", "denied", "authorized")
"""What Apple calls the numbers of a tracking authorisation."""


def _number(guide: FieldGuide, value: Any, was: str) -> _Mended:
    if guide.name == "schema_version":
        return 1, "the only version"
    if guide.name == "att_status" and isinstance(value, str) and not value.isdigit():
        plain = plain_name(value)
        number = _ATT.index(plain) if plain in _ATT else None
        return number, "0 not determined, 1 restricted, 2 denied, 3 authorized"
    found = None if isinstance(value, bool) else decimal_of(value)
    if found is None:
        return None, "an integer, without quotes"
    return int(found), "an integer, without quotes and decimal point"


def _yes_no(guide: FieldGuide, value: Any, was: str) -> _Mended:
    plain = str(value).strip().lower()
    if plain in TRUE | FALSE:
        return plain in TRUE, "without quotes"
    return None, "true or false, without quotes"


_ALIASES: Mapping[str, str] = {
    "prod": "production",
    "live": "production",
    "release": "production",
    "test": "sandbox",
    "testing": "sandbox",
    "dev": "sandbox",
    "development": "sandbox",
    "staging": "sandbox",
    "debug": "sandbox",
    "xcode": "sandbox",
    "localtesting": "sandbox",
    "testflight": "sandbox",
    "true": "sandbox",
    "false": "production",
    "view": "impression",
    "iphone": "ios",
    "ipad": "ios",
    "iphoneos": "ios",
    "server": "s2s",
    "delete": "erasure",
    "deletion": "erasure",
    "gdpr_delete": "erasure",
    "delete_request": "erasure",
    "tap": "click",
    "trial": "trial_start",
    "started": "start",
    "renewed": "renewal",
    "recovered": "recovery",
    "expired": "expire",
    "canceled": "cancel",
    "cancelled": "cancel",
    "forget": "erasure",
}


def _choice(guide: FieldGuide, value: Any, was: str) -> _Mended:
    plain = str(value).strip().lower().replace(" ", "_").replace("-", "_")
    listed = f"one of {', '.join(guide.choices)}"
    plain = _ALIASES.get(plain, plain)
    near = difflib.get_close_matches(plain, guide.choices, n=1, cutoff=0.75)
    return (near[0] if near else None), listed


def _currency(guide: FieldGuide, value: Any, was: str) -> _Mended:
    plain = str(value).strip().upper()
    if plain in CURRENCIES:
        return plain, "ISO 4217, in capitals"
    found = currency_of_symbol(plain)
    return found or None, (
        "ISO 4217, three letters" if found else f"{value!r} is no currency of ISO 4217, as EUR is"
    )


def _country(guide: FieldGuide, value: Any, was: str) -> _Mended:
    return None, f"{as_json(value)}: two letters of ISO 3166-1, as DE is"


def _day(guide: FieldGuide, value: Any, was: str) -> _Mended:
    advice = "a day of the calendar, YYYY-MM-DD"
    if isinstance(value, int | float) or re.fullmatch(r"\d{10,}", str(value)):
        found, _ = milliseconds_of(value)
        return (_date(found) if found else None), advice
    text = str(value).strip()
    if match := re.match(r"(\d{4})[-/.]?(\d{1,2})[-/.]?(\d{1,2})(?:\D|$)", text):
        year, month, day = map(int, match.groups())
        return f"{year:04}-{month:02}-{day:02}", advice
    if match := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
        day, month, year = map(int, match.groups())
        return f"{year:04}-{month:02}-{day:02}", advice
    return None, f"{as_json(value)}: {advice}"


def _date(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()


def _list(guide: FieldGuide, value: Any, was: str) -> _Mended:
    example = '[{"identity_type": "customer_user_id", "identity_value": "player-88213"}]'
    if isinstance(value, dict):
        return [value], "a list"
    return None, f"a list with at least one, such as {example}"


def _object(guide: FieldGuide, value: Any, was: str) -> _Mended:
    if isinstance(value, str):
        try:
            return orjson.loads(value), "an object, not JSON in quotes"
        except orjson.JSONDecodeError:
            return None, "an object"
    return None, f"an object, or leave it out: {guide.fault(value)}"


def _text(guide: FieldGuide, value: Any, was: str) -> _Mended:
    if guide.name == "body" and isinstance(value, dict | list):
        return None, "the text exactly as Apple sent it, in quotes: its signature covers the bytes"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode(), "a text: JSON in quotes"
    if value == "":
        return None, "not an empty text"
    if isinstance(value, bool | int | float):
        return as_json(value).strip('"'), "a text, in quotes"
    if value is None:
        return None, "a text"
    return None, guide.fault(value) or "a text"


_BY_KIND: Mapping[FieldKind, Callable[[FieldGuide, Any, str], _Mended]] = {
    FieldKind.ID: _id,
    FieldKind.MILLISECONDS: _milliseconds,
    FieldKind.SECONDS: _seconds,
    FieldKind.MICROS: _micros,
    FieldKind.RATE: _rate,
    FieldKind.NUMBER: _number,
    FieldKind.YES_NO: _yes_no,
    FieldKind.CHOICE: _choice,
    FieldKind.CURRENCY: _currency,
    FieldKind.COUNTRY: _country,
    FieldKind.DAY: _day,
    FieldKind.LIST: _list,
    FieldKind.OBJECT: _object,
}
