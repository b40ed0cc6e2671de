"""Costs, exchange rates, and what can be wrong with money."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from schemas.outcomes import Outcome
from schemas.time import DAY_MS
from streams.store.base import Store
from tests.worlds.stores.store_world import empty, put
from tests.worlds.stores.traffic_outcomes import NOON, booking, decision, parked, rate, spend

pytest.importorskip("chdb")


def costs(store: Store) -> list[tuple[Any, ...]]:
    return store.query(
        "SELECT spend_id, amount, currency FROM v_spend WHERE spend_id != 'other' ORDER BY 1"
    ).rows


def in_every_order(store: Store, rows: Sequence[Outcome]) -> Iterator[None]:
    """Store the rows in every order, one after the other; of many orders in some."""
    orders = list(itertools.permutations(rows))
    for order in random.Random(0).sample(orders, min(len(orders), 8)):
        put(store, order)
        yield
        empty(store)


def test_the_highest_revision_of_a_cost_counts_in_whatever_order_they_come(
    store: Store,
) -> None:
    rows = [
        spend("s1", 2_000_000, revision=0),
        spend("s1", 9_000_000, revision=1),
        spend("s1", 4_000_000, revision=2, currency="USD", event_id="last"),
    ]
    for _ in in_every_order(store, rows):
        assert costs(store) == [("s1", 4, "USD")]


def test_a_later_revision_of_nothing_takes_a_cost_back(store: Store) -> None:
    for _ in in_every_order(store, [spend("s1", revision=1), spend("s1", 0, revision=2)]):
        assert costs(store) == [("s1", 0, "EUR")]
        (row,) = store.query("SELECT cost, cost_usd, roas, roas_usd FROM v_campaign_daily").rows
        assert row == (0, 0, None, None)


def test_of_equal_revisions_the_one_reported_later_counts_and_then_the_higher_id(
    store: Store,
) -> None:
    rows = [
        spend("s1", 1_000_000, event_id="c", event_time=NOON),
        spend("s1", 2_000_000, event_id="a", event_time=NOON + 1),
        spend("s1", 3_000_000, event_id="b", event_time=NOON + 1),
    ]
    for _ in in_every_order(store, rows):
        assert costs(store) == [("s1", 3, "EUR")]


def dollars(store: Store, *days: str, currency: str = "EUR") -> list[Any]:
    """Cost of 10 units on each day in dollars, and the day of the rate."""
    put(store, [spend(day, 10_000_000, date=day, currency=currency) for day in days])
    found = store.query("SELECT amount_usd, rate_date, unconverted FROM v_spend ORDER BY day").rows
    store.execute("TRUNCATE TABLE spend")
    return found


def test_the_latest_rate_at_or_before_the_day_counts(store: Store) -> None:
    put(
        store,
        [
            rate(rate_e9=1_200_000_000, date="2026-01-05"),
            rate(rate_e9=1_100_000_000, date="2026-01-02"),
        ],
    )
    assert dollars(store, "2026-01-01", "2026-01-02", "2026-01-04", "2026-01-05", "2027-01-01") == [
        (None, None, "no_rate"),
        (11, "2026-01-02", ""),
        (11, "2026-01-02", ""),
        (12, "2026-01-05", ""),
        (12, "2026-01-05", ""),
    ]


def test_a_restated_rate_replaces_in_whatever_order_they_come(store: Store) -> None:
    rows = [
        rate(rate_e9=1_100_000_000, revision=0),
        rate(rate_e9=1_300_000_000, revision=2),
        rate(rate_e9=1_200_000_000, revision=1, event_time=NOON + 9),
    ]
    for _ in in_every_order(store, rows):
        assert dollars(store, "2026-01-03") == [(13, "2026-01-01", "")]


def test_dollars_need_no_rate(store: Store) -> None:
    assert dollars(store, "2026-01-03", currency="USD") == [(10, "2026-01-03", "")]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ([rate("JPY", "USD", 10_000_000)], 0.1),
        ([rate("USD", "JPY", 100_000_000_000)], 0.1),
        ([rate("USD", "JPY", 100_000_000_000), rate("JPY", "USD", 20_000_000)], 0.2),
        ([rate("EUR", "USD", 2_000_000_000), rate("EUR", "JPY", 100_000_000_000)], 0.2),
        ([rate("USD", "PLN", 4_000_000_000), rate("JPY", "PLN", 20_000_000)], 0.05),
        ([rate("EUR", "USD", date="2026-01-02"), rate("EUR", "JPY", 10**11)], None),
        ([rate("EUR", "JPY", 10**11)], None),
    ],
    ids=["to the dollar", "from the dollar", "both", "from a third currency",
         "to a third currency", "on different days", "without the dollar"],
)  # fmt: skip
def test_dollars_are_found_by_any_stated_way(
    store: Store, stated: list[Outcome], expected: float | None
) -> None:
    put(store, stated)
    ((usd, _, unconverted),) = dollars(store, "2026-01-03", currency="JPY")
    assert usd == expected
    assert unconverted == ("" if expected else "no_rate")


def test_a_converted_amount_is_exact_and_rounded_once_away_from_zero(
    store: Store,
) -> None:
    put(
        store,
        [
            rate("USD", "JPY", 3_000_000_000),
            rate("EUR", "USD", 1_500_000_000),
            booking("third", micros=2_000_000, currency="JPY"),
            booking("half", micros=1, currency="EUR"),
            booking("back", micros=-1, currency="EUR", kind="refund"),
            booking("most", micros=2**62, currency="EUR"),
        ],
    )
    found = store.query("SELECT booking_id, toString(usd_micros) FROM v_bookings ORDER BY 1")
    assert found.rows == [
        ("back", "-2"),
        ("half", "2"),
        ("most", str(2**62 + 2**61)),
        ("third", "666667"),
    ]


def test_money_without_a_rate_is_shown_and_counted_but_in_no_sum_of_dollars(
    store: Store,
) -> None:
    put(
        store,
        [
            decision("i1"),
            booking("m1", micros=5_000_000, currency="USD"),
            booking("m2", micros=7_000_000, currency="SEK"),
            spend("s1", 2_000_000, currency="USD"),
            spend("s2", 3_000_000, currency="SEK"),
        ],
    )
    found = store.query(
        "SELECT currency, revenue, cost, revenue_usd, cost_usd, unconverted, unconverted_revenue,"
        " unconverted_cost, roas, roas_usd FROM v_campaign_daily ORDER BY 1"
    )
    assert found.rows == [
        ("SEK", 7, 3, 0, 0, 2, 7, 3, 7 / 3, None),
        ("USD", 5, 2, 5, 2, 0, 0, 0, 2.5, None),
    ]
    revenue = store.query("SELECT money_id, amount_usd, unconverted FROM v_revenue ORDER BY 1")
    assert revenue.rows == [("m1", 5, ""), ("m2", None, "no_rate")]


def test_roas_in_dollars_is_that_of_all_currencies_together(store: Store) -> None:
    put(
        store,
        [
            rate("EUR", "USD", 2_000_000_000),
            decision("i1"),
            booking("m1", micros=5_000_000, currency="USD"),
            booking("m2", micros=5_000_000, currency="EUR"),
            spend("s1", 10_000_000, currency="USD"),
        ],
    )
    found = store.query("SELECT currency, roas, roas_usd FROM v_campaign_daily ORDER BY 1")
    assert found.rows == [("EUR", None, None), ("USD", 0.5, 1.5)]


def issues(store: Store) -> list[tuple[Any, ...]]:
    return store.query("SELECT money_id, reason, detail FROM v_money_issues ORDER BY ALL").rows


def sale(money_id: str, micros: int, currency: str = "USD", **changes: Any) -> Outcome:
    return booking(
        f"puzzle:{money_id}", micros=micros, currency=currency, transaction_id=money_id, **changes
    )


def refund(transaction_id: str, number: int, micros: int, currency: str = "USD") -> Outcome:
    return booking(
        f"refund puzzle:{transaction_id}:{number}",
        micros=micros,
        currency=currency,
        kind="refund",
        transaction_id=transaction_id,
        event_time=NOON + 2 * DAY_MS,
    )


def test_sound_money_is_no_issue(store: Store) -> None:
    put(
        store,
        [
            sale("t1", 5_000_000),
            refund("t1", 1, -5_000_000),
            refund("t1", 2, 5_000_000),  # taken back,
            refund("t1", 3, -5_000_000),  # and given again
            sale("t2", 5_000_000, kind="ad_revenue"),
            parked("refund puzzle:t1:1", "parked", "purchase"),
            parked("refund puzzle:t1:1", "released", "purchase"),
            parked("puzzle:t3", "expired", "account"),
        ],
    )
    assert issues(store) == []


def test_a_refund_without_its_purchase_is_reported_while_it_waits_and_for_good(
    store: Store,
) -> None:
    rows = [
        parked("waits", "parked", "purchase"),
        parked("waited", "parked", "purchase"),
        parked("waited", "expired", "purchase"),
        parked("found", "released", "purchase"),
        parked("found", "parked", "purchase"),
    ]
    for _ in in_every_order(store, rows):
        assert issues(store) == [
            ("waited", "refund_without_purchase", "expired"),
            ("waits", "refund_without_purchase", "parked"),
        ]


def test_refunds_that_exceed_their_purchase_together_are_reported_once(
    store: Store,
) -> None:
    rows = [
        sale("t1", 5_000_000),
        refund("t1", 1, -3_000_000),
        refund("t1", 2, -2_500_000),
        refund("t2", 1, -9_000_000),  # of a purchase elsewhere
    ]
    for _ in in_every_order(store, rows):
        assert issues(store) == [("puzzle:t1", "refund_exceeds_purchase", "refunds of 5.5")]


def test_a_refund_in_another_currency_is_reported_and_not_compared(store: Store) -> None:
    rows = [
        rate("EUR", "USD", date="2026-01-01"),
        sale("t1", 5_000_000, kind="subscription"),
        refund("t1", 1, -9_000_000, "EUR"),
        refund("t1", 2, -5_000_000),
    ]
    for _ in in_every_order(store, rows):
        assert issues(store) == [
            ("refund puzzle:t1:1", "refund_currency_differs", "purchase in USD")
        ]


def test_money_and_costs_without_a_rate_are_reported_until_there_is_one(
    store: Store,
) -> None:
    put(store, [sale("t1", 5_000_000, "EUR"), spend("s1", date="2026-01-03")])
    assert issues(store) == [
        ("puzzle:t1", "no_rate", "2026-01-02"),
        ("s1", "no_rate", "2026-01-03"),
    ]

    put(store, [rate("EUR", "USD", date="2026-01-03")])
    assert issues(store) == [("puzzle:t1", "no_rate", "2026-01-02")]
    put(store, [rate("EUR", "USD", date="2026-01-02")], first_offset=5)
    assert issues(store) == []


def test_money_that_was_moved_is_still_one_payment(store: Store) -> None:
    rng = random.Random(4)
    for micros in (5_000_000, 6_000_000):
        rows = [
            sale("t1", 5_000_000),
            refund("t1", 1, -micros),
            booking("puzzle:t1", "i1", -5_000_000, booking_id="puzzle:t1:move1-", sign=-1,
                    transaction_id="t1", currency="USD", is_relink=True),
            booking("puzzle:t1", "i2", 5_000_000, booking_id="puzzle:t1:move1+",
                    transaction_id="t1", currency="USD", is_relink=True),
        ]  # fmt: skip
        rng.shuffle(rows)
        put(store, rows)
        is_too_much = micros > 5_000_000
        assert [row[:2] for row in issues(store)] == (
            [("puzzle:t1", "refund_exceeds_purchase")] if is_too_much else []
        )
        store.execute("TRUNCATE TABLE revenue")


def test_any_other_currency_is_one_join_away(store: Store) -> None:
    put(
        store,
        [
            decision("i1"),
            rate("EUR", "USD", 2_000_000_000, date="2026-01-01"),
            rate("EUR", "USD", 4_000_000_000, date="2026-01-03"),
            booking("m1", micros=8_000_000, currency="USD", event_time=NOON),
            booking("m2", micros=8_000_000, currency="USD", event_time=NOON + 2 * DAY_MS),
        ],
    )
    found = store.query(
        "SELECT media_source, sum(toFloat64(amount_usd) / usd.usd_rate) AS revenue_eur"
        " FROM (SELECT *, toDate(event_time) AS day, 'EUR' AS unit FROM v_revenue) AS revenue"
        " ASOF JOIN v_rates AS usd ON usd.currency = revenue.unit AND usd.date <= revenue.day"
        " GROUP BY media_source"
    )
    assert found.rows == [("alpha", 6)]
