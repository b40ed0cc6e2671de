"""Withdrawn currencies are money up to their last day and a grace, and no longer."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.currencies import CURRENCIES, GRACE, HISTORIC
from schemas.decode import Defect, Unreadable, decode
from schemas.parts import MICROS_MAX
from schemas.time import DAY_MS
from tests.schemas.test_decode import PURCHASE, REFUND, TOUCH
from tests.schemas.test_decode_refusals import COST, RATE

NOW = 1_900_000_000_000
DAYS = st.dates(date(2008, 7, 10), date(2029, 12, 31))


def read(fields: dict[str, Any], topic: str) -> object:
    return decode(json.dumps(fields).encode(), topic, NOW, 0)


def at(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_MS + DAY_MS // 2


def test_a_withdrawn_currency_has_an_accepted_successor() -> None:
    assert not CURRENCIES & HISTORIC.keys()
    assert {successor for _, successor in HISTORIC.values()} <= CURRENCIES


@pytest.mark.parametrize(
    ("code", "last"),
    [("HRK", "2023-01-31"), ("LTL", "2014-12-31"), ("MRO", "2017-12-31"), ("ZWL", "2024-09-30")],
)
def test_the_last_day_is_the_end_of_the_month_of_iso_4217(code: str, last: str) -> None:
    assert HISTORIC[code][0].isoformat() == last


@given(st.sampled_from(sorted(HISTORIC)), DAYS)
def test_every_kind_of_money_is_accepted_by_its_day(code: str, day: date) -> None:
    last, successor = HISTORIC[code]
    later = {"event_time": NOW}  # what reports say about a day may be stated years later
    found = [
        read({**PURCHASE, "event_time": at(day), "currency": code}, "payments"),
        read({**REFUND, "event_time": at(day), "currency": code}, "payments"),
        read(
            {**TOUCH, "event_time": at(day), "cost_micros": 1, "cost_currency": code},
            "touchpoints",
        ),
        read({**COST, **later, "date": day.isoformat(), "currency": code}, "costs"),
        read(
            {**RATE, **later, "date": day.isoformat(), "base_currency": code,
             "quote_currency": "USD"},
            "costs",
        ),
    ]  # fmt: skip
    refused = [event for event in found if isinstance(event, Unreadable)]
    if day <= last + GRACE:
        assert refused == []
    else:
        advice = f"currency {code!r} was withdrawn on {last}: send {successor}"
        assert refused == [Unreadable(Defect.UNKNOWN_CURRENCY, advice)] * 5


@given(st.sampled_from(sorted(HISTORIC)))
def test_the_grace_ends_after_its_last_day(code: str) -> None:
    end = HISTORIC[code][0] + GRACE
    for day, is_accepted in ((end, True), (end + timedelta(days=1), False)):
        event = read({**PURCHASE, "event_time": at(day), "currency": code}, "payments")
        assert isinstance(event, Unreadable) is not is_accepted


@given(st.integers(-(2**63), 2**64 - 1))
def test_every_whole_amount_is_read_exactly_or_refused_for_its_size_or_sign(micros: int) -> None:
    event = read({**PURCHASE, "amount_micros": micros}, "payments")
    if isinstance(event, Unreadable):
        expected = Defect.NEGATIVE_AMOUNT if micros >= -MICROS_MAX else Defect.AMOUNT_TOO_LARGE
        assert event.reason is (Defect.AMOUNT_TOO_LARGE if micros > MICROS_MAX else expected)
        assert micros < 0 or micros > MICROS_MAX
    else:
        assert getattr(event, "amount_micros") == micros  # noqa: B009 - of a union
        assert 0 <= micros <= MICROS_MAX
