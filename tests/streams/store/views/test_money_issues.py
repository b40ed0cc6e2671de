"""What the steps of a payment disagree about, and what does not count."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.outcomes import Outcome
from schemas.time import DAY_MS, HOUR_MS
from streams.store.base import Store
from tests.worlds.stores.subscription_steps import (
    PRICE,
    in_some_orders,
    refund,
    refund_that_waits,
    step,
    taken_back,
)
from tests.worlds.stores.traffic_outcomes import NOON

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
        # Periods under one id: begun at different times, or far apart where nobody says when.
        (
            [
                step("t1", "renewal", 0, PRICE, period_start_time=NOON),
                step("t1", "renewal", 30, 0, stated_micros=PRICE, booking_id="second",
                     period_start_time=NOON + 30 * DAY_MS),
            ],
            [("puzzle:t1", "periods_share_id", "renewal 2026-01-01, renewal 2026-01-31", 5, "USD")],
        ),
        (
            [
                step("t1", "start", 0, PRICE),
                step("t1", "renewal", 7, 0, stated_micros=PRICE),
                step("t1", "cancel", 20, 0, stated_micros=PRICE),
            ],
            [("puzzle:t1", "periods_share_id", "start 2026-01-01, renewal 2026-01-08", 5, "USD")],
        ),
        # One period, told of again: at once, or weeks later with the same begin.
        ([step("t1", "start", 0, PRICE), step("t1", "renewal", 2, 0, stated_micros=PRICE)], []),
        (
            [
                step("t1", "renewal", 0, PRICE, period_start_time=NOON),
                step("t1", "renewal", 30, 0, stated_micros=PRICE, booking_id="second",
                     period_start_time=NOON + HOUR_MS),
            ],
            [],
        ),
        (
            [
                step("t1", "start", 0, PRICE),
                step("t1", "renewal", 30, 0, stated_micros=PRICE, receipt_status="invalid"),
            ],
            [("puzzle:t1", "receipt_invalid", "another receipt is valid", 5, "USD")],
        ),
        # A trial with the price of the product, which nobody has paid.
        (
            [step("t1", "trial_start", 0, 0, stated_micros=PRICE)],
            [("puzzle:t1", "trial_with_price", "nothing counts", 5, "USD")],
        ),
        (
            [
                step("t1", "trial_start", 0, 0, stated_micros=9_000_000),
                step("t1", "renewal", 7, PRICE),
            ],
            [("puzzle:t1", "trial_with_price", "a payment counts", 5, "USD")],
        ),
        (
            [step("t1", "trial_start", 0), step("t1", "purchase", 0, PRICE, kind="purchase")],
            [("puzzle:t1", "trial_with_price", "a payment counts", 5, "USD")],
        ),
        ([step("t1", "trial_start", 0), step("t1", "renewal", 7, PRICE)], []),
        # A refund of a restored purchase takes from the original, and is compared with that.
        (
            [
                step("t1", "purchase", 0, PRICE, kind="purchase"),
                step("t9", "restored", 1, 0, kind="purchase", stated_micros=PRICE),
                refund("t9", 2, -PRICE, stated_micros=-PRICE, original_transaction_id="t1"),
            ],
            [("puzzle:t9", "restored", "restores t1", 5, "USD")],
        ),
        (
            [
                step("t1", "purchase", 0, PRICE, kind="purchase"),
                refund("t1", 1, -3_000_000, stated_micros=-3_000_000),
                refund("t9", 2, -2_000_000, stated_micros=-3_000_000, original_transaction_id="t1",
                       money_id="refund puzzle:t9:r1"),
            ],
            [("puzzle:t1", "refund_exceeds_purchase", "refunds of 6", 5, "USD")],
        ),
        # A purchase that stands for an original that nobody has seen paid.
        (
            [step("t9", "purchase", 0, PRICE, kind="purchase")],
            [("puzzle:t9", "restore_without_original",
              "names t1, which is not known as paid", 5, "USD")],
        ),
        ([step("t1", "purchase", 0, PRICE, kind="purchase")], []),
        ([step("t9", "renewal", 0, PRICE)], []),
        # Several refunds wait under one id: each of them is told.
        (
            [
                refund_that_waits("r1", "parked", -PRICE, "a"),
                refund_that_waits("r1", "parked", -3_000_000, "b"),
                refund_that_waits("r1", "expired", -3_000_000, "b"),
                refund_that_waits("r1", "parked", -1_000_000, "c"),
                refund_that_waits("r1", "released", -1_000_000, "c"),
            ],
            [
                ("r1", "refund_without_purchase", "expired", -3, "USD"),
                ("r1", "refund_without_purchase", "parked", -5, "USD"),
            ],
        ),
        ([step("t1", "start", 0, 0, environment="sandbox", receipt_status="invalid")], []),
    ],
)  # fmt: skip
def test_steps_that_disagree_are_reported_with_what_they_state(
    store: Store, rows: list[Outcome], expected: list[tuple[Any, ...]]
) -> None:
    for _ in in_some_orders(store, rows):
        assert issues(store) == expected


def test_an_issue_that_a_later_verdict_ended_is_another(store: Store) -> None:
    """The restored purchase counts again once its original turns out to be forged."""
    restored = step("t9", "restored", 0, 0, kind="purchase", stated_micros=PRICE)
    bought = step("t9", "purchase", 0, PRICE, kind="purchase", booking_id="again")
    for _ in in_some_orders(store, [restored, taken_back(restored), bought]):
        assert [issue[1] for issue in issues(store)] == ["restore_without_original"]
