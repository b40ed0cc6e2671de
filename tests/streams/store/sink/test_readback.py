"""What is stored already is recognised by log, offset and content; another log's rows are not."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import pytest

pytest.importorskip("chdb", reason="the embedded store is not installed")

from schemas.outcomes import Outcome, outcome_encoder
from streams.store.base import Store
from streams.store.sink.sealed_batch import Polled, SealedBatch
from streams.store.sink.writer import InsertReport, TableWriter
from streams.store.tables import TABLES
from tests.worlds.stores.migrated import migrated_store
from tests.worlds.stores.traffic_outcomes import touch


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = migrated_store(tmp_path_factory.mktemp("store") / "chdb")
    yield store
    store.close()


@pytest.fixture
def store(database: Store) -> Store:
    database.execute("TRUNCATE TABLE touches")
    return database


def batch(first: int, rows: Sequence[Outcome], partition: int = 0) -> SealedBatch:
    values: list[bytes | None] = [outcome_encoder.encode(row) for row in rows]
    offsets = list(range(first, first + len(rows)))
    return SealedBatch((Polled(partition, offsets, values, 1),), len(rows))


def clicks(names: str) -> list[Outcome]:
    return [touch(name) for name in names]


def write(store: Store, first: int, names: str, partition: int = 0) -> InsertReport:
    """What a storing worker writes after a restart, before it knows what is there."""
    writer = TableWriter(store, TABLES["touches"], "1")
    return writer.write(batch(first, clicks(names), partition))


def stored(store: Store) -> list[tuple[str, str]]:
    rows = store.query("SELECT log_epoch, event_id FROM touches ORDER BY ALL").rows
    return [(str(epoch), str(name)) for epoch, name in rows]


def names(store: Store) -> str:
    return "".join(sorted(name for _, name in stored(store)))


def test_the_last_stored_row_alone_is_recognised(store: Store) -> None:
    """Offset 2 was committed, and 0 to 2 are stored: the search includes the highest offset."""
    write(store, 0, "abc")
    assert write(store, 2, "cd") == InsertReport(rows=1, skipped=1)
    assert names(store) == "abcd"


def test_rows_of_a_topic_that_was_created_anew_are_stored_and_said(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody knows the topic's id here: the content of the rows gives it away."""
    write(store, 0, "abc")
    with caplog.at_level(logging.WARNING):
        written = write(store, 0, "xyz")
    assert written == InsertReport(rows=3, skipped=0)
    assert stored(store)[3:] == [("1+1", "x"), ("1+1", "y"), ("1+1", "z")]
    (line,) = caplog.messages
    assert "touches-0 was created anew" in line
    assert "log epoch 1+1" in line


def test_a_log_made_anew_is_stored_once_after_every_further_restart(store: Store) -> None:
    write(store, 0, "abc")
    write(store, 0, "xyz")
    assert write(store, 1, "yzu") == InsertReport(rows=1, skipped=2)
    assert write(store, 0, "qr").rows == 2
    assert write(store, 0, "qr") == InsertReport(rows=0, skipped=2)
    assert names(store) == "abcqruxyz"


def test_another_log_under_one_partition_leaves_the_others_alone(store: Store) -> None:
    write(store, 0, "abc", partition=0)
    write(store, 0, "def", partition=1)
    write(store, 0, "xyz", partition=0)
    assert write(store, 1, "ef", partition=1) == InsertReport(rows=0, skipped=2)


def test_an_erased_value_is_no_sign_of_another_log(store: Store) -> None:
    """Erasures empty columns of stored rows; the message still has them."""
    write(store, 0, "abc")
    store.execute(
        "ALTER TABLE touches UPDATE device_key = '', campaign_id = '' WHERE 1"
        " SETTINGS mutations_sync = 1"
    )
    assert write(store, 0, "abc") == InsertReport(rows=0, skipped=3)


def test_a_row_that_came_back_changed_is_no_sign_of_another_log(store: Store) -> None:
    """Most rows decide, so that one value that a table keeps differently stores nothing twice."""
    write(store, 0, "abc")
    store.execute("ALTER TABLE touches UPDATE media_source = 'other' WHERE log_offset = 1"
                  " SETTINGS mutations_sync = 1")  # fmt: skip
    assert write(store, 0, "abc") == InsertReport(rows=0, skipped=3)
