"""Cohorts are those of a naive reader, and nothing is shown before its day is over."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from schemas.outcomes import Freshness
from schemas.time import DAY_MS, LogMs
from streams.store.base import Store
from streams.store.cohorts import build_cohorts
from tests.worlds.stores.cohort_world import (
    CohortHistory,
    NaiveCohort,
    cohort_history,
    naive_cohorts,
)
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON, booking, decision

pytest.importorskip("chdb")


def asked(store: Store, sql: str) -> list[dict[str, Any]]:
    """Rows by column, with cohorts up to date."""
    build_cohorts(store)
    found = store.query(sql)
    return [dict(zip(found.names, row, strict=True)) for row in found.rows]


def _is_over(history: CohortHistory, install_date: str, days: int) -> bool:
    passed = date(2026, 1, 1) + timedelta(days=history.log_days)
    return date.fromisoformat(install_date) + timedelta(days=days) <= passed


def _expected(history: CohortHistory, key: Any, own: NaiveCohort, day: int) -> dict[str, Any]:
    is_over = _is_over(history, key[1], day + 2)
    it = own.days[day]
    values = {
        "installs": len(own.members),
        "active": len(it.active),
        "payers": len(it.payers),
        "revenue_usd": pytest.approx(it.usd_micros / 1e6),
        "payers_to_date": own.payers_by(day),
        "revenue_usd_to_date": pytest.approx(own.usd_by(day) / 1e6),
        "unconverted": it.unconverted,
    }
    shown = values if is_over else dict.fromkeys(values)
    return {**shown, "is_mature": is_over, "cohort_size": len(own.members)}


@pytest.mark.parametrize("seed", [1])
def test_cohorts_are_those_of_a_naive_reader(store: Store, seed: int) -> None:
    history = cohort_history(seed)
    put(store, history.rows())
    cohorts = naive_cohorts(history, by_calendar=False)
    calendar = naive_cohorts(history, by_calendar=True)

    rows = asked(store, "SELECT * FROM v_cohorts")

    assert len(rows) == 91 * len(cohorts)
    for row in rows:
        key = (row["app_id"], row["install_date"], row["media_source"], row["campaign_id"])
        day = row["day_n"]
        expected = _expected(history, key, cohorts[key], day)
        assert {name: row[name] for name in expected} == expected, (key, day)
        of_date = calendar[key].days[day]
        is_over = _is_over(history, key[1], day + 1)
        assert row["is_mature_by_calendar"] == is_over
        assert row["active_by_calendar"] == (len(of_date.active) if is_over else None)
        assert row["payers_by_calendar"] == (len(of_date.payers) if is_over else None)
        usd = pytest.approx(of_date.usd_micros / 1e6) if is_over else None
        assert row["revenue_usd_by_calendar"] == usd


def test_the_other_views_say_what_the_long_form_says(store: Store) -> None:
    put(store, cohort_history(4).rows())
    wide = asked(store, "SELECT * FROM v_cohorts_wide")
    names = ("app_id", "install_date", "media_source", "campaign_id", "day_n")
    rows = asked(store, "SELECT * FROM v_cohorts")
    long = {tuple(row[name] for name in names): row for row in rows}
    for row in wide:
        key = (row["app_id"], row["install_date"], row["media_source"], row["campaign_id"])
        for day in (0, 1, 3, 7, 14, 30, 60, 90):
            of_day = long[(*key, day)]
            assert row[f"installs_d{day}"] == of_day["installs"]
            assert row[f"active_d{day}"] == of_day["active"]
            assert row[f"payers_d{day}"] == of_day["payers_to_date"]
            assert row[f"revenue_usd_d{day}"] == of_day["revenue_usd_to_date"]
        assert row["active_d0_by_calendar"] == long[(*key, 0)]["active_by_calendar"]
    for row in asked(store, "SELECT * FROM v_retention"):
        own = [
            one
            for key, one in long.items()
            if (key[0], key[1], key[4]) == (row["app_id"], row["install_date"], row["day_n"])
        ]
        if own[0]["is_mature"]:
            assert row["installs"] == sum(one["installs"] for one in own)
            assert row["active"] == sum(one["active"] for one in own)
            assert row["retention"] == pytest.approx(row["active"] / row["installs"])
        else:
            assert [row[name] for name in ("installs", "active", "retention")] == [None] * 3


def test_a_quotient_of_sums_is_never_of_installs_that_are_too_young(store: Store) -> None:
    """Two cohorts, and only the first is old enough: it alone is in both sums."""
    late = {"install_time": NOON + 5 * DAY_MS, "conversion_time": NOON + 5 * DAY_MS}
    put(store, [decision("i1"), decision("i2"), *(decision(f"late{n}", **late) for n in range(8))])
    put(store, [Freshness(stage="journeys", partition=0, stage_time=LogMs(NOON + 6 * DAY_MS))])
    put(store, [booking("m1", "i1", 1_000_000, currency="USD")])

    row = asked(
        store,
        "SELECT sum(installs) AS installs, sum(payers_to_date) / installs AS share, "
        "sum(cohort_size) AS size FROM v_cohorts WHERE day_n = 3",
    )[0]

    assert row == {"installs": 2, "share": 0.5, "size": 10}


def test_the_partition_that_is_furthest_behind_holds_a_day_open(store: Store) -> None:
    put(store, [decision("i1")])
    times = [NOON + 3 * DAY_MS, NOON + DAY_MS]
    put(
        store,
        [
            Freshness(stage="journeys", partition=number, stage_time=LogMs(at))
            for number, at in enumerate(times)
        ],
    )
    # A replay of old files into the same store takes nothing back.
    old = Freshness(stage="journeys", partition=0, stage_time=LogMs(NOON))
    put(store, [old], epoch="replay-1")
    assert asked(store, "SELECT is_mature FROM v_cohorts WHERE day_n = 0") == [{"is_mature": 0}]
    moved = Freshness(stage="journeys", partition=1, stage_time=LogMs(NOON + 2 * DAY_MS))
    put(store, [moved], first_offset=10)
    assert asked(store, "SELECT is_mature FROM v_cohorts WHERE day_n = 0") == [{"is_mature": 1}]


def test_day_0_of_24_hours_and_of_the_calendar_have_names_of_their_own(store: Store) -> None:
    evening = NOON + 11 * 3_600_000
    at = {"install_time": evening, "conversion_time": evening}
    next_day = {"event_time": evening + 2 * 3_600_000, "install_time": evening, "currency": "USD"}
    put(store, [decision("i1", **at), booking("m1", "i1", 3_000_000, **next_day)])
    put(store, [Freshness(stage="journeys", partition=0, stage_time=LogMs(NOON + 9 * DAY_MS))])

    row = asked(store, "SELECT * FROM v_cohorts_wide")[0]

    assert (row["revenue_usd_d0"], row["payers_d0"]) == (3, 1)
    assert (row["revenue_usd_d0_by_calendar"], row["payers_d0_by_calendar"]) == (0, 0)


def test_an_empty_store_has_no_cohorts_and_no_fault(store: Store) -> None:
    for view in ("cohorts", "cohorts_wide", "retention", "ltv", "funnel", "campaign_roas",
                 "scores_now", "data_completeness", "cohort_days"):  # fmt: skip
        assert store.query(f"SELECT * FROM v_{view}").rows == []
