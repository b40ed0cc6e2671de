"""What the steps of a payment disagree about, and what does not count."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.outcomes import Outcome
from streams.store.base import Store
from tests.worlds.stores.subscription_steps import (
    PRICE,
    in_some_orders,
    refund,
    step,
    taken_back,
)

pytest.importorskip("chdb")


def issues(store: Store) -> list[tuple[Any, ...]]:
    return store.query(
        "SELECT money_id, reason, detail, toFloat64(amount), currency FROM v_money_issues"
        " WHERE reason != 'no_rate' ORDER BY ALL"
    ).rows


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # The charge counts; another step that pays states another amount, or another currency.
        (
            [
                step("t1", "start", 0, PRICE),
                step("t1", "renewal", 1, 0, stated_micros=7_000_000),
            ],
            [("puzzle:t1", "conflicting_amount", "5 USD, 7 USD", 5, "USD")],
        ),
        (
            [
                step("t1", "start", 0, PRICE),
                step("t1", "start", 1, 0, booking_id="b", stated_micros=PRICE, currency="EUR"),
            ],
            [("puzzle:t1", "conflicting_amount", "5 EUR, 5 USD", 5, "USD")],
        ),
        # No amount and a silent step's price contradict nobody.
        (
            [
                step("t1", "start", 0, PRICE),
                step("t1", "renewal", 1),
                step("t1", "cancel", 2, 0, stated_micros=9_000_000),
            ],
            [],
        ),
        # A forged step is reported as such, not as a conflict.
        (
            [
                step("t1", "start", 0, PRICE, receipt_status="valid"),
                step("t1", "start", -1, 0, stated_micros=9_000_000, receipt_status="invalid"),
            ],
            [("puzzle:t1", "receipt_invalid", "another receipt is valid", 9, "USD")],
        ),
        (
            [step("t1", "start", 0, 0, stated_micros=PRICE, receipt_status="invalid")],
            [("puzzle:t1", "receipt_invalid", "nothing counts", 5, "USD")],
        ),
        # A refund of what never counted exceeds nothing.
        (
            [
                step("t1", "start", 0, 0, stated_micros=PRICE, receipt_status="invalid"),
                refund("t1", 1, 0, stated_micros=-PRICE),
            ],
            [("puzzle:t1", "receipt_invalid", "nothing counts", 5, "USD")],
        ),
        (
            [
                step("t1", "start", 0, 0, stated_micros=PRICE, receipt_status="pending"),
                refund("t1", 1, 0, stated_micros=-PRICE),
            ],
            [],
        ),
        # The receipt of an end is none of a payment, and hides nothing.
        (
            [
                step("t1", "start", 0, PRICE),
                step("t1", "expire", 1, receipt_status="invalid"),
                refund("t1", 2, -PRICE, stated_micros=-9_000_000),
            ],
            [("puzzle:t1", "refund_exceeds_purchase", "refunds of 9", 5, "USD")],
        ),
        # What was reversed is not taken.
        (
            [
                step("t1", "start", 0, PRICE),
                refund("t1", 1, -PRICE, stated_micros=-PRICE),
                refund("t1", 2, PRICE, stated_micros=PRICE, step="reversed", booking_id="back"),
                refund("t1", 3, -PRICE, stated_micros=-PRICE, booking_id="second",
                       money_id="refund puzzle:t1:r2"),
            ],
            [],
        ),
        (
            [
                refund("t1", 1, -PRICE, stated_micros=-PRICE),
                refund("t1", 1, 0, step="chargeback", booking_id="c", stated_micros=-3_000_000),
            ],
            [("refund puzzle:t1:r1", "conflicting_amount", "-5 USD, -3 USD", -5, "USD")],
        ),
        (
            [step("t9", "restored", 0, 0, kind="purchase", stated_micros=PRICE)],
            [("puzzle:t9", "restored", "restores t1", 5, "USD")],
        ),
        ([step("t9", "restored", 0, 0, environment="sandbox", stated_micros=PRICE)], []),
        ([step("t1", "start", 0, 0, environment="sandbox", receipt_status="invalid")], []),
    ],
)  # fmt: skip
def test_steps_that_disagree_are_reported_with_what_they_state(
    store: Store, rows: list[Outcome], expected: list[tuple[Any, ...]]
) -> None:
    for _ in in_some_orders(store, rows):
        assert issues(store) == expected


def test_an_issue_that_a_later_verdict_ended_is_none(store: Store) -> None:
    """The restored purchase counts again once its original turns out to be forged."""
    restored = step("t9", "restored", 0, 0, kind="purchase", stated_micros=PRICE)
    bought = step("t9", "purchase", 0, PRICE, kind="purchase", booking_id="again")
    for _ in in_some_orders(store, [restored, taken_back(restored), bought]):
        assert issues(store) == []
