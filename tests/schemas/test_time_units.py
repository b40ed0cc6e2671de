"""A time in another unit is refused, and its producer is told which and what to send."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.decode import Defect, Unreadable
from schemas.events import Install, Session, Subscription
from tests.schemas.test_decode import EARLIEST, IN_APP, INSTALL, NOW, PURCHASE, TOUCH, read
from tests.schemas.test_decode_refusals import COST, PRIVACY

SUBSCRIPTION = {**PURCHASE, "type": "subscription", "kind": "start"}
S = NOW // 1_000


@pytest.mark.parametrize("value", [S, NOW * 1_000, NOW * 1_000_000])
@pytest.mark.parametrize(
    ("fields", "topic", "name"),
    [
        (INSTALL, "installs", "event_time"),
        (INSTALL, "installs", "sent_time"),
        (IN_APP, "activity", "event_time"),
        (PURCHASE, "payments", "event_time"),
        (TOUCH, "touchpoints", "event_time"),
        (COST, "costs", "event_time"),
        (PRIVACY, "privacy-requests", "submitted_time"),
        (SUBSCRIPTION, "payments", "period_start_time"),
        (SUBSCRIPTION, "payments", "period_end_time"),
    ],
)
def test_another_unit_is_named_with_what_to_send(
    fields: dict[str, Any], topic: str, name: str, value: int
) -> None:
    refused = read({**fields, name: value}, topic)

    assert isinstance(refused, Unreadable)
    unit = {S: "seconds", NOW * 1_000: "microseconds", NOW * 1_000_000: "nanoseconds"}[value]
    assert f"{name} {value} is in {unit}: send milliseconds since 1970, {S}" in refused.detail


@pytest.mark.parametrize("name", ["install_begin_time_s", "referrer_click_time_server_s"])
@pytest.mark.parametrize("value", [NOW, NOW * 1_000])
def test_seconds_that_are_given_in_a_smaller_unit_are_named(name: str, value: int) -> None:
    refused = read({**INSTALL, name: value})

    assert isinstance(refused, Unreadable)
    assert f"send seconds since 1970, {S}" in refused.detail


def test_apples_times_and_lookbacks_have_units_too() -> None:
    apple = read({**INSTALL, "adservices": {"attribution": True, "click_time": S}})
    lookback = read({**TOUCH, "click_lookback_s": 604_800_000}, "touchpoints")

    assert isinstance(apple, Unreadable)
    assert "click_time" in apple.detail
    assert isinstance(lookback, Unreadable)
    assert "send seconds, a week is 604800" in lookback.detail


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("2026-01-01T12:00:00Z", f"send milliseconds since 1970, {NOW}"),
        (str(NOW), "send a number without quotes"),
        (NOW + 0.5, f"send whole milliseconds, {NOW}"),
        (S + 0.25, "is in seconds"),
    ],
)
def test_a_time_that_is_no_whole_number_is_a_wrong_type_with_advice(
    value: object, advice: str
) -> None:
    refused = read({**INSTALL, "event_time": value})

    assert isinstance(refused, Unreadable)
    assert refused.reason is Defect.WRONG_TYPE
    assert advice in refused.detail


@pytest.mark.parametrize("time", [0, -3_600_000, 86_400_000, 1_430_000_000_000, 4_070_908_800_000])
def test_what_a_wrong_clock_says_is_read_of_a_device(time: int) -> None:
    assert isinstance(read({**INSTALL, "event_time": time}), Install)
    assert isinstance(
        read({**INSTALL, "type": "session", "session_id": "s", "event_time": time}, "activity"),
        Session,
    )


def test_a_period_without_end_costs_the_attribute_and_not_the_money() -> None:
    event = read({**SUBSCRIPTION, "period_end_time": 253_402_300_799_000}, "payments")

    assert isinstance(event, Subscription)
    assert event.period_end_time is None


def test_earliest_is_where_a_server_may_begin() -> None:
    assert isinstance(read({**INSTALL, "source": "s2s", "event_time": EARLIEST}), Install)


def test_a_time_beyond_what_can_be_stored_says_what_to_send() -> None:
    refused = read({**PRIVACY, "submitted_time": 2**53}, "privacy-requests")

    assert isinstance(refused, Unreadable)
    assert refused.reason is Defect.TIME_TOO_LATE
    assert "send milliseconds since 1970" in refused.detail


def test_a_store_time_that_is_none_costs_the_time_and_not_the_install() -> None:
    event = read({**INSTALL, "install_begin_time_s": 2**40})

    assert isinstance(event, Install)
    assert event.install_begin_time_s is None
