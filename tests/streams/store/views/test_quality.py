"""What producers do not send any more is named, and quiet hours are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.outcomes import Freshness
from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.store.base import Store
from tests.quality.drawn_hours import HOURS_OF_PAST, DrawnSeries, drawn_app
from tests.quality.hours_store import DrawnIssue, HoursStore
from tests.quality.naive_evidence import strongest, threshold
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON, booking, decision, spend, touch

pytest.importorskip("chdb")

NOW = HOURS_OF_PAST


def issues(store: Store, series: list[DrawnSeries], hour: int = NOW) -> list[DrawnIssue]:
    table = HoursStore(store)
    table.fill(series)
    return table.issues(hour)


def payments(hourly: list[int], country: str = "BR") -> list[DrawnSeries]:
    return [DrawnSeries("puzzle", country, np.array(hourly))]


def test_quiet_hours_are_no_issue(store: Store) -> None:
    assert issues(store, drawn_app("puzzle", np.random.default_rng(5), NOW)) == []


@pytest.mark.parametrize(
    ("lost", "left", "hours"), [(1, 0.0, {1}), (2, 0.0, {2}), (8, 0.4, {6, 8, 12})]
)
def test_a_country_that_is_gone_is_named(
    store: Store, lost: int, left: float, hours: set[int]
) -> None:
    series = drawn_app("puzzle", np.random.default_rng(6), NOW)
    for one in series:
        if one.country == "US":
            one.counts[-lost:] = (one.counts[-lost:] * left).astype(int)
    found = [issue for issue in issues(store, series) if issue.subject == "US"]
    assert [(issue.app, issue.check, issue.kind) for issue in found] == [
        ("puzzle", "volume", "payments")
    ]
    assert found[0].hours in hours


def test_few_events_are_judged_by_silence_alone(store: Store) -> None:
    """One payment in three hours: none in a day is longer than ever, in five hours it is not."""
    hourly = [1, 0, 0] * (NOW // 3)
    assert issues(store, payments([*hourly[:-3], *[0] * 3])) == []
    found = issues(store, payments([*hourly[:-24], *[0] * 24]))
    # Everything is silent, so no country is named beside it.
    assert [(one.check, one.subject) for one in found] == [("silence", "")]


def test_a_short_burst_is_not_missed(store: Store) -> None:
    """60 payments of a country within two hours of an evening, and none before or after."""
    others = DrawnSeries("puzzle", "US", np.array([5] * NOW))
    burst = payments([*[0] * (NOW - 30), 30, 30, *[0] * 28])
    assert issues(store, [others, *burst]) == []


def test_a_young_app_is_learning(store: Store) -> None:
    put(store, [decision("i1"), booking("m1", "i1"), touch("t1")])
    put(store, [decision("i2", conversion_time=NOON + 9 * DAY_MS)], first_offset=10)
    live(store, NOON + 10 * DAY_MS)
    rows = store.query("SELECT check_name, kind FROM v_quality_issues ORDER BY kind").rows
    assert {check for check, _ in rows} == {"learning"}
    assert {"installs", "payments"} <= {kind for _, kind in rows}


def test_a_log_that_is_not_live_is_compared_with_nothing(store: Store) -> None:
    """A simulation, or a history that is replayed, ends; nobody has stopped sending."""
    quiet = payments([*[10] * (NOW - 48), *[0] * 48])
    table = HoursStore(store)
    table.fill(quiet)
    assert {one.check for one in table.issues(NOW)} == {"silence"}
    assert {(one.check, one.kind) for one in table.issues(NOW, is_live=False)} == {
        ("not_live", "payments")
    }


def test_log_time_is_live_while_it_is_stored_within_a_day_of_itself(store: Store) -> None:
    asked = "SELECT is_live FROM v_now"
    put(store, [log_time(NOON)], inserted_at=NOON + 2 * DAY_MS)
    assert store.query(asked).rows == [(False,)], "workers are two days behind"
    live(store, NOON + 3 * DAY_MS)
    assert store.query(asked).rows == [(True,)], "also when nothing is stored for months after"


def test_a_silence_is_named_as_long_as_it_lasts(store: Store) -> None:
    """Of one kind for three weeks; then of all there is, while ticks go on."""
    others = DrawnSeries("other", "US", np.array([20] * NOW))
    silent = payments([*[20] * (NOW - 21 * 24), *[0] * (21 * 24)])
    found = [one for one in issues(store, [others, *silent]) if one.app == "puzzle"]
    assert [(one.check, one.subject, one.hours) for one in found] == [("silence", "", 21 * 24)]
    alone = issues(store, silent, NOW + 14 * 24)
    assert [(one.check, one.hours) for one in alone] == [("silence", 35 * 24)]


def test_a_day_that_is_bad_for_all_countries_is_no_issue_of_each(store: Store) -> None:
    """A holiday: 15 % less everywhere, in weeks whose days differ by 5 %."""
    series = drawn_app("puzzle", np.random.default_rng(8), NOW)
    for one in series:
        one.counts[-24:] = (one.counts[-24:] * 0.85).astype(int)
    assert [issue for issue in issues(store, series) if issue.subject] == []


@pytest.mark.parametrize("minutes", [0, 20])
def test_the_view_says_what_a_naive_reading_of_the_hours_says(store: Store, minutes: int) -> None:
    series = drawn_app("puzzle", np.random.default_rng(9), NOW + 1)
    for one in series:
        gone = {"BR": 0.2, "US": 0.4, "DE": 0.9}.get(one.country, 1)
        one.counts[-10:] = (one.counts[-10:] * gone).astype(int)
    table = HoursStore(store)
    table.fill(series)
    found = {one.subject: one for one in table.issues(NOW, minutes)}
    hourly = table.hourly(NOW, minutes, HOURS_OF_PAST + 1)
    named = {}
    for subject, counts in hourly.items():
        others = hourly[""] - counts if subject else None
        naive = strongest(counts, others, minutes / 60)
        if naive and naive.evidence > threshold(len(hourly), is_whole=not subject):
            named[subject] = naive
    assert {"", "US"} <= named.keys() == found.keys()
    for subject, naive in named.items():
        assert found[subject].hours == naive.hours
        assert found[subject].deviation == pytest.approx(naive.deviation, rel=1e-9)


def log_time(at: int) -> Freshness:
    return Freshness(stage="journeys", partition=0, stage_time=LogMs(at))


def live(store: Store, at: int) -> None:
    """Log time comes as far as the clock of the store then is."""
    put(store, [log_time(at)], first_offset=700, inserted_at=at)


def test_each_payment_of_production_counts_once_in_its_country(store: Store) -> None:
    def paid(name: str, **changes: Any) -> Any:
        return booking(name, "i1", event_time=NOON + HOUR_MS, **changes)

    put(store, [decision("i1", country_code="BR"), paid("m1"), paid("m2")])
    put(store, [paid("m1")], epoch="again")  # What is stored twice.
    put(store, [
        paid("m3", environment="sandbox"), paid("m4", kind="ad_revenue"),
        booking("r1", "i1", -5, kind="refund", event_time=NOON + HOUR_MS),
        paid("m1:move1-", sign=-1, is_relink=True), paid("m1:move1+", is_relink=True),
        booking("m5", "i1", event_time=NOON + 40 * DAY_MS),
        log_time(NOON + 5 * HOUR_MS),
    ], first_offset=20)  # fmt: skip
    rows = store.query(
        "SELECT subject, toString(hour), events FROM v_quality_hours WHERE kind = 'payments'"
        " ORDER BY subject"
    ).rows
    assert rows == [("", "2026-01-01 13:00:00", 2), ("BR", "2026-01-01 13:00:00", 2)]


def test_a_network_whose_reports_stopped_is_named_while_it_still_has_installs(
    store: Store,
) -> None:
    days = [f"2026-01-{day:02d}" for day in range(1, 11)]
    lines = [spend(f"{name}-{day}", date=day, media_source=name, amount_micros=5, currency="USD")
             for name in ("alpha", "beta") for day in days]  # fmt: skip
    late = {"install_time": NOON + 13 * DAY_MS, "conversion_time": NOON + 13 * DAY_MS}
    put(store, [*lines, decision("i1", media_source="alpha", **late)])
    live(store, NOON + 13 * DAY_MS)
    rows = store.query(
        "SELECT kind, subject, toString(since) FROM v_quality_issues"
        " WHERE check_name = 'cost_missing'"
    ).rows
    assert rows == [("costs", "alpha", "2026-01-11 00:00:00")]
