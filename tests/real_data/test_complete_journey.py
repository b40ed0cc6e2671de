"""84.51° Complete Journey: campaigns, coupon redemptions whose campaign is known, purchases.

A household is a device and an account. A campaign start is a click of every household it went
to; a redemption is an install whose true campaign is known; a purchase line is a payment of the
household's account, and its row number is its id.
"""

from __future__ import annotations

import random

import pytest

from schemas.time import DAY_MS
from streams.replay.memory_log import MemoryRecord
from tests.real_data.real_histories import (
    Outcomes,
    event,
    folder,
    micros,
    milliseconds,
    records,
    replayed,
    rows,
)

WINDOW_DAYS = 90
REVENUE_CENTS = 23_393_524
NOON_MS = DAY_MS // 2
LAST_TOUCH_IS_TRUE = 1_805


@pytest.fixture(scope="module")
def history() -> list[MemoryRecord]:
    place = folder("completejourney")
    starts = {
        row["campaign_id"]: milliseconds(row["start_date"], "%Y-%m-%d")
        for row in rows(place / "campaign_descriptions.csv.gz")
    }
    clicks = [
        event(
            "touchpoint", f"click-{number:05}", starts[row["campaign_id"]], touch_type="click",
            touch_id=f"{row['campaign_id']}/{row['household_id']}", media_source="coupons",
            campaign_id=row["campaign_id"], gaid=row["household_id"],
        )
        for number, row in enumerate(rows(place / "campaigns.csv.gz"))
    ]  # fmt: skip
    redemptions = [
        event(
            "install", f"redemption-{number:05}",
            milliseconds(row["redemption_date"], "%Y-%m-%d") + NOON_MS,
            install_id=f"redemption-{number:05}", gaid=row["household_id"],
        )
        for number, row in enumerate(rows(place / "coupon_redemptions.csv.gz"))
    ]  # fmt: skip
    payments = [
        event(
            "purchase", f"line-{number:05}",
            milliseconds(row["transaction_timestamp"], "%Y-%m-%d %H:%M:%S"),
            transaction_id=f"line-{number:05}", customer_user_id=row["household_id"],
            amount_micros=micros(row["sales_value"]), currency="USD",
        )
        for number, row in enumerate(rows(place / "transactions_sample.csv.gz"))
    ]  # fmt: skip
    members = {payment["customer_user_id"]: payment["event_time"] for payment in payments}
    for payment in payments:
        household = payment["customer_user_id"]
        members[household] = min(members[household], payment["event_time"])
    households = [
        event("install", f"member-{household}", first, install_id=f"member-{household}",
              customer_user_id=household)
        for household, first in members.items()
    ]  # fmt: skip
    return [
        *records("touchpoints", clicks),
        *records("installs", [*redemptions, *households]),
        *records("payments", payments),
    ]


@pytest.fixture(scope="module")
def in_order(history: list[MemoryRecord]) -> Outcomes:
    return replayed(sorted(history, key=lambda record: record.timestamp), WINDOW_DAYS)


def test_every_cent_of_75000_purchase_lines_is_booked_once(in_order: Outcomes) -> None:
    assert len(in_order.bookings) == 75_000
    assert in_order.revenue_micros() == REVENUE_CENTS * 10_000


def test_nothing_is_left_waiting(in_order: Outcomes) -> None:
    assert in_order.fates[("touchpoints", "decided")] == 6_589
    assert in_order.fates[("installs", "decided")] == 2_102 + 2_377
    assert in_order.fates[("payments", "decided")] == 75_000


def test_redemptions_are_credited_to_the_last_campaign_that_a_scan_finds(
    in_order: Outcomes,
) -> None:
    """Naive oracle over the files; how often the last touch is the true campaign is a fact."""
    credited = {
        install_id: row.campaign_id
        for install_id, row in in_order.attributions.items()
        if install_id.startswith("redemption-")
    }
    expected, true = _last_campaigns()
    assert credited == expected
    hits = sum(credited[install_id] == campaign for install_id, campaign in true.items())
    assert (hits, len(true)) == (LAST_TOUCH_IS_TRUE, 2_102)


def test_unsorted_files_give_the_same_credit_and_the_same_money(
    history: list[MemoryRecord], in_order: Outcomes
) -> None:
    shuffled = history.copy()
    random.Random(7).shuffle(shuffled)
    found = replayed(shuffled, WINDOW_DAYS)
    assert found.revenue_micros() == in_order.revenue_micros()
    assert {one: row.touch_id for one, row in found.attributions.items()} == {
        one: row.touch_id for one, row in in_order.attributions.items()
    }


def _last_campaigns() -> tuple[dict[str, str], dict[str, str]]:
    """Per redemption: the last campaign its household got before it, and the true one."""
    place = folder("completejourney")
    starts = {
        row["campaign_id"]: milliseconds(row["start_date"], "%Y-%m-%d")
        for row in rows(place / "campaign_descriptions.csv.gz")
    }
    received: dict[str, list[tuple[int, str, str]]] = {}
    for number, row in enumerate(rows(place / "campaigns.csv.gz")):
        touch = (starts[row["campaign_id"]], f"click-{number:05}", row["campaign_id"])
        received.setdefault(row["household_id"], []).append(touch)
    expected, true = {}, {}
    for number, row in enumerate(rows(place / "coupon_redemptions.csv.gz")):
        at = milliseconds(row["redemption_date"], "%Y-%m-%d") + NOON_MS
        touches = [
            touch
            for touch in received.get(row["household_id"], [])
            if at - WINDOW_DAYS * DAY_MS <= touch[0] <= at
        ]
        expected[f"redemption-{number:05}"] = max(touches)[2] if touches else ""
        true[f"redemption-{number:05}"] = row["campaign_id"]
    return expected, true
