"""Every booking is credited once, to the source in force, whatever is corrected later."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from typing import Any

import pytest

from schemas.outcomes import Attribution
from schemas.time import DAY_MS
from streams.store.base import Store
from tests.worlds.stores.money_world import (
    Sums,
    campaign_lines,
    current,
    day_of,
    in_dollars,
    in_force,
    some_market,
)
from tests.worlds.stores.store_world import empty, put
from tests.worlds.stores.traffic_outcomes import NOON, booking, decision

pytest.importorskip("chdb")

SEEDS = range(8)
MICROS = ("revenue", "cost", "revenue_usd", "cost_usd", "unconverted_revenue", "unconverted_cost")


def reengagement(install_id: str, touch: str, begin: int, days: int, source: str) -> Attribution:
    return decision(
        install_id,
        conversion_id=f"{install_id}~{touch}",
        conversion_type="reengagement",
        status="reengaged",
        conversion_time=begin,
        expires_at=begin + days * DAY_MS,
        media_source=source,
    )


def earned(store: Store) -> dict[str, str]:
    found = store.query("SELECT booking_id, media_source FROM v_revenue")
    return dict(found.rows)


def paid_on(days: dict[str, float]) -> list[Any]:
    return [booking(name, event_time=NOON + round(day * DAY_MS)) for name, day in days.items()]


def test_money_goes_to_the_latest_reengagement_in_force_and_else_to_the_install(
    store: Store,
) -> None:
    put(
        store,
        [
            decision("i1", media_source="alpha"),
            reengagement("i1", "e1", NOON + 2 * DAY_MS, 10, "beta"),
            reengagement("i1", "e2", NOON + 4 * DAY_MS, 2, "gamma"),
            *paid_on({"before": 1, "at once": 2, "newer": 5, "older again": 6, "after": 12}),
        ],
    )
    assert earned(store) == {
        "before": "alpha",
        "at once": "beta",
        "newer": "gamma",
        "older again": "beta",
        "after": "alpha",
    }


def test_money_of_a_reengagement_is_told_to_the_install_too_but_counted_once(
    store: Store,
) -> None:
    put(
        store,
        [
            decision("i1", media_source="alpha"),
            reengagement("i1", "e1", NOON + 2 * DAY_MS, 10, "beta"),
            *paid_on({"before": 1, "within": 3}),
        ],
    )
    found = store.query(
        "SELECT booking_id, is_primary, media_source FROM v_revenue_attributions"
        " ORDER BY booking_id, is_primary"
    )
    assert [(row[0], bool(row[1]), row[2]) for row in found.rows] == [
        ("before", True, "alpha"),
        ("within", False, "alpha"),
        ("within", True, "beta"),
    ]


def test_once_a_temporary_reattribution_is_over_the_source_before_it_counts_again(
    store: Store,
) -> None:
    common: dict[str, Any] = {"conversion_type": "reattribution", "status": "reattributed"}
    second = {"prior_install_id": "i0", "expires_at": NOON + 20 * DAY_MS, "media_source": "beta"}
    third = {"prior_install_id": "i9", "expires_at": NOON + 10 * DAY_MS, "media_source": "gamma"}
    put(
        store,
        [
            decision("i0", media_source="alpha"),
            decision("i9", **(common | second)),
            decision("i1", **(common | third)),
            *paid_on({"during": 9, "then": 11, "then the first": 21}),
        ],
    )
    assert earned(store) == {"during": "gamma", "then": "beta", "then the first": "alpha"}

    put(store, [decision("i0", 2, media_source="delta")], first_offset=50)
    assert earned(store)["then the first"] == "delta"


def test_without_an_earlier_source_nobody_has_the_money_when_a_reattribution_is_over(
    store: Store,
) -> None:
    over: dict[str, Any] = {"prior_install_id": "gone", "expires_at": NOON + DAY_MS}
    put(store, [decision("i1", conversion_type="reattribution", **over), *paid_on({"m": 2})])

    assert earned(store) == {"m": "organic"}


def test_a_withdrawn_reengagement_gives_the_money_back(store: Store) -> None:
    again = reengagement("i1", "e1", NOON, 10, "beta")
    put(store, [decision("i1", media_source="alpha"), again, *paid_on({"m": 2})])
    assert earned(store) == {"m": "beta"}

    changes: dict[str, Any] = {"conversion_id": "i1~e1", "status": "withdrawn"}
    put(store, [decision("i1", 2, **changes)], first_offset=50)
    assert earned(store) == {"m": "alpha"}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_booking_is_credited_and_converted_as_a_naive_reader_does(
    store: Store, seed: int
) -> None:
    rng = random.Random(seed)
    market = some_market(rng)
    put(store, market.published(rng))

    decisions = current(market)
    expected = {}
    for row in market.bookings:
        conversion = in_force(decisions, row.install_id, row.event_time)
        day = day_of(row.event_time)
        usd = in_dollars(market, row.amount_micros, row.currency, day)
        expected[row.booking_id] = (conversion, usd)
    found = store.query("SELECT booking_id, conversion_id, toString(usd_micros) FROM v_bookings")
    seen = {row[0]: (row[1], None if row[2] is None else int(row[2])) for row in found.rows}
    assert seen == expected
    assert len(found.rows) == len(expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_campaigns_together_have_every_booking_and_every_cost_exactly_once(
    store: Store, seed: int
) -> None:
    rng = random.Random(seed)
    market = some_market(rng)
    put(store, market.published(rng))

    assert shown(store) == {line: +sums for line, sums in campaign_lines(market).items()}
    total = store.query(
        "SELECT currency, toInt64(sum(revenue) * 1000000) FROM v_campaign_daily"
        " WHERE currency != '' GROUP BY currency"
    )
    booked: Counter[str] = Counter()
    for row in {row.booking_id: row for row in market.bookings}.values():
        booked[row.currency] += row.amount_micros
    assert Counter({one: int(n) for one, n in total.rows}) == booked


def shown(store: Store) -> Sums:
    columns = ", ".join(f"toString(toInt128({name} * 1000000))" for name in MICROS)
    found = store.query(
        f"SELECT day, media_source, campaign_id, currency, unconverted, {columns}"
        " FROM v_campaign_daily WHERE currency != ''"
    )
    sums: Sums = {}
    for day, source, campaign, currency, missing, *micros in found.rows:
        counts = Counter({"unconverted": int(missing)})
        counts.update({name: int(n) for name, n in zip(MICROS, micros, strict=True)})
        sums[day, source, campaign, currency] = +counts
    return sums


@pytest.mark.parametrize("seed", SEEDS)
def test_every_conversion_that_stands_is_counted_once_in_its_kind(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    market = some_market(rng)
    put(store, market.published(rng))

    expected: Counter[tuple[str, str, str, str]] = Counter()
    for row in current(market).values():
        day = str(day_of(row.conversion_time))
        expected[day, row.media_source, row.campaign_id, row.conversion_type] += 1
    kinds = ("install", "reinstall", "reattribution", "reengagement")
    found = store.query(
        "SELECT day, media_source, campaign_id, sum(installs), sum(reinstalls),"
        " sum(reattributions), sum(reengagements) FROM v_campaign_daily GROUP BY ALL"
    )
    seen = {
        (day, source, campaign, kind): int(n)
        for day, source, campaign, *counts in found.rows
        for kind, n in zip(kinds, counts, strict=True)
        if int(n)
    }
    assert seen == expected
    daily = store.query(
        "SELECT day, media_source, campaign_id, conversion_type, conversions FROM v_conversions"
    )
    assert {tuple(row[:4]): int(row[4]) for row in daily.rows} == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_in_which_rows_were_stored_changes_no_view(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    market = some_market(rng)
    views = ("v_revenue", "v_campaign_daily", "v_money_issues", "v_spend", "v_rates")
    answers = []
    for _ in range(2):
        put(store, market.published(rng))
        answers.append([store.query(f"SELECT * FROM {view} ORDER BY ALL").rows for view in views])
        empty(store)
    assert answers[0] == answers[1]


def test_the_market_of_these_tests_has_everything_they_are_about() -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        market = some_market(random.Random(seed))
        decisions = current(market)
        for row in market.bookings:
            conversion = in_force(decisions, row.install_id, row.event_time)
            seen["reengaged"] += "~" in conversion
            seen["fell back"] += "~" not in conversion and conversion != row.install_id
            seen["to nobody"] += conversion != row.install_id and conversion not in decisions
            seen["undecided"] += conversion == row.install_id and conversion not in decisions
            usd = in_dollars(market, 1_000_000, row.currency, day_of(row.event_time))
            seen["converted" if usd is not None else "unconverted"] += 1
    for what in ("reengaged", "fell back", "to nobody", "undecided", "converted", "unconverted"):
        assert seen[what] >= 10, what
    assert in_dollars(some_market(random.Random(0)), 5, "USD", date(2026, 1, 1)) == 5
