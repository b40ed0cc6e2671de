"""Views tell apps apart, give money to the life of the install in which it moved, count production
only, and do not show a network that forbids it to those who list users."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest

from schemas.outcomes import Attribution
from schemas.time import DAY_MS
from streams.store.base import Store
from tests.worlds.stores.fact_outcomes import dropped_field
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON, booking, decision, touch

pytest.importorskip("chdb")

FOREVER = 10**15
INSTALLS_PER_KIND = 1_000


def life(begin: int, event_id: str, source: str, **changes: Any) -> Attribution:
    """A later first open of install i1: a conversion of its own."""
    install_id = changes.pop("install_id", "i1")
    return decision(
        install_id,
        attribution_id=f"{install_id}~{event_id}:1",
        conversion_id=f"{install_id}~{event_id}",
        conversion_type="reinstall",
        conversion_time=begin,
        install_time=begin,
        media_source=source,
        **changes,
    )


def sources(store: Store) -> dict[str, str]:
    return dict(store.query("SELECT booking_id, media_source FROM v_revenue").rows)


def test_two_apps_with_the_same_install_id_are_two_installs(store: Store) -> None:
    put(
        store,
        [
            decision("i1", media_source="alpha"),
            decision("i1", app_id="chess", media_source="beta"),
            booking("m1", "i1"),
            booking("m2", "i1", app_id="chess"),
        ],
    )
    assert sources(store) == {"m1": "alpha", "m2": "beta"}
    rows = store.query(
        "SELECT app_id, media_source, installs, payers, toFloat64(revenue) FROM v_campaign_daily"
        " ORDER BY app_id"
    ).rows
    assert rows == [("chess", "beta", 1, 1, 5.0), ("puzzle", "alpha", 1, 1, 5.0)]
    versions = store.query("SELECT app_id, valid_to FROM v_attribution_history ORDER BY app_id")
    assert versions.rows == [("chess", None), ("puzzle", None)]


def test_money_is_that_of_the_life_in_which_it_moved(store: Store) -> None:
    put(
        store,
        [
            decision("i1", media_source="alpha"),
            life(NOON + 10 * DAY_MS, "again", "beta"),
            booking("first life", event_time=NOON + 9 * DAY_MS),
            booking("at once", event_time=NOON + 10 * DAY_MS),
            booking("second life", event_time=NOON + 50 * DAY_MS),
        ],
    )
    assert sources(store) == {"first life": "alpha", "at once": "beta", "second life": "beta"}
    payers = store.query(
        "SELECT media_source, installs, reinstalls, payers, toFloat64(revenue)"
        " FROM v_campaign_daily ORDER BY media_source"
    ).rows
    assert payers == [("alpha", 1, 0, 1, 5.0), ("beta", 0, 1, 1, 10.0)]


def test_a_withdrawn_life_and_one_of_another_app_take_no_money(store: Store) -> None:
    put(
        store,
        [
            decision("i1", media_source="alpha"),
            life(NOON + DAY_MS, "gone", "beta", status="withdrawn"),
            life(NOON + DAY_MS, "elsewhere", "gamma", app_id="chess"),
            booking("m1", event_time=NOON + 2 * DAY_MS),
        ],
    )
    assert sources(store) == {"m1": "alpha"}


def test_a_reengagement_of_the_earlier_life_ends_with_it(store: Store) -> None:
    back = decision(
        "i1",
        conversion_id="i1~e1",
        conversion_type="reengagement",
        status="reengaged",
        conversion_time=NOON + DAY_MS,
        expires_at=NOON + 30 * DAY_MS,
        media_source="beta",
    )
    put(
        store,
        [
            decision("i1", media_source="alpha"),
            back,
            life(NOON + 10 * DAY_MS, "again", "gamma"),
            booking("brought back", event_time=NOON + 5 * DAY_MS),
            booking("installed again", event_time=NOON + 12 * DAY_MS),
        ],
    )
    assert sources(store) == {"brought back": "beta", "installed again": "gamma"}
    own = store.query(
        "SELECT booking_id, is_primary, media_source FROM v_revenue_attributions"
        " WHERE NOT is_primary"
    ).rows
    assert own == [("brought back", False, "alpha")]


def test_money_of_any_lives_is_credited_as_a_scan_over_them_says(store: Store) -> None:
    """A naive reading of the rule: the last first open at or before the money, else the earliest.
    Whichever was logged first is named after the install."""
    draws = random.Random(11)
    rows: list[Any] = []
    expected: dict[str, str] = {}
    for number in range(INSTALLS_PER_KIND):
        install_id = f"i{number}"
        begins = sorted(draws.sample(range(60), draws.randint(1, 4)))
        logged_first = draws.randrange(len(begins))
        for place, day in enumerate(begins):
            name, begin = f"life {place}", NOON + day * DAY_MS
            if place == logged_first:
                opened = {"conversion_time": begin, "install_time": begin}
                rows.append(decision(install_id, media_source=name, **opened))
            else:
                rows.append(life(begin, f"e{place}", name, install_id=install_id))
        for money in range(3):
            day = draws.randint(-5, 70)
            name = f"{install_id}-{money}"
            rows.append(booking(name, install_id, event_time=NOON + day * DAY_MS))
            edges = [-FOREVER, *begins[1:], FOREVER]
            expected[name] = next(
                f"life {place}"
                for place, (begin, end) in enumerate(pairwise(edges))
                if begin <= day < end
            )
    put(store, draws.sample(rows, len(rows)))
    assert sources(store) == expected


def test_tests_of_producers_are_in_the_tables_and_in_no_view(store: Store) -> None:
    put(
        store,
        [
            touch("e1", environment="sandbox"),
            decision("i1", environment="sandbox"),
            booking("m1", environment="sandbox"),
            decision("i2"),
        ],
    )
    for view in ("v_attributions", "v_attribution_history", "v_conversions", "v_campaign_daily"):
        assert len(store.query(f"SELECT * FROM {view}").rows) == 1, view
    for view in ("v_bookings", "v_revenue", "v_revenue_attributions"):
        assert store.query(f"SELECT * FROM {view}").rows == [], view
    assert store.query("SELECT count() FROM attributions").rows == [(2,)]
    assert store.query("SELECT environment FROM revenue").rows == [("sandbox",)]


def test_a_restricted_network_is_counted_but_not_shown_beside_a_user(store: Store) -> None:
    put(store, [decision("i1", is_restricted=True, keyword="farm", ad_name="Barn"), booking("m1")])
    shown = store.query(
        "SELECT media_source, campaign_id, channel, keyword, ad_name, touch_id, is_restricted"
        " FROM v_attributions"
    ).rows
    assert shown == [("restricted", "", "", "", "", "", True)]
    assert sources(store) == {"m1": "restricted"}
    counted = "SELECT media_source, campaign_id FROM {}"
    for view in ("v_campaign_daily", "v_conversions"):
        assert store.query(counted.format(view)).rows == [("alpha", "spring")], view
    assert store.query("SELECT media_source, installs FROM v_fraud_daily").rows == [("alpha", 1)]


def test_net_money_is_null_where_nobody_stated_it(store: Store) -> None:
    stated = booking("m1", net_micros=3_500_000, fee_micros=1_500_000, is_net_known=True)
    put(store, [stated, booking("m2")])
    rows = store.query(
        "SELECT booking_id, toFloat64(amount_net), toFloat64(store_fee), amount_net_usd"
        " FROM v_revenue ORDER BY booking_id"
    ).rows
    assert rows == [("m1", 3.5, 1.5, None), ("m2", None, 0.0, None)]


def test_a_sample_of_dropped_fields_is_scaled_up_and_a_repeat_counts_once(store: Store) -> None:
    rows = [dropped_field(7), dropped_field(1_024, 64), dropped_field(1_088, 64)]
    put(store, [*rows, rows[-1]])
    found = store.query(
        "SELECT app_id, field, problem, events, sampled, example_offset FROM v_dropped_fields"
    ).rows
    assert found == [("puzzle", "gaid", "unreadable", 129, 3, 1_088)]
