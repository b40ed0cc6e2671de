"""Rows of a topic that was created anew get a log epoch of their own, and keep it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

pytest.importorskip("chdb", reason="the embedded store is not installed")

from streams.settings.storing import StoreTarget
from streams.store.base import Store
from streams.store.log_epochs import LOG_EPOCHS, SERIES, bind_epochs, known_logs_of
from streams.wiring.store import open_target


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_target(StoreTarget(folder=tmp_path_factory.mktemp("epochs") / "chdb"), 60)
    yield store
    store.close()


@pytest.fixture
def store(database: Store) -> Store:
    database.execute(f"DROP TABLE IF EXISTS {LOG_EPOCHS}")
    return database


def test_the_first_log_gets_the_configured_epoch_which_older_rows_have(store: Store) -> None:
    assert bind_epochs(store, "1", {"touches": "c/a", "ledger": "c/b"}) == {
        "touches": "1",
        "ledger": "1",
    }


def test_a_topic_created_anew_gets_an_epoch_of_its_own_and_one_line(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    bind_epochs(store, "1", {"touches": "c/a", "ledger": "c/b"})
    with caplog.at_level(logging.WARNING):
        found = bind_epochs(store, "1", {"touches": "c/x", "ledger": "c/b"})
    assert found == {"touches": "1~x", "ledger": "1"}
    (line,) = caplog.messages
    assert "topic touches is another log than before (c/x, before c/a)" in line
    assert known_logs_of(store) == {"touches": "c/x", "ledger": "c/b"}


def test_a_bound_log_keeps_its_epoch_and_a_log_that_comes_back_gets_its_old_one(
    store: Store,
) -> None:
    for log, epoch in (("c/a", "1"), ("c/x", "1~x"), ("c/x", "1~x"), ("c/a", "1"), ("d/y", "1~y")):
        assert bind_epochs(store, "1", {"touches": log}) == {"touches": epoch}


def test_an_operators_new_epoch_is_taken_as_it_is(store: Store) -> None:
    bind_epochs(store, "1", {"touches": "c/a"})
    assert bind_epochs(store, "2", {"touches": "c/x"}) == {"touches": "2"}
    assert bind_epochs(store, "2", {"touches": "c/y"}) == {"touches": "2~y"}


def test_without_topic_ids_the_configured_epoch_holds_and_nothing_is_bound(store: Store) -> None:
    assert bind_epochs(store, "uuid", {"touches": ""}) == {"touches": "uuid"}
    assert known_logs_of(store) == {}


def epochs(store: Store, touches: str, ledger: str, register: str) -> list[str]:
    logs = {"touches": touches, "ledger": ledger, "source-logs": register}
    found = bind_epochs(store, "1", logs)
    return [found["touches"], found["ledger"]]


def test_epochs_are_of_one_series_until_the_source_topics_are_numbered_anew(store: Store) -> None:
    assert epochs(store, "c/a", "c/b", "c/r") == ["1", "1"]
    assert epochs(store, "c/x", "c/y", "c/r") == ["1~x", "1~y"]
    assert epochs(store, "c/m", "c/n", "c/s") == ["1.s~m", "1.s~n"]
    assert epochs(store, "c/m", "c/o", "c/s") == ["1.s~m", "1.s~o"]
    assert epochs(store, "c/x", "c/y", "c/r") == ["1~x", "1~y"]
    assert known_logs_of(store)["source-logs"] == "c/s"


def test_a_topic_that_is_first_met_in_a_later_series_begins_there(store: Store) -> None:
    bind_epochs(store, "1", {"touches": "c/a", "source-logs": "c/r"})
    assert epochs(store, "c/x", "c/b", "c/s") == ["1.s~x", "1.s"]
    assert epochs(store, "c/x", "c/d", "c/s") == ["1.s~x", "1.s~d"]


def test_the_register_of_a_store_of_earlier_builds_begins_with_its_latest_ledger(
    store: Store,
) -> None:
    bind_epochs(store, "1", {"ledger": "c/a"})
    store.execute(
        f"INSERT INTO {LOG_EPOCHS} (topic, number, log, configured, epoch)"
        " SELECT 'ledger', 2, 'c/b', '1', '1.b'"
    )
    assert bind_epochs(store, "1", {"ledger": "c/b", "source-logs": "c/r"}) == {"ledger": "1.b"}
    assert bind_epochs(store, "1", {"ledger": "c/d", "source-logs": "c/r"}) == {"ledger": "1.b~d"}


def test_rows_of_a_series_are_read_under_its_name(store: Store) -> None:
    found = store.query(
        f"SELECT {SERIES} FROM (SELECT toLowCardinality(arrayJoin(['1', '1~x-_9', '1.s', '1.s~m',"
        " '1+1'])) AS log_epoch)"
    )
    assert [row[0] for row in found.rows] == ["1", "1", "1.s", "1.s", "1+1"]
