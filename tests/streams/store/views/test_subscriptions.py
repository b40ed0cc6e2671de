"""What subscriptions did per day."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.outcomes import Outcome
from streams.store.base import Store
from tests.worlds.stores.store_world import put
from tests.worlds.stores.subscription_steps import (
    PRICE,
    in_some_orders,
    refund,
    step,
    taken_back,
)

pytest.importorskip("chdb")


def google(transaction_id: str, happened: str, day: float, micros: int = 0, **changes: Any) -> Any:
    changes = {"original_transaction_id": ""} | changes
    return step(transaction_id, happened, day, micros, **changes)


MARKS = (
    "trials", "conversions", "starts", "renewals", "cancellations", "billing_failures", "churned",
)  # fmt: skip


def marks(store: Store) -> list[tuple[int, str, int]]:
    """(day, what happened, how often), of all days on which something did."""
    rows = store.query(
        "SELECT dateDiff('day', toDate('2026-01-01'), day) AS d, "
        + ", ".join(MARKS)
        + " FROM v_subscriptions_daily ORDER BY d, product_id, currency"
    ).rows
    return [
        (row[0], mark, count)
        for row in rows
        for mark, count in zip(MARKS, row[1:], strict=True)
        if count
    ]


def money(store: Store) -> list[tuple[Any, ...]]:
    return store.query(
        "SELECT dateDiff('day', toDate('2026-01-01'), day) AS d, product_id, currency,"
        " toFloat64(revenue), toFloat64(refunds), toFloat64(net_revenue)"
        " FROM v_subscriptions_daily WHERE revenue != 0 OR refunds != 0"
        " ORDER BY d, product_id, currency"
    ).rows


def test_a_trial_converts_renews_and_ends(store: Store) -> None:
    rows = [
        step("t1", "trial_start", 0),
        step("t2", "renewal", 7, PRICE),
        step("t3", "renewal", 37, PRICE),
        step("t4", "grace", 67),
        step("t4", "recovery", 70, PRICE),
        step("t4", "cancel", 80),
        step("t4", "expire", 97),
    ]
    for _ in in_some_orders(store, rows):
        assert marks(store) == [
            (0, "trials", 1),
            (7, "conversions", 1),
            (37, "renewals", 1),
            (67, "billing_failures", 1),
            (70, "renewals", 1),
            (80, "cancellations", 1),
            (97, "churned", 1),
        ]
        assert [row[3] for row in money(store)] == [5, 5, 5]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [step("t1", "start", 0, PRICE), step("t2", "renewal", 30, PRICE)],
            [(0, "starts", 1), (30, "renewals", 1)],
        ),
        # The trial and its payment are one transaction, and a paid trial is no start.
        (
            [step("t1", "trial_start", 0), step("t1", "renewal", 7, PRICE)],
            [(0, "trials", 1), (7, "conversions", 1)],
        ),
        (
            [step("t1", "start", 0, 990_000, is_trial=True), step("t2", "renewal", 7, PRICE)],
            [(0, "trials", 1), (7, "conversions", 1)],
        ),
        # Two payments of one moment: one of them is the first.
        (
            [step("t1", "start", 0, PRICE), step("t2", "product_change", 0, PRICE)],
            [(0, "starts", 1), (0, "renewals", 1)],
        ),
        # A step that does not say which subscription it belongs to, of a transaction that does.
        (
            [
                step("t0", "start", 0, PRICE, original_transaction_id="t0"),
                step("t5", "renewal", 30, PRICE, original_transaction_id="t0"),
                step("t5", "cancel", 31, original_transaction_id=""),
            ],
            [(0, "starts", 1), (30, "renewals", 1), (31, "cancellations", 1)],
        ),
        # The start was before anybody told Headwater.
        ([step("t7", "renewal", 0, PRICE)], [(0, "renewals", 1)]),
        # Stores tell of one end twice; who comes back may leave again.
        (
            [step("t1", "start", 0, PRICE), step("t1", "expire", 30), step("t2", "expire", 31)],
            [(0, "starts", 1), (30, "churned", 1)],
        ),
        (
            [
                step("t1", "start", 0, PRICE),
                step("t1", "expire", 30),
                step("t2", "start", 50, PRICE),
                step("t2", "expire", 80),
            ],
            [(0, "starts", 1), (30, "churned", 1), (50, "renewals", 1), (80, "churned", 1)],
        ),
        # Grace, then billing retry, is one failure; two subscriptions are two.
        (
            [step("t1", "grace", 0), step("t1", "billing_retry", 3), step("t1", "cancel", 4)],
            [(0, "billing_failures", 1), (4, "cancellations", 1)],
        ),
        # Nothing of a forged receipt counts, whatever was said before.
        (
            [
                step("t1", "trial_start", 0),
                step("t1", "trial_start", 1, receipt_status="invalid"),
                step("t1", "cancel", 2),
                step("t1", "expire", 7),
            ],
            [],
        ),
        (
            [
                step("t1", "trial_start", 0, receipt_status="invalid"),
                step("t1", "trial_start", 1, receipt_status="valid"),
            ],
            [(1, "trials", 1)],
        ),
        ([step("t1", "trial_start", 0, receipt_status="pending")], []),
        # The end of a subscription is no verdict on what was paid for it.
        (
            [step("t1", "start", 0, PRICE), step("t1", "expire", 9, receipt_status="invalid")],
            [(0, "starts", 1), (9, "churned", 1)],
        ),
        ([step("t1", "start", 0, PRICE, environment="sandbox")], []),
        ([step("t1", "purchase", 0, PRICE, kind="purchase")], []),
        # A client reports the purchase and a server the start, with one id: either may be paid.
        (
            [
                step("t1", "purchase", 0, PRICE, kind="purchase"),
                step("t1", "start", 0, 0, stated_micros=PRICE),
                step("t2", "renewal", 30, PRICE),
            ],
            [(0, "starts", 1), (30, "renewals", 1)],
        ),
        (
            [
                step("t1", "purchase", 0, 0, kind="purchase", stated_micros=PRICE),
                step("t1", "start", 0, PRICE),
            ],
            [(0, "starts", 1)],
        ),
        # Google numbers renewals after the first order, and names no original.
        (
            [
                google("GPA.1234-5678-9012-34567", "start", 0, PRICE),
                google("GPA.1234-5678-9012-34567..0", "renewal", 30, PRICE),
                google("GPA.1234-5678-9012-34567..1", "start", 60, PRICE),
                google("GPA.1234-5678-9012-34567..2", "expire", 90),
                google("GPA.9999-5678-9012-34567..0", "renewal", 90, PRICE),
            ],
            [
                (0, "starts", 1),
                (30, "renewals", 1),
                (60, "renewals", 1),
                (90, "renewals", 1),
                (90, "churned", 1),
            ],
        ),
        (
            [
                google("GPA.1234-5678-9012-34567", "trial_start", 0),
                google("GPA.1234-5678-9012-34567..0", "renewal", 7, PRICE),
            ],
            [(0, "trials", 1), (7, "conversions", 1)],
        ),
        (
            [
                google("GPA.1234-5678-9012-34567", "start", 0, PRICE),
                google(
                    "GPA.1234-5678-9012-34567..1",
                    "start",
                    60,
                    PRICE,
                    original_transaction_id="GPA.1234-5678-9012-34567..0",
                ),
            ],
            [(0, "starts", 1), (60, "renewals", 1)],
        ),
        (
            [google("my.order..0", "start", 0, PRICE), google("my.order", "start", 1, PRICE)],
            [(0, "starts", 1), (1, "starts", 1)],
        ),
    ],
)
def test_each_moment_of_a_subscription_counts_once(
    store: Store, rows: list[Outcome], expected: list[tuple[int, str, int]]
) -> None:
    for _ in in_some_orders(store, rows):
        assert marks(store) == expected


def test_money_counts_net_of_refunds_on_its_own_day_in_its_own_currency(store: Store) -> None:
    rows = [
        step("t1", "start", 0, PRICE, net_micros=3_500_000, is_net_known=True),
        refund("t1", 3, -PRICE, net_micros=-3_500_000, is_net_known=True),
        step("t2", "renewal", 30, PRICE, currency="EUR", original_transaction_id="t1"),
        refund("t2", 31, -1_000_000, currency="GBP"),
        refund("t2", 32, 0, booking_id="nothing left", currency=""),
        step("t3", "renewal", 30, 2_000_000, environment="sandbox"),
        refund("gems", 30, -1_000_000),  # of a purchase
    ]
    for _ in in_some_orders(store, rows):
        assert money(store) == [
            (0, "plus", "USD", 5, 0, 3.5),
            (3, "plus", "USD", -5, -5, -3.5),
            (30, "plus", "EUR", 5, 0, 5),
            (31, "plus", "GBP", -1, -1, -1),
        ]
        days = store.query("SELECT count() FROM v_subscriptions_daily").rows
        assert days == [(4,)]


def test_a_refund_of_a_restored_purchase_takes_from_the_subscription_that_it_restores(
    store: Store,
) -> None:
    rows = [
        step("t1", "start", 0, PRICE),
        refund("t9", 3, -PRICE, original_transaction_id="t1"),
    ]
    for _ in in_some_orders(store, rows):
        assert [row[:5] for row in money(store)] == [
            (0, "plus", "USD", 5, 0),
            (3, "plus", "USD", -5, -5),
        ]


def test_what_was_taken_back_is_as_if_it_had_never_been(store: Store) -> None:
    started = step("t1", "start", 0, PRICE)
    earlier = step("t1", "start", -2, PRICE, booking_id="again")
    for _ in in_some_orders(store, [started, taken_back(started), earlier]):
        assert marks(store) == [(-2, "starts", 1)]
        assert money(store) == [(-2, "plus", "USD", 5, 0, 5)]


def test_apps_do_not_share_subscriptions(store: Store) -> None:
    put(store, [step("t1", "trial_start", 0), step("t1", "start", 1, PRICE, app_id="farm",
                                                   booking_id="of farm")])  # fmt: skip
    assert marks(store) == [(0, "trials", 1), (1, "starts", 1)]
