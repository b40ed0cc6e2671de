"""Every kind of bad input, and exactly the reason it is set aside with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.decode import (
    AHEAD_MS_MAX,
    DETAIL_CHARS_MAX,
    MESSAGE_BYTES_MAX,
    Defect,
    Unreadable,
    decode,
)
from schemas.parts import TIME_MS_MAX
from tests.schemas.test_decode import EARLIEST, IN_APP, INSTALL, NOW, PURCHASE, REFUND, TOUCH

COST = {
    **{name: INSTALL[name] for name in ("schema_version", "event_id", "app_id", "event_time")},
    "type": "cost",
    "date": "2026-01-01",
    "media_source": "network",
    "amount_micros": 5,
    "currency": "EUR",
}
RATE = {
    **{name: INSTALL[name] for name in ("schema_version", "event_id", "event_time")},
    "type": "exchange_rate",
    "date": "2026-01-01",
    "base_currency": "EUR",
    "quote_currency": "USD",
    "rate_e9": 1_085_000_000,
}
DAY_AFTER_TOMORROW = datetime.fromtimestamp(NOW / 1000 + 2 * 86_400, UTC).date().isoformat()
PRIVACY = {
    **{name: INSTALL[name] for name in ("schema_version", "event_id", "app_id", "event_time")},
    "type": "privacy_request",
    "subject_request_id": "d-1",
    "request_type": "erasure",
    "identities": [{"identity_type": "gaid", "identity_value": "x"}],
    "submitted_time": NOW,
}
SERVED = {**INSTALL, "source": "s2s"}
TOPICS = {
    "install": "installs",
    "in_app_event": "activity",
    "purchase": "payments",
    "refund": "payments",
    "touchpoint": "touchpoints",
    "cost": "costs",
    "exchange_rate": "costs",
    "privacy_request": "privacy-requests",
}


def reason_of(raw: bytes | None, topic: str = "installs") -> Defect | None:
    """None: the message was read."""
    event = decode(raw, topic, NOW, EARLIEST)
    if not isinstance(event, Unreadable):
        return None
    assert event.detail
    assert len(event.detail) <= DETAIL_CHARS_MAX
    return event.reason


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def install_with(tail: str) -> bytes:
    """An install with more JSON text before its last brace."""
    return (json.dumps(INSTALL)[:-1] + tail + "}").encode()


def touch_with(**fields: object) -> dict[str, Any]:
    return {**TOUCH, **fields}


BYTES: list[tuple[str, bytes | None, Defect]] = [
    ("no value", None, Defect.EMPTY),
    ("empty value", b"", Defect.EMPTY),
    ("blank", b"  \n", Defect.MALFORMED_JSON),
    ("cut off", json.dumps(INSTALL).encode()[:-1], Defect.MALFORMED_JSON),
    ("two objects", json.dumps(INSTALL).encode() * 2, Defect.MALFORMED_JSON),
    ("single quotes", b"{'type': 'install'}", Defect.MALFORMED_JSON),
    ("trailing comma", install_with(","), Defect.MALFORMED_JSON),
    ("not a number", install_with(', "x": NaN'), Defect.MALFORMED_JSON),
    ("infinite", install_with(', "x": 1e999'), Defect.MALFORMED_JSON),
    ("half a surrogate pair", install_with(r', "x": "\ud800"'), Defect.MALFORMED_JSON),
    ("byte order mark", b"\xef\xbb\xbf" + json.dumps(INSTALL).encode(), Defect.MALFORMED_JSON),
    ("an array", b"[]", Defect.MALFORMED_JSON),
    ("a string", b'"install"', Defect.MALFORMED_JSON),
    ("null", b"null", Defect.MALFORMED_JSON),
    ("nested 500 deep", install_with(', "x": ' + "[" * 500 + "]" * 500), Defect.MALFORMED_JSON),
    ("nested too deep", install_with(', "x": ' + "[" * 9999 + "]" * 9999), Defect.MALFORMED_JSON),
    ("deep and doubled", install_with(', "x":' + '{"a":' * 990 + "1" + "}" * 990 + ', "x":1'),
     Defect.MALFORMED_JSON),
    ("one byte too many", json.dumps(INSTALL).encode().ljust(MESSAGE_BYTES_MAX + 1),
     Defect.TOO_LARGE),
    ("too large and broken", b"\xff" * (MESSAGE_BYTES_MAX + 1), Defect.TOO_LARGE),
    ("broken UTF-8 in a string", b'{"type": "\xc3("}', Defect.INVALID_UTF8),
    ("broken UTF-8 outside", b"\xff\xfe{}", Defect.INVALID_UTF8),
    ("overlong UTF-8", b'{"type": "\xc0\x80"}', Defect.INVALID_UTF8),
    ("latin-1", json.dumps(INSTALL)[:-1].encode() + b', "x": "M\xfcnchen"}', Defect.INVALID_UTF8),
    ("zero byte in a string", install_with(', "x": "a\0b"'), Defect.NULL_BYTE),
    ("zero byte at the end", json.dumps(INSTALL).encode() + b"\0", Defect.NULL_BYTE),
    ("UTF-16", json.dumps(INSTALL).encode("utf-16-le"), Defect.NULL_BYTE),
    ("escaped null", install_with(r', "x": "a\u0000b"'), Defect.NULL_BYTE),
    ("escaped null in a key", install_with(r', "a\u0000": 1'), Defect.NULL_BYTE),
    ("escaped null, nested", install_with(r', "x": [{"y": ["\u0000"]}]'), Defect.NULL_BYTE),
    ("escaped backslash, then null", install_with(r', "x": "\\\u0000"'), Defect.NULL_BYTE),
    ("same key, same value", install_with(', "install_id": "i-1"'), Defect.DUPLICATE_KEY),
    ("same key, other value", install_with(', "install_id": "i-2"'), Defect.DUPLICATE_KEY),
    ("same unknown key", install_with(', "x": 1, "x": 1'), Defect.DUPLICATE_KEY),
    ("same key, escaped", install_with(r', "install\u005fid": "i-2"'), Defect.DUPLICATE_KEY),
    ("same empty key", install_with(', "": 1, "": 2'), Defect.DUPLICATE_KEY),
    ("same key, nested", install_with(', "x": {"a": 1, "a": 2}'), Defect.DUPLICATE_KEY),
    ("same key, in lists", install_with(', "x": [[{"a": 1, "a": 2}]]'), Defect.DUPLICATE_KEY),
    ("hidden in what is dropped", install_with(', "x": {"a": 1, "a": 2}, "x": 1'),
     Defect.DUPLICATE_KEY),
    ("space before colon", install_with(', "x" : 1, "x":2'), Defect.DUPLICATE_KEY),
    ("tab and newline", install_with(', "x"\t\n: 1, "x"\r:2'), Defect.DUPLICATE_KEY),
    ('doubled beside text with ":', install_with(r', "x": "\":\":", "y": 1, "y": 2'),
     Defect.DUPLICATE_KEY),
    ("doubled beside a very long number", install_with(', "x": 1, "x": 0.' + "1" * 9999),
     Defect.DUPLICATE_KEY),
]  # fmt: skip

FIELDS: list[tuple[str, dict[str, Any], Defect]] = [
    ("no type", without(INSTALL, "type"), Defect.MISSING_FIELD),
    ("no version", without(INSTALL, "schema_version"), Defect.MISSING_FIELD),
    ("empty object", {}, Defect.MISSING_FIELD),
    ("type null", {**INSTALL, "type": None}, Defect.WRONG_TYPE),
    ("type a list", {**INSTALL, "type": ["install"]}, Defect.WRONG_TYPE),
    ("version a string", {**INSTALL, "schema_version": "1"}, Defect.WRONG_TYPE),
    ("version true", {**INSTALL, "schema_version": True}, Defect.WRONG_TYPE),
    ("version a float", {**INSTALL, "schema_version": 1.0}, Defect.WRONG_TYPE),
    ("unknown type", {**INSTALL, "type": "uninstall"}, Defect.UNKNOWN_TYPE),
    ("type in capitals", {**INSTALL, "type": "Install"}, Defect.UNKNOWN_TYPE),
    ("type very long", {**INSTALL, "type": "x" * 9999}, Defect.UNKNOWN_TYPE),
    ("version 0", {**INSTALL, "schema_version": 0}, Defect.UNKNOWN_VERSION),
    ("version 2", {**INSTALL, "schema_version": 2}, Defect.UNKNOWN_VERSION),
    ("unknown type and version", {**INSTALL, "type": "x", "schema_version": 9},
     Defect.UNKNOWN_TYPE),
    ("no install id", without(INSTALL, "install_id"), Defect.MISSING_ID),
    ("install id null", {**INSTALL, "install_id": None}, Defect.MISSING_ID),
    ("install id empty", {**INSTALL, "install_id": ""}, Defect.MISSING_ID),
    ("no event id", without(INSTALL, "event_id"), Defect.MISSING_ID),
    ("no app", without(INSTALL, "app_id"), Defect.MISSING_ID),
    ("an app with a space", {**INSTALL, "app_id": "my app"}, Defect.INVALID_VALUE),
    ("an app with a colon", {**INSTALL, "app_id": "my:app"}, Defect.INVALID_VALUE),
    ("no touch id", without(TOUCH, "touch_id"), Defect.MISSING_ID),
    ("no transaction id", without(PURCHASE, "transaction_id"), Defect.MISSING_ID),
    ("no refund id", without(REFUND, "refund_id"), Defect.MISSING_ID),
    ("nobody paid", without(PURCHASE, "install_id"), Defect.MISSING_ID),
    ("no request id", without(PRIVACY, "subject_request_id"), Defect.MISSING_ID),
    ("no time", without(INSTALL, "event_time"), Defect.MISSING_FIELD),
    ("no amount", without(PURCHASE, "amount_micros"), Defect.MISSING_FIELD),
    ("no currency", without(PURCHASE, "currency"), Defect.MISSING_FIELD),
    ("no name", without(IN_APP, "name"), Defect.MISSING_FIELD),
    ("no date", without(COST, "date"), Defect.MISSING_FIELD),
    ("nested field missing", {**INSTALL, "adservices": {}}, Defect.MISSING_FIELD),
    ("install id a number", {**INSTALL, "install_id": 7}, Defect.WRONG_TYPE),
    ("time a string", {**INSTALL, "event_time": "2026-01-01"}, Defect.WRONG_TYPE),
    ("time a float", {**INSTALL, "event_time": 1.5e12}, Defect.WRONG_TYPE),
    ("time true", {**INSTALL, "event_time": True}, Defect.WRONG_TYPE),
    ("flag a number", {**INSTALL, "is_reinstall": 1}, Defect.WRONG_TYPE),
    ("consent a string", {**INSTALL, "consent": "yes"}, Defect.WRONG_TYPE),
    ("nested flag a string", {**INSTALL, "consent": {"ad_storage": "y"}}, Defect.WRONG_TYPE),
    ("amount null", {**PURCHASE, "amount_micros": None}, Defect.WRONG_TYPE),
    ("currency a number", {**PURCHASE, "currency": 978}, Defect.WRONG_TYPE),
    ("identities an object", {**PRIVACY, "identities": {}}, Defect.WRONG_TYPE),
    ("unknown touch type", touch_with(touch_type="view"), Defect.INVALID_VALUE),
    ("unknown environment", {**INSTALL, "environment": "test"}, Defect.INVALID_VALUE),
    ("a quoting value", {**INSTALL, "environment": "missing required field `event_id`"},
     Defect.INVALID_VALUE),
    ("a long wrong value", {**INSTALL, "environment": "x" * 9999}, Defect.INVALID_VALUE),
    ("att_status out of range", {**INSTALL, "att_status": 4}, Defect.INVALID_VALUE),
    ("id too long", {**INSTALL, "install_id": "x" * 257}, Defect.INVALID_VALUE),
    ("country of spend", {**COST, "country_code": "DEU"}, Defect.INVALID_VALUE),
    ("month 13", {**COST, "date": "2026-13-01"}, Defect.INVALID_VALUE),
    ("31 February", {**COST, "date": "2026-02-31"}, Defect.INVALID_VALUE),
    ("29 February of no leap year", {**RATE, "date": "2026-02-29"}, Defect.INVALID_VALUE),
    ("spend in 1969", {**COST, "date": "1969-12-31"}, Defect.TIME_TOO_EARLY),
    ("spend the day after tomorrow", {**COST, "date": DAY_AFTER_TOMORROW}, Defect.TIME_TOO_LATE),
    ("a rate from the future", {**RATE, "date": "9999-12-31"}, Defect.TIME_TOO_LATE),
    ("a rate of nothing", {**RATE, "rate_e9": 0}, Defect.INVALID_VALUE),
    ("a negative rate", {**RATE, "rate_e9": -1}, Defect.INVALID_VALUE),
    ("a rate beyond 2^53", {**RATE, "rate_e9": 2**53 + 1}, Defect.INVALID_VALUE),
    ("a rate as a float", {**RATE, "rate_e9": 1.085}, Defect.NON_INTEGER_AMOUNT),
    ("a rate as text", {**RATE, "rate_e9": "1.085"}, Defect.NON_INTEGER_AMOUNT),
    ("a currency in itself", {**RATE, "quote_currency": "EUR"}, Defect.INVALID_VALUE),
    ("a rate of no currency", {**RATE, "base_currency": "ZZZ"}, Defect.UNKNOWN_CURRENCY),
    ("a rate in no currency", {**RATE, "quote_currency": "usd"}, Defect.UNKNOWN_CURRENCY),
    ("no identities", {**PRIVACY, "identities": []}, Defect.INVALID_VALUE),
    ("amount beyond 10^15", {**PURCHASE, "amount_micros": 10**15 + 1}, Defect.AMOUNT_TOO_LARGE),
    ("amount beyond 2^63", {**PURCHASE, "amount_micros": 2**63}, Defect.AMOUNT_TOO_LARGE),
    ("refund beyond -10^15", {**REFUND, "amount_micros": -(10**15) - 1}, Defect.AMOUNT_TOO_LARGE),
    ("a fee beyond 10^15", {**PURCHASE, "store_fee_micros": 10**16}, Defect.AMOUNT_TOO_LARGE),
    ("spend beyond 10^15", {**COST, "amount_micros": 10**18}, Defect.AMOUNT_TOO_LARGE),
    ("touch cost beyond 10^15", touch_with(cost_micros=2**62, cost_currency="EUR"),
     Defect.AMOUNT_TOO_LARGE),
    ("too early", {**SERVED, "event_time": EARLIEST - 1}, Defect.TIME_TOO_EARLY),
    ("epoch", {**SERVED, "event_time": 0}, Defect.TIME_TOO_EARLY),
    ("spend at the epoch", {**COST, "event_time": 0}, Defect.TIME_TOO_EARLY),
    ("in seconds", {**INSTALL, "event_time": NOW // 1000}, Defect.TIME_TOO_EARLY),
    ("before 1970", {**SERVED, "event_time": -1}, Defect.TIME_TOO_EARLY),
    ("no clock says 1969", {**INSTALL, "event_time": -86_400_001}, Defect.TIME_TOO_EARLY),
    ("too late", {**SERVED, "event_time": NOW + AHEAD_MS_MAX + 1}, Defect.TIME_TOO_LATE),
    ("spend of next week", {**COST, "event_time": NOW + 7 * AHEAD_MS_MAX}, Defect.TIME_TOO_LATE),
    ("no clock says 2300", {**INSTALL, "event_time": TIME_MS_MAX + 1}, Defect.TIME_TOO_LATE),
    ("in microseconds", {**INSTALL, "event_time": NOW * 1_000}, Defect.TIME_TOO_LATE),
    ("in nanoseconds", {**INSTALL, "event_time": NOW * 1_000_000}, Defect.TIME_TOO_LATE),
    ("negative payment", {**PURCHASE, "amount_micros": -1}, Defect.NEGATIVE_AMOUNT),
    ("negative net", {**PURCHASE, "net_micros": -1}, Defect.NEGATIVE_AMOUNT),
    ("negative fee", {**PURCHASE, "store_fee_micros": -1}, Defect.NEGATIVE_AMOUNT),
    ("negative tax", {**PURCHASE, "tax_micros": -1}, Defect.NEGATIVE_AMOUNT),
    ("negative spend", {**COST, "amount_micros": -1}, Defect.NEGATIVE_AMOUNT),
    ("negative touch cost", touch_with(cost_micros=-1, cost_currency="EUR"),
     Defect.NEGATIVE_AMOUNT),
    ("negative reversal", {**REFUND, "kind": "reversed"}, Defect.NEGATIVE_AMOUNT),
    ("positive refund", {**REFUND, "amount_micros": 1}, Defect.POSITIVE_REFUND),
    ("positive chargeback", {**REFUND, "kind": "chargeback", "amount_micros": 1},
     Defect.POSITIVE_REFUND),
    ("fractional micros", {**PURCHASE, "amount_micros": 1.5}, Defect.NON_INTEGER_AMOUNT),
    ("whole, but a float", {**PURCHASE, "amount_micros": 1.0}, Defect.NON_INTEGER_AMOUNT),
    ("micros as text", {**PURCHASE, "amount_micros": "199"}, Defect.NON_INTEGER_AMOUNT),
    ("fractional fee", {**PURCHASE, "store_fee_micros": 0.5}, Defect.NON_INTEGER_AMOUNT),
    ("micros beyond 64 bits", {**PURCHASE, "amount_micros": 10**30}, Defect.NON_INTEGER_AMOUNT),
    ("fractional touch cost", touch_with(cost_micros=0.1), Defect.NON_INTEGER_AMOUNT),
    ("unknown currency", {**PURCHASE, "currency": "XXX"}, Defect.UNKNOWN_CURRENCY),
    ("currency in small letters", {**PURCHASE, "currency": "eur"}, Defect.UNKNOWN_CURRENCY),
    ("currency sign", {**PURCHASE, "currency": "€"}, Defect.UNKNOWN_CURRENCY),
    ("currency empty", {**PURCHASE, "currency": ""}, Defect.UNKNOWN_CURRENCY),
    ("refund in no currency", {**REFUND, "currency": "ZZZ"}, Defect.UNKNOWN_CURRENCY),
    ("withdrawn currency", {**PURCHASE, "currency": "HRK"}, Defect.UNKNOWN_CURRENCY),
    ("rate of a withdrawn currency", {**RATE, "base_currency": "BYR"}, Defect.UNKNOWN_CURRENCY),
    ("spend in no currency", {**COST, "currency": "ZZZ"}, Defect.UNKNOWN_CURRENCY),
    ("touch cost without currency", touch_with(cost_micros=1), Defect.UNKNOWN_CURRENCY),
    ("currency without touch cost", touch_with(cost_currency="ZZZ"), Defect.UNKNOWN_CURRENCY),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "reason"), [pytest.param(*row[1:], id=row[0]) for row in BYTES])
def test_bytes_that_are_no_event_are_set_aside(raw: bytes | None, reason: Defect) -> None:
    assert reason_of(raw) is reason


@pytest.mark.parametrize(
    ("fields", "reason"), [pytest.param(*row[1:], id=row[0]) for row in FIELDS]
)
def test_events_that_cannot_be_true_are_set_aside(fields: dict[str, Any], reason: Defect) -> None:
    tag = fields.get("type")
    topic = TOPICS.get(tag if isinstance(tag, str) else "", "installs")

    assert reason_of(json.dumps(fields).encode(), topic) is reason


def test_an_event_on_the_topic_of_another_is_set_aside() -> None:
    assert reason_of(json.dumps(INSTALL).encode(), "touchpoints") is Defect.WRONG_TOPIC


@pytest.mark.parametrize("fields", [INSTALL, IN_APP, PURCHASE, REFUND, TOUCH, COST, RATE, PRIVACY])
def test_what_the_table_starts_from_is_read(fields: dict[str, Any]) -> None:
    assert reason_of(json.dumps(fields).encode(), TOPICS[fields["type"]]) is None


def test_every_reason_has_a_case() -> None:
    shown = {row[2] for row in BYTES} | {row[2] for row in FIELDS} | {Defect.WRONG_TOPIC}

    assert shown == set(Defect)
