"""Who claims installs by fraud, by what, and who has them instead."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.time import DAY_MS
from streams.store.base import Store
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON, booking, decision, verdict

pytest.importorskip("chdb")


def by_source(store: Store) -> dict[tuple[str, str], dict[str, Any]]:
    found = store.query("SELECT * FROM v_fraud_daily")
    rows = [dict(zip(found.names, row, strict=True)) for row in found.rows]
    return {(row["media_source"], row["site_id"]): row for row in rows}


def robbed(reason: str, source: str = "thief", site: str = "den") -> dict[str, Any]:
    """Somebody else would have had this install, were it not for fraud."""
    return {
        "rejected_media_source": source,
        "rejected_site_id": site,
        "rejected_campaign_id": "c",
        "rejected_touch_id": "click-e9",
        "rejected_reason": reason,
    }


def site_verdict(install_id: str, hour: int, **changes: object) -> Any:
    fields: dict[str, Any] = {
        "verdict_id": f"{install_id}:e1:click_flood:{hour}",
        "stage": "site",
        "reason": "click_flood",
        "mode": "tag",
        "decided_at": NOON + hour,
    }
    return verdict(install_id, **(fields | changes))


def test_a_rejected_install_is_shown_with_its_reason_its_money_and_who_has_it(
    store: Store,
) -> None:
    organic: dict[str, Any] = {"media_source": "organic", "campaign_id": "", "site_id": ""}
    put(
        store,
        [
            decision("i1", **robbed("engagement_injection")),
            decision("i2", **robbed("incorrect_signature"), **organic),
            decision("i3", **robbed("engagement_injection"), **organic),
            decision("i4", media_source="thief", site_id="den"),
            booking("m1", "i1", 5_000_000, currency="USD"),
            booking("m2", "i3", 2_000_000, currency="USD"),
            booking("m3", "i3", -500_000, currency="USD", kind="refund"),
            booking("m4", "i3", 1_000_000, currency="SEK"),
            booking("m5", "i4", 9_000_000, currency="USD"),
        ],
    )
    rows = by_source(store)

    assert rows.keys() == {("thief", "den"), ("alpha", "site-1")}
    assert rows["thief", "den"] == {
        "day": "2026-01-01",
        "app_id": "puzzle",
        "media_source": "thief",
        "site_id": "den",
        "installs": 1,
        "tagged": 0,
        "suspicious": 0,
        "rejected": 3,
        "reasons": {"engagement_injection": 2, "incorrect_signature": 1},
        "rejected_revenue_usd": 6.5,
        "rejected_unconverted": 1,
        "credited_instead": {"alpha": 1, "organic": 2},
        "ignored_ids": 0,
    }
    assert rows["alpha", "site-1"]["installs"] == 1
    assert rows["alpha", "site-1"]["rejected"] == 0


def test_a_correction_moves_the_rejection_with_it(store: Store) -> None:
    put(store, [decision("i1", **robbed("engagement_injection")), booking("m1", "i1")])
    put(store, [decision("i1", 2, reason="rule_change")], first_offset=10)

    assert by_source(store).keys() == {("alpha", "site-1")}


def test_an_install_with_several_signs_is_counted_once_and_by_the_strongest(
    store: Store,
) -> None:
    put(
        store,
        [
            decision("i1", fraud_status="suspicious", fraud_reason="ctit_anomalies"),
            decision("i2", fraud_status="tag", fraud_reason="impossible_order"),
            decision("i3"),
            decision("i4"),
            site_verdict("i1", 1),
            site_verdict("i3", 1),
            site_verdict("i3", 2),  # a later word on the same
            site_verdict("i4", 1, touch_id="click-e5"),  # not the one with the credit
        ],
    )
    row = by_source(store)["alpha", "site-1"]
    assert (row["installs"], row["tagged"], row["suspicious"], row["rejected"]) == (4, 2, 1, 0)
    assert row["reasons"] == {"click_flood": 2, "ctit_anomalies": 1, "impossible_order": 1}


def test_a_site_that_was_cleared_later_is_not_tagged(store: Store) -> None:
    put(
        store,
        [
            decision("i1"),
            site_verdict("i1", 2, sub_reason="withdrawn"),
            site_verdict("i1", 1),
        ],
    )
    row = by_source(store)["alpha", "site-1"]
    assert (row["tagged"], row["reasons"]) == (0, {})


def test_rejected_money_is_the_same_money_that_is_credited_elsewhere(store: Store) -> None:
    put(
        store,
        [
            decision("i1", **robbed("click_flood")),
            booking("m1", "i1", 3_000_000, currency="USD", event_time=NOON + 9 * DAY_MS),
        ],
    )
    credited = store.query("SELECT media_source, revenue_usd FROM v_campaign_daily").rows
    assert credited == [("alpha", 3)]
    assert by_source(store)["thief", "den"]["rejected_revenue_usd"] == 3


def key_verdict(install_id: str, reason: str, number: int = 0, **changes: object) -> Any:
    fields: dict[str, Any] = {
        "verdict_id": f"{install_id}:{reason}:{number}",
        "stage": "key",
        "reason": reason,
        "touch_id": "",
    }
    return verdict(install_id, **(fields | changes))


def test_installs_whose_ids_are_nobodys_are_counted_once_where_they_are_credited(
    store: Store,
) -> None:
    organic: dict[str, Any] = {"media_source": "organic", "campaign_id": "", "site_id": ""}
    put(
        store,
        [
            decision("i1"),
            decision("i2", **organic),
            decision("i3"),
            key_verdict("i1", "shared_device_id"),
            key_verdict("i1", "shared_account", 1),
            key_verdict("i1", "shared_account", 2),
            key_verdict("i2", "shared_device_id"),
            key_verdict("i3", "shared_device_id", app_id="another"),
        ],
    )
    rows = by_source(store)
    alpha, none = rows["alpha", "site-1"], rows["organic", ""]
    assert (alpha["installs"], alpha["tagged"], alpha["ignored_ids"]) == (2, 0, 1)
    assert alpha["reasons"] == {"shared_account": 1, "shared_device_id": 1}
    assert (none["installs"], none["ignored_ids"]) == (0, 1)
