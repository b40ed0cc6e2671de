"""Rows of a topic that was created anew get a log epoch of their own, and keep it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

pytest.importorskip("chdb", reason="the embedded store is not installed")

from streams.settings.storing import StoreTarget
from streams.store.base import Store
from streams.store.log_epochs import LOG_EPOCHS, bind_epochs, known_logs_of
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
    assert found == {"touches": "1.x", "ledger": "1"}
    (line,) = caplog.messages
    assert "topic touches is another log than before (c/x, before c/a)" in line
    assert known_logs_of(store) == {"touches": "c/x", "ledger": "c/b"}


def test_a_bound_log_keeps_its_epoch_and_a_log_that_comes_back_gets_its_old_one(
    store: Store,
) -> None:
    for log, epoch in (("c/a", "1"), ("c/x", "1.x"), ("c/x", "1.x"), ("c/a", "1"), ("d/y", "1.y")):
        assert bind_epochs(store, "1", {"touches": log}) == {"touches": epoch}


def test_an_operators_new_epoch_is_taken_as_it_is(store: Store) -> None:
    bind_epochs(store, "1", {"touches": "c/a"})
    assert bind_epochs(store, "2", {"touches": "c/x"}) == {"touches": "2"}
    assert bind_epochs(store, "2", {"touches": "c/y"}) == {"touches": "2.y"}


def test_without_topic_ids_the_configured_epoch_holds_and_nothing_is_bound(store: Store) -> None:
    assert bind_epochs(store, "uuid", {"touches": ""}) == {"touches": "uuid"}
    assert known_logs_of(store) == {}
