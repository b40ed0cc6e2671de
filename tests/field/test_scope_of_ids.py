"""Ids that are unique only within their app or their kind, and people who asked to be forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.kafka.kcat import KcatRecord
from tests.field.test_dumps_and_money import CASES, START, event, replayed, written

FOLDER = CASES / "cases"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
PHONE = "38400000-8cf0-11bd-b23e-10b96e402801"


def test_two_apps_may_have_the_same_install_id(tmp_path: Path) -> None:
    decided = (
        "SELECT app_id, conversion_type FROM attributions WHERE app_id != 'tick' ORDER BY app_id"
    )
    paid = "SELECT app_id, sum(amount_micros) FROM revenue GROUP BY app_id"
    _, (rows, revenue) = replayed(tmp_path, FOLDER / "install-id-in-two-apps.jsonl", decided, paid)
    assert rows == [("app.one", "install"), ("app.two", "install")]
    assert revenue == [("app.two", 1_990_000)]


def test_a_view_and_a_click_may_have_the_same_event_id(tmp_path: Path) -> None:
    credited = "SELECT install_id, touch_type, status FROM v_attributions WHERE app_id != 'tick'"
    settled = "SELECT disposition, count() FROM v_accounting GROUP BY disposition"
    _, (rows, dispositions) = replayed(
        tmp_path, FOLDER / "event-id-of-view-and-click.jsonl", credited, settled
    )
    assert rows == [("d1", "click", "non_organic")]
    assert dispositions == [("decided", 4)]


def test_who_writes_a_uuid_otherwise_means_the_same_person(tmp_path: Path) -> None:
    phone, account = "5F0C1A52-7D0E-4F6B-9A53-2D1C7F1B8E10", "9B2D6F04-11AC-4E0B-8C55-0E9E6F3A7D21"
    sale, at = "0D5C3B1A-2222-4B6E-9F00-7A1B2C3D4E5F", START + HOUR_MS
    paid = {"amount_micros": 5_000_000, "currency": "EUR"}
    by_app = {"install_id": phone, "customer_user_id": account}
    sent = [
        event("installs", "install", START, event_id="e1", **by_app),
        # The app, in upper case; its server, whose database writes lower case; a script without
        # dashes; and the refund, in braces.
        event("payments", "purchase", at, event_id="e2", transaction_id=sale, **paid, **by_app),
        event("payments", "purchase", at, event_id="e3", transaction_id=sale.lower(), **paid,
              install_id=phone.lower()),
        event("payments", "purchase", at, event_id="e4", transaction_id="GPA.1", **paid,
              install_id=phone.replace("-", "")),
        event("payments", "purchase", at, event_id="e5", transaction_id="gpa.1", **paid,
              customer_user_id=account.lower()),
        event("payments", "refund", at + HOUR_MS, event_id="e6", refund_id="r1",
              transaction_id=f"{{{sale}}}"),
        event("activity", "session", at, event_id="0D5C3B1A-0000-4B6E-9F00-7A1B2C3D4E5F",
              session_id="s", install_id=f"urn:uuid:{phone}"),
        event("activity", "session", at, event_id="0d5c3b1a-0000-4b6e-9f00-7a1b2c3d4e5f",
              session_id="s", install_id=phone),
    ]  # fmt: skip
    money = (
        "SELECT install_id, transaction_id, sum(amount_micros) FROM revenue"
        " GROUP BY 1, 2 ORDER BY 2"
    )
    settled = "SELECT disposition, count() FROM v_accounting GROUP BY disposition ORDER BY 1"
    _, (revenue, dispositions) = replayed(tmp_path, written(tmp_path, sent), money, settled)
    person = phone.lower()
    assert revenue == [(person, sale.lower(), 0), (person, "GPA.1", 5_000_000),
                       (person, "gpa.1", 5_000_000)]  # fmt: skip
    assert dispositions == [("decided", 7), ("duplicate", 1)]


def test_nothing_says_that_a_new_install_is_the_person_who_was_erased(tmp_path: Path) -> None:
    credited = (
        "SELECT install_id, conversion_type, media_source, prior_install_id FROM v_attributions"
        " WHERE app_id != 'tick' ORDER BY install_id"
    )
    _, (rows,) = replayed(tmp_path, FOLDER / "erased-device-is-remembered.jsonl", credited)
    assert rows == [("first", "install", "organic", ""), ("second", "install", "adnova", "")]


def test_test_traffic_is_kept_apart_and_teaches_nobody(tmp_path: Path) -> None:
    installs = "SELECT install_id, environment FROM attributions WHERE app_id != 'tick' ORDER BY 1"
    money = "SELECT install_id, environment, amount_micros FROM revenue ORDER BY 1"
    scored = "SELECT DISTINCT install_id FROM predictions"
    shared = "SELECT DISTINCT install_id FROM credits"
    _, (rows, revenue, *others) = replayed(
        tmp_path, FOLDER / "sandbox-counted-as-real.jsonl", installs, money, scored, shared
    )
    assert rows == [("real", "production"), ("testflight", "sandbox")]
    assert revenue == [("real", "production", 1_990_000), ("testflight", "sandbox", 99_990_000)]
    assert others == [[("real",)], [("real",)]]


def test_a_restored_install_id_is_another_conversion_on_another_phone(tmp_path: Path) -> None:
    decided = (
        "SELECT install_id, conversion_id, conversion_type, status, media_source, prior_install_id"
        " FROM v_attributions WHERE app_id != 'tick' ORDER BY install_time"
    )
    _, (rows,) = replayed(tmp_path, FOLDER / "same-install-id-after-reinstall.jsonl", decided)
    assert rows == [
        ("kc-1", "kc-1", "install", "organic", "organic", ""),
        ("kc-1", "kc-1~e3", "install", "non_organic", "adnova", ""),
    ]


@pytest.mark.parametrize("is_backwards", [False, True])
def test_money_belongs_to_the_life_it_was_made_in_even_if_that_one_is_logged_later(
    is_backwards: bool, tmp_path: Path
) -> None:
    earned = (
        "SELECT media_source, toInt64(sum(installs)), toInt64(sum(payers)),"
        " toFloat64(sum(revenue)) FROM v_campaign_daily WHERE app_id != 'tick'"
        " GROUP BY media_source ORDER BY media_source"
    )
    reported = [
        *_life("one", 0, click="k1"),
        _paid("p1", HOUR_MS, 1_000_000),
        *_life("two", 100 * DAY_MS, click="k2"),
        _paid("p2", 101 * DAY_MS, 2_000_000),
    ]
    _, (rows,) = replayed(tmp_path, written(tmp_path, _logged(reported, is_backwards)), earned)
    assert rows == [("net-k1", 1, 1, 1.0), ("net-k2", 1, 1, 2.0)]


@pytest.mark.parametrize("is_backwards", [False, True])
def test_what_the_later_of_two_first_opens_shows_beyond_the_earlier_is_new_in_any_order(
    is_backwards: bool, tmp_path: Path
) -> None:
    decided = "SELECT conversion_type, media_source FROM v_attributions ORDER BY install_time"
    reported = [*_life("one", 0), *_life("two", 100 * DAY_MS, click="k2")]
    _, (rows,) = replayed(tmp_path, written(tmp_path, _logged(reported, is_backwards)), decided)
    assert rows == [("install", "organic"), ("install", "net-k2")]


def _life(name: str, at: int, *, click: str = "") -> list[KcatRecord]:
    """A first open of one install id, and the click that led to it."""
    opened: dict[str, Any] = {"event_id": name, "install_id": "i", "gaid": PHONE}
    if not click:
        return [event("installs", "install", START + at, **opened)]
    touched = {"touch_type": "click", "touch_id": click, "media_source": f"net-{click}"}
    return [
        event("touchpoints", "touchpoint", START + at - HOUR_MS, event_id=click, **touched),
        event("installs", "install", START + at, install_referrer=f"click_id={click}", **opened),
    ]


def _paid(name: str, at: int, micros: int) -> KcatRecord:
    ids = {"event_id": name, "transaction_id": name, "install_id": "i"}
    return event("payments", "purchase", START + at, amount_micros=micros, currency="USD", **ids)


def _logged(reported: list[KcatRecord], is_backwards: bool) -> list[KcatRecord]:
    """All of it logged a year later, as a backfill is; and a record that only moves time on."""
    year = START + 365 * DAY_MS
    order = reported[::-1] if is_backwards else reported
    late = [one._replace(timestamp_ms=year + number * 1_000) for number, one in enumerate(order)]
    tick = {"app_id": "tick", "event_id": "tick", "date": "2027-09-21", "media_source": "tick"}
    later = year + 30 * DAY_MS
    return [*late, event("costs", "cost", later, amount_micros=0, currency="USD", **tick)]
