"""Rows expire by the setting, and what is left is explained: accounting, views, readbacks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from schemas.outcomes import Outcome
from streams.errors import Stop
from streams.settings.values import Retention
from streams.store.base import Store
from streams.store.migrations import SchemaState, check
from streams.store.reconcile import reconcile
from streams.store.retention import apply_retention, kept_days, require_consistent
from streams.store.tables import TABLES
from tests.worlds.stores.migrated import migrated_store
from tests.worlds.stores.store_world import empty, every_kind, put
from tests.worlds.stores.traffic_outcomes import booking, decision, ledger, touch


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    pytest.importorskip("chdb")
    opened = migrated_store(tmp_path_factory.mktemp("retention") / "store")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _clean(store: Store) -> Iterator[None]:
    yield
    apply_retention(store, Retention.parse("*:forever"))
    empty(store)


def put_aged(store: Store, days: int, rows: list[Outcome], first_offset: int) -> None:
    """Store rows as if that had happened so many days ago."""
    moment = datetime.now(UTC) - timedelta(days=days)
    put(store, rows, first_offset, inserted_at=int(moment.timestamp() * 1000))


def expire(store: Store) -> None:
    """Do at once what the engine does within hours."""
    for table in filter(partial(counted, store), TABLES):
        store.execute(f"OPTIMIZE TABLE {table} FINAL")


def counted(store: Store, table: str) -> int:
    return int(store.query(f"SELECT count() FROM {table}").rows[0][0])


def test_rows_of_every_table_vanish_when_they_are_too_old_and_no_others(store: Store) -> None:
    put_aged(store, 40, every_kind(), 0)
    put_aged(store, 20, every_kind(), 1_000)
    put(store, every_kind(), 2_000)

    changed = apply_retention(store, Retention.parse("*:30d"))
    expire(store)

    assert changed == dict.fromkeys(TABLES, "for 30 days")
    assert {name: counted(store, name) for name in TABLES} == dict.fromkeys(TABLES, 2)
    assert check(store) is SchemaState.CURRENT


def test_a_row_lives_at_least_as_long_as_the_setting_says(store: Store) -> None:
    for age in (8, 9, 10):
        put_aged(store, age, [touch(f"e{age}")], age * 100)
    apply_retention(store, Retention.parse("touches:9d"))
    expire(store)
    kept = store.query("SELECT event_id FROM touches ORDER BY event_id").rows
    assert kept == [("e8",), ("e9",)]


def test_a_table_that_is_named_expires_alone(store: Store) -> None:
    put_aged(store, 40, every_kind(), 0)
    apply_retention(store, Retention.parse("touches:30d, dead_letters : 8d"))
    expire(store)
    assert {name for name in TABLES if not counted(store, name)} == {"touches", "dead_letters"}
    assert kept_days(store) == {"touches": 30, "dead_letters": 8}


def test_retention_is_changed_and_taken_back_and_a_second_time_changes_nothing(
    store: Store,
) -> None:
    wanted = Retention.parse("touches:30d")
    assert apply_retention(store, wanted) == {"touches": "for 30 days"}
    assert apply_retention(store, wanted) == {}
    assert apply_retention(store, None) == {}
    assert apply_retention(store, Retention.parse("touches:60d")) == {"touches": "for 60 days"}
    assert apply_retention(store, Retention.parse("*:forever")) == {"touches": "for ever"}
    assert kept_days(store) == {}


def test_the_view_says_from_which_day_on_figures_are_complete(store: Store) -> None:
    apply_retention(store, Retention.parse("touches:30d"))
    found = store.query(
        "SELECT table_name, keep_days, dateDiff('day', complete_since, toDate(now('UTC')))"
        " FROM v_table_retention WHERE table_name IN ('touches', 'revenue') ORDER BY table_name"
    ).rows
    assert found[0][:2] == ("revenue", 0)
    assert found[1] == ("touches", 30, 30)
    listed = {row[0] for row in store.query("SELECT table_name FROM v_table_retention").rows}
    assert listed == {*TABLES, "privacy_erased", "cohort_daily", "cohort_builds"}


def settled(store: Store, days: int, first: int) -> None:
    """Ten touchpoints, a repeat, and a payment that moved to another install a day later."""
    offsets = list(range(first, first + 10))
    put_aged(
        store,
        days,
        [
            *[touch(f"e{n}", source_offset=n) for n in offsets],
            touch(f"e{first}", source_offset=first + 10),
            ledger("decided", "touchpoints", offsets),
            ledger("duplicate", "touchpoints", [first + 10]),
            decision(f"i{first}", source_offset=first),
            ledger("decided", "installs", [first]),
            booking(f"b{first}", f"i{first}", source_offset=first),
            ledger("decided", "payments", [first]),
        ],
        first_offset=first * 100,
    )


@pytest.mark.parametrize("setting", ["touches:30d", "*:30d", "ledger:60d,revenue:20d"])
def test_accounting_stays_reconciled_while_rows_expire(store: Store, setting: str) -> None:
    for number, age in enumerate((70, 31, 29, 0)):
        settled(store, age, number * 100)
    assert reconcile(store).faults == []

    apply_retention(store, Retention.parse(setting))
    expire(store)

    assert reconcile(store).faults == []


def test_rows_that_are_really_missing_are_found_while_others_expire(store: Store) -> None:
    for number, age in enumerate((90, 10, 0)):
        settled(store, age, number * 100)
    apply_retention(store, Retention.parse("touches:30d"))
    expire(store)
    store.execute("DELETE FROM touches WHERE event_id = 'e203'")
    store.execute("DELETE FROM revenue WHERE source_offset = 100")

    faults = reconcile(store).faults
    assert any(fault.startswith("touches: ") for fault in faults)
    assert any(fault.startswith("revenue: ") for fault in faults)


@pytest.mark.parametrize(
    "text",
    ["touches", "touches:", "touches:7d", "touches:36h", "touches:4000d", "Touches:30d", ":30d",
     "touches:30d,touches:40d", "touches:-30d", "touches:30", "touches=30d", "a b:30d", ","],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Retention.parse(text)


def test_a_setting_is_written_as_it_was_read() -> None:
    text = "touches:90d,dead_letters:30d,*:forever"
    assert str(Retention.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("clicks:30d", "touches"),
        ("rates:30d", "rates:forever"),
        ("revenue:90d,rates:60d,spend:60d", "rates:90d"),
        (
            "credits:90d,attributions:60d,predictions:8d,revenue:8d,fraud_verdicts:8d",
            "attributions:",
        ),
        ("*:90d", "attributions:490d"),
        ("*:3600d", "attributions:forever"),
    ],
)
def test_what_views_need_together_is_kept_together(text: str, advice: str) -> None:
    with pytest.raises(Stop, match=advice) as stop:
        require_consistent(Retention.parse(text), 400)
    assert "\n" not in str(stop.value)


def test_a_setting_that_fits_is_taken() -> None:
    require_consistent(Retention.parse("touches:90d,dead_letters:30d,*:forever"), 400)
    require_consistent(Retention.parse("*:90d,attributions:490d"), 400)
