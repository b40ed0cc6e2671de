"""Ids that are unique only within their app or their kind, and people who asked to be forgotten."""

from __future__ import annotations

from pathlib import Path

from tests.field.test_dumps_and_money import CASES, replayed

FOLDER = CASES / "cases"


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
