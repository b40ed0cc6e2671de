"""How the product may find out who caused what: click ids, devices, accounts, transactions."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.streams.lab.simulator.simulated import all_truths, rows

Fields = dict[str, Any]


def installs(platform: str) -> list[Fields]:
    return [fields for _, fields in rows("install") if fields["platform"] == platform]


def click_of(fields: Fields) -> str | None:
    referrer = parse_qs(fields.get("install_referrer", ""))
    found: str | None = fields.get("click_id") or referrer.get("click_id", [None])[0]
    return found


def test_a_click_id_always_names_the_true_touchpoint() -> None:
    true = {truth.install_id: truth.touch_id for truth in all_truths()}
    known = [fields for _, fields in rows("install") if click_of(fields)]
    assert len(known) > len(rows("install")) / 4
    assert all(click_of(fields) == true[fields["install_id"]] for fields in known)


def test_every_android_install_has_a_play_referrer_and_no_ios_install_has() -> None:
    assert all("install_referrer" in fields for fields in installs("android"))
    assert not any("install_referrer" in fields for fields in installs("ios"))


def test_without_permission_an_ios_install_tells_no_device_id() -> None:
    permitted = [fields for fields in installs("ios") if fields["att_status"] == 3]
    assert all("idfa" in fields for fields in permitted)
    assert not any("idfa" in fields for fields in installs("ios") if fields["att_status"] != 3)
    assert 0 < len(permitted) < len(installs("ios")) / 2


def test_some_installs_share_nothing_but_a_device_id_with_their_touchpoint() -> None:
    sent = {fields["touch_id"]: fields for _, fields in rows("touchpoint")}
    true = {truth.install_id: truth.touch_id for truth in all_truths() if truth.touch_id}
    by_device = views = 0
    for _, fields in rows("install"):
        touch = sent.get(true.get(fields["install_id"]) or "", {})
        device = fields.get("gaid") or fields.get("idfa")
        if touch and not click_of(fields) and device in (touch.get("gaid"), touch.get("idfa")):
            by_device += device is not None
            views += device is not None and touch["touch_type"] == "impression"
    assert by_device > len(rows("install")) / 20
    assert views > 20


def links() -> dict[str, int]:
    """When each account was first linked, in log time."""
    linked: dict[str, int] = {}
    for kind in ("install", "session", "in_app_event"):
        for message, fields in rows(kind):
            account = fields.get("customer_user_id")
            if account:
                linked[account] = min(
                    linked.get(account, message.timestamp_ms), message.timestamp_ms
                )
    return linked


def test_some_payments_know_only_an_account_and_some_come_before_its_link() -> None:
    linked = links()
    by_account = [
        (message.timestamp_ms, fields["customer_user_id"])
        for kind in ("purchase", "subscription")
        for message, fields in rows(kind)
        if "install_id" not in fields and not fields["customer_user_id"].startswith("guest-")
    ]
    early = [account for at, account in by_account if at < linked[account]]
    assert len(by_account) > 30
    assert 0 < len(early) < len(by_account) / 2


def test_a_few_payments_are_of_accounts_that_no_install_tells() -> None:
    linked = links()
    strangers = [
        fields
        for _, fields in rows("purchase")
        if "install_id" not in fields and fields["customer_user_id"] not in linked
    ]
    assert 0 < len(strangers) < 20


def test_some_accounts_have_several_installs() -> None:
    owners: dict[str, set[str]] = {}
    for _, fields in rows("session"):
        if "customer_user_id" in fields:
            owners.setdefault(fields["customer_user_id"], set()).add(fields["install_id"])
    assert any(len(found) > 1 for found in owners.values())


def test_a_store_refund_knows_only_its_transaction_and_takes_all_of_it_back() -> None:
    paid = {
        fields["transaction_id"]: (message.timestamp_ms, fields)
        for kind in ("purchase", "subscription")
        for message, fields in rows(kind)
    }
    refunds = rows("refund")
    assert len(refunds) > 5
    for _, fields in refunds:
        _, purchase = paid[fields["transaction_id"]]
        assert "install_id" not in fields
        assert "customer_user_id" not in fields
        assert fields["source"] == "store"
        assert fields["amount_micros"] == -purchase["amount_micros"]
        assert fields["currency"] == purchase["currency"]
        assert fields["event_time"] >= purchase["event_time"]


@pytest.mark.parametrize(
    ("kind", "id_name"),
    [
        ("purchase", "transaction_id"),
        ("ad_revenue", "impression_id"),
        ("refund", "refund_id"),
        ("touchpoint", "touch_id"),
        ("session", "session_id"),
    ],
)
def test_ids_name_one_event_each(kind: str, id_name: str) -> None:
    ids = [fields[id_name] for _, fields in rows(kind)]
    assert len(ids) == len(set(ids)) > 0


def test_every_currency_somebody_pays_in_has_a_rate_to_the_dollar_from_the_first_day() -> None:
    paid = {fields["currency"] for kind in ("purchase", "ad_revenue") for _, fields in rows(kind)}
    first: dict[str, str] = {}
    for _, fields in rows("exchange_rate"):
        pair = {fields["base_currency"], fields["quote_currency"]}
        assert "USD" in pair
        first.setdefault((pair - {"USD"}).pop(), fields["date"])
        assert fields["rate_e9"] >= 10**9  # the heavier currency is the base
    assert paid == first.keys() | {"USD"}
    assert len(set(first.values())) == 1


def test_a_restated_rate_has_a_higher_revision_and_another_value() -> None:
    stated: dict[tuple[str, str, str], dict[int, int]] = {}
    for _, fields in rows("exchange_rate"):
        key = (fields["date"], fields["base_currency"], fields["quote_currency"])
        stated.setdefault(key, {})[fields["revision"]] = fields["rate_e9"]
    restated = [rates for rates in stated.values() if len(rates) == 2]
    assert restated
    assert all(rates[0] != rates[1] for rates in restated)
