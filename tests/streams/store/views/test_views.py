"""The views answer growth questions, and count nothing twice."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.outcomes import Freshness
from schemas.time import DAY_MS, LogMs
from streams.store.base import Store
from tests.worlds.stores.store_world import every_kind, put
from tests.worlds.stores.traffic_outcomes import (
    NOON,
    booking,
    decision,
    ledger,
    prediction,
    rate,
    spend,
)

pytest.importorskip("chdb")

YOUNG_PREDICTIONS: dict[str, Any] = {
    "predicted_installs": 2,
    "predicted_variance": pytest.approx(0.1 * 0.9 + 0.9 * 0.1),
    "matured_installs": 0,
    "matured_predicted_payers": 0,
    "matured_payers": 0,
}
"""Of two installs, with chances of 0.1 and 0.9, whose 7 days are not over."""


def campaigns(store: Store) -> list[dict[str, Any]]:
    found = store.query("SELECT * FROM v_campaign_daily ORDER BY media_source, currency")
    return [dict(zip(found.names, row, strict=True)) for row in found.rows]


def test_the_highest_version_is_the_current_attribution(store: Store) -> None:
    put(store, [decision("i1", 2, media_source="beta"), decision("i1", 1), decision("i2", 1)])

    found = store.query("SELECT install_id, version, media_source FROM v_attributions ORDER BY 1")
    assert found.rows == [("i1", 2, "beta"), ("i2", 1, "alpha")]


def test_a_campaign_day_shows_installs_payers_money_and_prediction(store: Store) -> None:
    put(
        store,
        [
            decision("i1"),
            decision("i2"),
            decision("i3"),
            booking("m1", "i1", 5_000_000),
            booking("m2", "i2", 1_000_000),
            booking("m3", "i2", -1_000_000, kind="refund"),
            booking("m4", "i3", 10_000, kind="ad_revenue"),
            prediction("i1", "install", 0.1),
            prediction("i3", "install", 0.9),
            prediction("i3", "1d", 0.5),
            spend("s1", 2_000_000),
            rate("EUR", "USD", 1_100_000_000),
        ],
    )

    assert campaigns(store) == [
        {
            "day": "2026-01-01",
            "app_id": "puzzle",
            "media_source": "alpha",
            "campaign_id": "spring",
            "campaign_name": "Spring",
            "currency": "EUR",
            "installs": 3,
            "reinstalls": 0,
            "reattributions": 0,
            "reengagements": 0,
            "payers": 1,  # i2 was refunded, i3 only saw advertising
            "revenue": 5.01,
            "cost": 2,
            "roas": 2.505,
            "revenue_usd": 5.511,
            "cost_usd": 2.2,
            "roas_usd": 2.505,
            "unconverted": 0,
            "unconverted_revenue": 0,
            "unconverted_cost": 0,
            "predicted_payers": 1.0,  # i1 and i3 at the install, whatever came later
            **YOUNG_PREDICTIONS,
        }
    ]


def test_predicted_payers_keep_what_was_said_and_meet_the_payers_of_installs_old_enough(
    store: Store,
) -> None:
    predicted = [prediction("i1", "install", 0.1), prediction("i2", "install", 0.2)]
    put(store, [decision("i1"), decision("i2"), decision("i3"), *predicted])
    put(store, [booking("m1", "i1"), booking("m2", "i3")], first_offset=10)
    (young,) = campaigns(store)
    assert young["predicted_payers"] == pytest.approx(0.3)
    assert (young["payers"], young["matured_installs"], young["matured_payers"]) == (2, 0, 0)

    later = {"predicted_at": NOON + 7 * DAY_MS, "landmark_time": NOON + 7 * DAY_MS}
    put(store, [prediction("i4", "install", 0.7, **later)], first_offset=20)
    (old,) = campaigns(store)
    assert (old["predicted_payers"], old["matured_predicted_payers"]) == pytest.approx((0.3, 0.3))
    assert (old["payers"], old["matured_installs"], old["matured_payers"]) == (2, 2, 1)


def test_a_late_payment_is_no_predicted_payer(store: Store) -> None:
    put(
        store,
        [
            decision("i1"),
            booking("m1", "i1", event_time=NOON + 7 * DAY_MS + 1),
            prediction("i1", "install", 0.25),
            prediction("i2", predicted_at=NOON + 8 * DAY_MS),
        ],
    )
    (row,) = campaigns(store)
    assert (row["payers"], row["predicted_payers"]) == (1, 0.25)
    assert (row["matured_installs"], row["matured_payers"]) == (1, 0)


def test_repeats_change_no_view(store: Store) -> None:
    once = [*every_kind(), booking("m2", "i1", 7_000_000), prediction("i1", "1h", 0.5)]
    views = (
        "v_attributions",
        "v_attribution_history",
        "v_conversions",
        "v_rates",
        "v_spend",
        "v_revenue",
        "v_revenue_attributions",
        "v_money_issues",
        "v_campaign_daily",
        "v_fraud_daily",
        "v_accounting",
    )
    put(store, once)
    before = [store.query(f"SELECT * FROM {view} ORDER BY ALL").rows for view in views]

    put(store, once)  # the same place in the log again
    put(store, [row for row in once if "Ledger" not in type(row).__name__], first_offset=100)

    assert [store.query(f"SELECT * FROM {view} ORDER BY ALL").rows for view in views] == before


def test_a_restated_cost_replaces_the_earlier_one(store: Store) -> None:
    put(store, [spend("s1", 9_000_000, revision=2), spend("s1", 2_000_000)])

    assert [row["cost"] for row in campaigns(store)] == [9]


def test_sums_over_currencies_count_an_install_once(store: Store) -> None:
    put(
        store,
        [
            decision("i1"),
            booking("m1", "i1", 5_000_000),
            booking("m2", "i1", 3_000_000, currency="USD"),
            spend("s1", 2_000_000, currency="USD"),
        ],
    )
    rows = campaigns(store)

    assert [(row["currency"], row["installs"], row["revenue"], row["cost"]) for row in rows] == [
        ("EUR", 0, 5, 0),
        ("USD", 1, 3, 2),
    ]
    assert sum(row["payers"] for row in rows) == 1


def test_revenue_follows_the_current_attribution(store: Store) -> None:
    put(store, [decision("i1"), booking("m1", "i1", 5_000_000)])
    put(store, [decision("i1", 2, media_source="beta", campaign_id="summer")], first_offset=10)

    assert [(row["media_source"], row["revenue"]) for row in campaigns(store)] == [("beta", 5)]


def test_money_ahead_of_its_decision_is_shown_as_undecided(store: Store) -> None:
    put(store, [booking("m1", "i1", 5_000_000)])

    (row,) = campaigns(store)
    assert (row["media_source"], row["day"], row["installs"]) == ("undecided", "2026-01-01", 0)


def test_money_moved_to_another_install_counts_there(store: Store) -> None:
    put(
        store,
        [
            decision("i1"),
            decision("i2", media_source="beta"),
            booking("m1", "i1", 5_000_000),
            booking("m1", "i1", -5_000_000, booking_id="m1:-", sign=-1, is_relink=True),
            booking("m1", "i2", 5_000_000, booking_id="m1:+", is_relink=True),
        ],
    )
    assert [(row["media_source"], row["payers"], row["revenue"]) for row in campaigns(store)] == [
        ("alpha", 0, 0),
        ("beta", 1, 5),
    ]


def test_a_parked_offset_gives_way_to_what_became_of_it(store: Store) -> None:
    put(
        store,
        [
            ledger("decided", "payments", [1]),
            ledger("parked", "payments", [1, 2]),
            ledger("decided", "installs", [5]),
            ledger("duplicate", "installs", [5]),
        ],
    )
    found = store.query(
        "SELECT source_topic, source_offset, disposition, final_dispositions"
        " FROM v_accounting ORDER BY ALL"
    )
    assert found.rows == [
        ("installs", 5, "decided", 2),
        ("payments", 1, "decided", 1),
        ("payments", 2, "parked", 1),
    ]


def test_freshness_shows_the_newest_log_and_every_table(store: Store) -> None:
    put(store, [Freshness(stage="matching", partition=0, stage_time=LogMs(NOON))])
    found = store.query("SELECT name, partition, at FROM v_freshness WHERE kind = 'stage'")
    assert found.rows == [("matching", 0, "2026-01-01 12:00:00.000")]

    tables = store.query(
        "SELECT countIf(at IS NOT NULL), count() FROM v_freshness WHERE kind = 'table'"
    )
    assert tables.rows == [(1, 21)]


def test_money_that_was_moved_is_accounted_for_where_it_ended(store: Store) -> None:
    put(
        store,
        [
            ledger("decided", "payments", [1, 2, 3]),
            msgspec.structs.replace(ledger("expired", "payments", [1]), move=1),
            msgspec.structs.replace(ledger("parked", "payments", [2]), move=1),
        ],
    )
    found = store.query(
        "SELECT source_offset, disposition, final_dispositions FROM v_accounting ORDER BY ALL"
    )
    assert found.rows == [(1, "expired", 1), (2, "parked", 1), (3, "decided", 1)]
