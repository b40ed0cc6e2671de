"""A verdict is intake's own, and its advice names what to change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decode import Unreadable, decode
from schemas.events import TOPIC_OF_TYPE, TYPES
from streams.operations.validation import EventVerdict, Judge, Submitted
from streams.operations.validation.input.malformed_text import read_leniently
from tests.worlds.example_events import example_of

NOW = 1_800_000_000_000
NAMES = [name for name, _ in TYPES]


def verdict_on(fields: dict[str, Any] | bytes, topic: str = "", now: int = NOW) -> EventVerdict:
    raw = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return Judge(0, ["house-id"]).judge(Submitted(1, raw, topic, now))[0]


def example(name: str, /, **changes: Any) -> dict[str, Any]:
    return {**example_of(name), **changes}


@pytest.mark.parametrize("name", NAMES)
def test_a_complete_example_is_fine(name: str) -> None:
    verdict = verdict_on(example(name))
    assert verdict.ok, verdict
    assert (verdict.type, verdict.topic) == (name, TOPIC_OF_TYPE[TYPES[name, 1]])
    assert verdict.reason == verdict.detail == verdict.advice == ""
    assert verdict.suggestion is None


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["", "null", "4.99", "€", "2026-01-31", "true", 4.99, 1_790_000_000, -1])
    | st.lists(st.integers(), max_size=2) | st.dictionaries(st.text(), st.integers(), max_size=2)
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_the_verdict_is_that_of_decode_and_advice_is_never_empty(
    name: str, data: st.DataObject
) -> None:
    fields = example(name)
    for _ in range(data.draw(st.integers(1, 3))):
        changed = data.draw(st.sampled_from(sorted(fields)))
        match data.draw(st.integers(0, 2)):
            case 0:
                fields.pop(changed)
            case 1:
                fields[changed] = data.draw(VALUES)
            case 2:
                fields[changed.title().replace("_", "")] = fields.pop(changed)
        if not fields:
            break
    raw = json.dumps(fields).encode()
    topic = TOPIC_OF_TYPE[TYPES[name, 1]]

    verdict = verdict_on(raw, topic)

    found = decode(raw, topic, NOW, 0)
    if isinstance(found, Unreadable):
        assert (verdict.ok, verdict.reason, verdict.detail) == (False, found.reason, found.detail)
        assert verdict.advice
    else:
        assert verdict.ok


def warned(fields: dict[str, Any], now: int = NOW) -> str:
    verdict = verdict_on(fields, now=now)
    assert verdict.ok, verdict
    return "\n".join(verdict.warnings)


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        (example("install", gaid="null"), "gaid 'null' is a placeholder"),
        (example("install", gaid="house-id"), "gaid 'house-id' is a placeholder"),
        (example("install", platform="iOS"), 'write "platform": "ios"'),
        (example("install", country_code="Germany"), "two letters"),
        (example("install", adId="x-1"), '"adId" is no field of install'),
        (example("purchase", environment="sandbox"), "sandbox"),
        (example("purchase", amount_micros=499), "if in cents 4990000"),
        (example("refund", kind="refund", amount_micros=-499), "if in cents -4990000"),
        (example("purchase", amount_micros=120, currency="JPY"), "120000000"),
        (example("purchase", amount_micros=4_990_000_000_000), "multiplied by a million twice"),
        (example("ad_revenue", amount_micros=12_600_000), "eCPM"),
        (example("subscription", kind="renewal", amount_micros=0), "has its price"),
        (example("subscription", kind="start", is_trial=True), "a trial counts nothing"),
        (example("purchase", receipt_status="pending"), "no revenue until it is valid"),
        (
            {k: v for k, v in example("purchase", test=True).items() if k != "environment"},
            'write "environment": "sandbox"',
        ),
        (example("purchase", isFamilyShare=True), "nobody paid for what a family shares"),
        (example("purchase", purchaseType=0), "a test of Google Play"),
        (example("subscription", cancel_reason="CUSTOMER_SUPPORT"), "publish a refund"),
        (example("purchase", user_id="u", customer_user_id=None), 'to "customer_user_id"'),
        (example("in_app_event", name="af_purchase"), "publish the type purchase"),
        (example("session", touchID="t-1", touch_id=None), 'rename "touchID" to "touch_id"'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_valid_but_not_meant_is_a_warning(fields: dict[str, Any], part: str) -> None:
    assert part in warned(fields)


def test_a_clock_that_is_ahead_is_a_warning() -> None:
    at = example("session")["event_time"]
    assert "2 hours ahead" in warned(example("session"), now=at - 7_200_000)
    assert "ahead" not in warned(example("session"), now=at)
    assert "over a year ago" in warned(example("session"), now=at + 400 * 86_400_000)


def test_an_install_without_evidence_is_a_warning() -> None:
    names = ("gaid", "idfa", "idfv", "oaid", "click_id", "install_referrer", "adservices")
    bare = {name: value for name, value in example("install").items() if name not in names}
    assert "can only be organic" in warned(bare)


@pytest.mark.parametrize(
    ("text", "fields", "fault"),
    [
        ("{'a': 'it\\'s'}", {"a": "it's"}, "double quotes"),
        ("{“a”: “b”}", {"a": "b"}, "straight quotes"),
        ('{"a": 1,}', {"a": 1}, "comma before"),
        ('{"a": [1, 2,],}', {"a": [1, 2]}, "comma before"),
        ("{a: 1, $b: true}", {"a": 1, "$b": True}, "put quotes around a"),
        ('{"a": 4,99}', {"a": 4.99}, "decimal point"),
        ('{"a": 007, "b": .5, "c": 1_000}', {"a": 7, "b": 0.5, "c": 1000}, "007 as 7"),
        ('{"a": -Infinity}', {"a": None}, "no -Infinity"),
        ('{"a": True, "b": None}', {"a": True, "b": None}, "no True"),
        ('{"a": 1 "b": 2}', {"a": 1, "b": 2}, "with commas"),
        ('{"a": 1} // note', {"a": 1}, "comments"),
        ('{"a": "x\ny"}', {"a": "x\ny"}, "line breaks"),
        ('{"a": {"b": 1', {"a": {"b": 1}}, "cut off"),
        ('{"a" = 1;}', {"a": 1}, "a colon"),
        ('"{\\"a\\": 1}"', {"a": 1}, "encoded twice"),
        ("a=1&b=2", None, "a form"),
        ("<a/>", None, "XML"),
        ("[1]", None, "one JSON object"),
        ('{"a": "say "hi" there"}', None, "a double quote is"),
    ],
)
def test_text_that_is_nearly_json_is_read_as_a_person_would(
    text: str, fields: dict[str, Any] | None, fault: str
) -> None:
    reading = read_leniently(text.encode())
    assert reading.fields == fields
    assert fault in "; ".join(reading.faults)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ('{"a": "Müller"}'.encode("latin-1"), "Latin-1"),
        (b'\xef\xbb\xbf{"a": 1}', "byte order mark"),
        (b"\x00\x00\x00\x00\x2a\x0cabc", "schema 42"),
        (b"\x1f\x8b\x08abc", "compression.type"),
        (b"eyJ0eXBlIjogInB1cmNoYXNlIn0=", "base64"),
        (b'{"a": 1}\0', "zero bytes"),
    ],
)
def test_bytes_that_are_no_text_are_named(raw: bytes, fault: str) -> None:
    assert fault in "; ".join(read_leniently(raw).faults)
    assert fault in verdict_on(raw).advice
