"""What a message may look like and still be read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.decode import AHEAD_MS_MAX, MESSAGE_BYTES_MAX, Unreadable, decode
from schemas.events import InAppEvent, Install, Purchase, Refund, Touchpoint
from schemas.json_text import NESTING_MAX
from schemas.parts import MICROS_MAX

NOW = 1_767_268_800_000
EARLIEST = 1_262_304_000_000  # 2010-01-01

INSTALL: dict[str, Any] = {
    "type": "install",
    "schema_version": 1,
    "event_id": "e-1",
    "app_id": "com.example",
    "event_time": NOW,
    "install_id": "i-1",
}
IN_APP = {**INSTALL, "type": "in_app_event", "name": "level_up"}
PURCHASE = {
    **INSTALL,
    "type": "purchase",
    "transaction_id": "t-1",
    "amount_micros": 1_990_000,
    "currency": "EUR",
}
REFUND = {**PURCHASE, "type": "refund", "refund_id": "r-1", "amount_micros": -1_990_000}
TOUCH = {
    "type": "touchpoint",
    "schema_version": 1,
    "event_id": "e-1",
    "app_id": "com.example",
    "event_time": NOW,
    "touch_type": "click",
    "touch_id": "c-1",
    "media_source": "network",
}


def read(fields: dict[str, Any], topic: str = "installs") -> object:
    return decode(json.dumps(fields).encode(), topic, NOW, EARLIEST)


def test_an_install_reads_as_an_install() -> None:
    event = read(INSTALL)

    assert isinstance(event, Install)
    assert (event.install_id, event.event_time, event.source) == ("i-1", NOW, "sdk")


def test_unknown_fields_are_ignored_so_that_producers_may_go_ahead() -> None:
    assert read({**INSTALL, "a_field_of_next_year": {"deep": [1, {"er": None}]}}) == read(INSTALL)


@pytest.mark.parametrize("event_time", [EARLIEST, NOW, NOW + AHEAD_MS_MAX])
def test_the_bounds_of_time_belong_to_it(event_time: int) -> None:
    assert isinstance(read({**INSTALL, "event_time": event_time}), Install)


def test_a_message_of_exactly_one_mebibyte_is_read() -> None:
    raw = json.dumps(INSTALL).encode()

    assert isinstance(decode(raw.ljust(MESSAGE_BYTES_MAX), "installs", NOW, EARLIEST), Install)


def test_nesting_up_to_the_limit_is_read() -> None:
    def nested(depth: int) -> object:
        value: Any = "leaf"
        for _ in range(depth):
            value = [value]
        return read({**INSTALL, "extra": value})

    assert isinstance(nested(NESTING_MAX - 1), Install)
    assert isinstance(nested(NESTING_MAX), Unreadable)


@pytest.mark.parametrize(
    "text",
    [
        r"C:\\u0000 is a folder",  # an escaped backslash, then plain text
        r"a \\\\u0000 b",
        '{\\"k\\": 1, \\"k\\" : 2}',
        "https://example.com/a:b",
        "brackets " + "[{" * 50,
        "ünïcödé ✓ \\ud83d\\ude00",
    ],
)
def test_text_that_only_looks_like_trouble_is_read(text: str) -> None:
    raw = json.dumps(IN_APP)[:-1] + f', "value_json": "{text}"}}'

    event = decode(raw.encode(), "activity", NOW, EARLIEST)

    assert isinstance(event, InAppEvent)
    assert event.value_json == json.loads(f'"{text}"')


def test_a_key_may_return_in_another_object() -> None:
    raw = b'{"x":{"type":1},"y":[{"type":2},[{"type":3}]],' + json.dumps(INSTALL).encode()[1:]

    assert isinstance(decode(raw, "installs", NOW, EARLIEST), Install)


def test_money_is_read_to_the_micro() -> None:
    event = read({**PURCHASE, "amount_micros": MICROS_MAX}, "payments")

    assert isinstance(event, Purchase)
    assert event.amount_micros == 1_000_000_000_000_000


def test_nothing_was_paid_is_a_payment_too() -> None:
    assert isinstance(read({**PURCHASE, "amount_micros": 0}, "payments"), Purchase)


def test_an_account_alone_can_pay() -> None:
    fields = {**PURCHASE, "install_id": None, "customer_user_id": "player-1"}

    assert isinstance(read(fields, "payments"), Purchase)


def test_a_store_refund_needs_only_its_purchase() -> None:
    event = read({**REFUND, "install_id": None}, "payments")

    assert isinstance(event, Refund)
    assert (event.install_id, event.customer_user_id) == (None, None)


def test_a_reversed_refund_gives_the_money_again() -> None:
    event = read({**REFUND, "kind": "reversed", "amount_micros": 5}, "payments")

    assert isinstance(event, Refund)


def test_a_touchpoint_need_not_say_what_it_cost() -> None:
    event = read(TOUCH, "touchpoints")

    assert isinstance(event, Touchpoint)
    assert (event.cost_micros, event.cost_currency) == (None, None)


TEST_PAYLOAD: dict[str, Any] = {
    "attribution": True,
    "org_id": 1_234_567_890,
    "campaign_id": 1_234_567_890,
    "ad_group_id": 1_234_567_890,
    "keyword_id": 12_323_222,
    "country_or_region": "US",
    "conversion_type": "Download",
}


@pytest.mark.parametrize(
    ("changed", "environment"),
    [
        ({}, "sandbox"),
        ({"org_id": None}, "sandbox"),
        ({"keyword_id": 1_234_567_890, "ad_id": 1_234_567_890}, "sandbox"),
        ({"campaign_id": 542_370_539}, "production"),
        ({"org_id": None, "campaign_id": None, "ad_group_id": None}, "production"),
    ],
)
def test_an_install_with_apples_test_payload_is_a_test(
    changed: dict[str, Any], environment: str
) -> None:
    event = read({**INSTALL, "adservices": TEST_PAYLOAD | changed})
    assert isinstance(event, Install)
    assert event.environment == environment


def test_the_only_id_of_a_type_is_judged_as_well() -> None:
    rate = {**INSTALL, "type": "exchange_rate", "event_id": "null", "date": "2025-12-31"}
    rate |= {"base_currency": "EUR", "quote_currency": "USD", "rate_e9": 1_100_000_000}
    event = read(rate, "costs")
    assert isinstance(event, Unreadable)
    assert event.reason == "missing_id"


def test_a_placeholder_in_much_white_space_is_a_placeholder() -> None:
    event = read({**INSTALL, "install_id": "null" + " " * 300})
    assert isinstance(event, Unreadable)
    assert event.reason == "missing_id"
