"""Return on spend, funnels and completeness, each as a naive reader works it out."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from schemas.outcomes import Freshness, Outcome
from schemas.time import DAY_MS, LogMs
from streams.store.base import Store
from tests.streams.store.cohorts.test_cohorts import asked
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import (
    NOON,
    booking,
    decision,
    parked,
    prediction,
    rate,
    spend,
    touch,
)

pytest.importorskip("chdb")


def log_time(days: float) -> Outcome:
    at = LogMs(NOON + int(days * DAY_MS))
    return Freshness(stage="journeys", partition=0, stage_time=at)


def sale(number: int, micros: int, days: float, currency: str = "USD", **changes: Any) -> Outcome:
    """Money so many days after the first open at noon of 1 January."""
    at = NOON + int(days * DAY_MS)
    return booking(f"m{number}", "i1", micros, currency=currency, event_time=at, **changes)


def only(store: Store, columns: str = "*") -> dict[str, Any]:
    rows = asked(store, f"SELECT {columns} FROM v_campaign_roas")
    assert len(rows) == 1, rows
    return rows[0]


def test_money_of_several_currencies_is_one_row_of_the_campaign(store: Store) -> None:
    put(store, [decision("i1"), decision("i2"), sale(1, 3_000_000, 1), sale(2, 2_000_000, 2, "EUR"),
                spend("s1", 4_000_000, currency="EUR"), spend("s2", 1_000_000, currency="USD"),
                rate("EUR", "USD", 1_500_000_000), log_time(12)])  # fmt: skip
    row = only(store)
    assert (row["installs"], row["cost_usd"], row["revenue_usd"]) == (2, 7, 6)
    assert row["roas"] == pytest.approx(6 / 7)
    assert row["roas_d7"] == pytest.approx(6 / 7)
    assert row["roas_d30"] is None, "30 days are not over"


def test_a_return_is_null_while_a_currency_has_no_rate(store: Store) -> None:
    put(store, [decision("i1"), sale(1, 3_000_000, 1), spend("s1", 9, currency="JPY"),
                spend("s2", 1_000_000, currency="USD"), log_time(12)])  # fmt: skip
    row = only(store)
    assert (row["cost_usd"], row["roas"], row["roas_d7"], row["payback_day"]) == (None,) * 4


def test_a_return_is_null_while_money_has_no_rate(store: Store) -> None:
    put(store, [decision("i1"), sale(1, 3_000_000, 1), sale(2, 9, 1, "JPY"),
                spend("s2", 1_000_000, currency="USD"), log_time(12)])  # fmt: skip
    row = only(store)
    assert (row["unconverted"], row["roas"], row["roas_d7"], row["payback_day"]) == (1, *[None] * 3)


def test_cost_without_installs_and_installs_without_cost_have_rows(store: Store) -> None:
    put(store, [decision("i1"), spend("s1", 1_000_000, currency="USD", campaign_id="autumn"),
                log_time(12)])  # fmt: skip
    sql = "SELECT campaign_id, installs, cost_usd, roas FROM v_campaign_roas ORDER BY campaign_id"
    found = [tuple(row.values()) for row in asked(store, sql)]
    assert found == [("autumn", 0, 1, 0), ("spring", 1, 0, None)]


@pytest.mark.parametrize(("log_days", "payback"), [(1, None), (2.6, None), (4, 3.5), (100, 3.5)])
def test_payback_is_interpolated_and_waits_until_the_day_is_over(
    store: Store, log_days: float, payback: float | None
) -> None:
    """1 of 4 dollars on day 0, the rest twice over on day 3: paid back half through it..."""
    put(store, [decision("i1"), sale(1, 1_000_000, 0.1), sale(2, 6_000_000, 3.2),
                spend("s1", 4_000_000, currency="USD"), log_time(log_days + 1)])  # fmt: skip
    assert only(store)["payback_day"] == payback


def test_money_after_day_90_pays_nothing_back(store: Store) -> None:
    put(store, [decision("i1"), sale(1, 9_000_000, 91.5), spend("s1", 4_000_000, currency="USD"),
                log_time(200)])  # fmt: skip
    row = only(store)
    assert row["payback_day"] is None
    assert (row["roas_d90"], row["roas"]) == (0, 2.25)


def expected_amounts(name: str, d7: float, **changes: Any) -> Outcome:
    return prediction(
        name, amounts={"d7": d7, "d30": 2 * d7, "d90": 4 * d7}, currency="USD",
        value_version="value-1", **changes,
    )  # fmt: skip


def test_what_was_predicted_counts_all_installs_and_nothing_that_was_only_paid(
    store: Store,
) -> None:
    put(store, [decision(f"i{n}") for n in range(4)])
    put(store, [expected_amounts("i0", 1.0), expected_amounts("i1", 2.0)])
    # Of i2 only what was paid so far is known, and i3 has no prediction.
    constant = prediction("i2", amounts={"d7": 0.0}, currency="USD", value_version="constant")
    put(store, [constant, spend("s1", 6_000_000, currency="USD"), log_time(1)])
    row = only(store)
    assert [row[f"predicted_roas_d{day}"] for day in (7, 30, 90)] == pytest.approx([1, 2, 4])
    assert row["predicted_payback_day"] == pytest.approx(7)
    assert (row["low_d7"], row["high_d7"], row["cohorts_d7"]) == (None, None, 0)


def test_an_interval_is_taken_from_earlier_cohorts_of_like_size_that_were_over(
    store: Store,
) -> None:
    rng = Random(5)
    rows: list[Outcome] = []
    made: list[tuple[int, int, float]] = []  # day, size, actual / predicted
    for day in range(60):
        at = NOON + day * DAY_MS
        times = {"install_time": at, "conversion_time": at}
        size = rng.choice([1, 1, 2])
        money = 0
        for number in range(size):
            name = f"i{day}-{number}"
            rows += [decision(name, **times)]
            rows += [expected_amounts(name, 2.0, landmark_time=at, predicted_at=at)]
            micros = rng.randrange(1, 6_000_000)
            money += micros
            paid = {"event_time": at + DAY_MS, "install_time": at, "currency": "USD"}
            rows += [booking(f"m-{name}", name, micros, **paid)]
        date = f"2026-{'01' if day < 31 else '02' if day < 59 else '03'}"
        of_month = day + 1 if day < 31 else day - 30 if day < 59 else day - 58
        rows += [spend(f"s{day}", 1_000_000, currency="USD", date=f"{date}-{of_month:02}")]
        made.append((day, size, money / 1e6 / (2.0 * size)))
    put(store, [*rows, log_time(70)])

    found = asked(store, "SELECT * FROM v_campaign_roas ORDER BY install_date")

    assert len(found) == 60
    for row, (day, size, _) in zip(found, made, strict=True):
        before = [one for one in made if day - 99 <= one[0] <= day - 9]
        alike = [one[2] for one in before if one[1] == size]
        ratios = sorted(alike if len(alike) >= 20 else [one[2] for one in before])
        count = len(ratios)
        assert row["cohorts_d7"] == count
        if count < 20:
            assert row["low_d7"] is None
            continue
        predicted = 2.0 * size
        low = ratios[max(math.floor((count + 1) * 0.1), 1) - 1]
        high = ratios[min(math.ceil((count + 1) * 0.9), count) - 1]
        assert row["low_d7"] == pytest.approx(predicted * low)
        assert row["high_d7"] == pytest.approx(predicted * high)


def test_a_day_is_complete_when_it_is_over_and_nothing_of_it_is_open(store: Store) -> None:
    put(store, [touch("e1"), decision("i1"), booking("m1", "i1", event_time=NOON), spend("s1"),
                log_time(0.2)])  # fmt: skip
    columns = "app_id, toString(day), touchpoints, installs, bookings, cost_lines, open"
    sql = f"SELECT {columns} FROM v_data_completeness"
    assert store.query(sql).rows == [
        ("puzzle", "2026-01-01", 1, 1, 1, 1, ["day", "without_rate", "no_activity"])
    ]
    put(store, [parked("m9", "parked"), rate("EUR", "USD"), log_time(1)], first_offset=10)
    assert store.query(sql).rows[0][-1] == ["waiting", "no_activity"]
    put(store, [parked("m9", "released")], first_offset=20)
    assert store.query(sql).rows[0][-1] == ["no_activity"]
