"""What the growth team sees of postbacks: valid ones, each once; the others only beside them."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.time import DAY_MS
from streams.store.base import Store
from tests.worlds.postback_world import postback_row
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON

pytest.importorskip("chdb")
NOTHING = {"conversion_state": "none", "revenue_min_micros": 0, "revenue_max_micros": 0,
           "currency": ""}  # fmt: skip


def days(store: Store) -> list[dict[str, Any]]:
    found = store.query("SELECT * FROM v_postbacks_daily ORDER BY ALL")
    return [dict(zip(found.names, row, strict=True)) for row in found.rows]


def test_a_day_shows_installs_and_the_revenue_that_conversion_values_stand_for(
    store: Store,
) -> None:
    put(store, [postback_row(), postback_row(postback_id="2", conversion_type="redownload")])

    assert days(store) == [
        {
            "day": "2026-01-01",
            "app_id": "puzzle",
            "framework": "skadnetwork",
            "ad_network_id": "north.skadnetwork",
            "campaign": "5239",
            "sequence_index": 0,
            "currency": "USD",
            "postbacks": 2,
            "installs": 2,
            "reengagements": 0,
            "lost": 0,
            "decoded": 2,
            "undecoded": 0,
            "revenue_min": 1.98,
            "revenue_max": 9.98,
            "invalid": 0,
            "unverifiable": 0,
        }
    ]


def test_a_copy_counts_nothing_whichever_was_stored_first(store: Store) -> None:
    early = postback_row(event_id="e1", event_time=NOON - DAY_MS)
    late = postback_row(event_id="e0", revenue_max_micros=9_000_000)
    put(store, [late, early, late])

    (row,) = days(store)
    assert (row["day"], row["postbacks"], row["revenue_max"]) == ("2025-12-31", 1, 4.99)


def test_what_is_not_valid_stands_apart_whatever_it_claims(store: Store) -> None:
    forged = {"signature_state": "invalid", "signature_reason": "bad_signature", **NOTHING}
    unknown = {"signature_state": "unverifiable", "signature_reason": "unknown_key", **NOTHING}
    put(
        store,
        [
            postback_row(),
            postback_row(postback_id="forged", **forged),
            postback_row(postback_id="unknown", **unknown),
        ],
    )

    claimed, counted = days(store)
    assert (claimed["currency"], claimed["postbacks"], claimed["installs"]) == ("", 0, 0)
    assert (claimed["invalid"], claimed["unverifiable"]) == (1, 1)
    assert (counted["postbacks"], counted["invalid"], counted["unverifiable"]) == (1, 0, 0)


def test_only_the_first_postback_that_won_is_an_install(store: Store) -> None:
    put(
        store,
        [
            postback_row(postback_id="later", sequence_index=1, **NOTHING),
            postback_row(postback_id="lost", did_win=False, **NOTHING),
            postback_row(postback_id="back", conversion_type="re-engagement", **NOTHING),
            postback_row(postback_id="odd", **(NOTHING | {"conversion_state": "undecoded"})),
        ],
    )

    first, later = days(store)
    assert (first["postbacks"], first["installs"], first["reengagements"]) == (3, 1, 1)
    assert (first["lost"], first["undecoded"]) == (1, 1)
    assert (later["postbacks"], later["installs"]) == (1, 0)


def test_before_version_4_the_campaign_is_a_number(store: Store) -> None:
    put(store, [postback_row(source_identifier="", campaign_id=42)])
    assert [row["campaign"] for row in days(store)] == ["42"]
