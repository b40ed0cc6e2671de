"""The embedded store keeps outcomes exactly, and says in one line why it cannot."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from streams.store.base import BadRowsError, Columns, Refused
from streams.store.embedded import EmbeddedStore
from streams.store.sink.readback import highest_offsets, offsets_present
from streams.store.tables import TABLES, ColumnKind
from tests.worlds.stores.store_world import every_kind, put
from tests.worlds.stores.traffic_outcomes import decision, touch

pytest.importorskip("chdb")

TYPE_OF_KIND = {
    ColumnKind.TEXT: "String",
    ColumnKind.INTEGER: "Int64",
    ColumnKind.TIME: "DateTime64(3, 'UTC')",
    ColumnKind.FLAG: "Bool",
    ColumnKind.FRACTION: "Float64",
    ColumnKind.TEXTS: "Array(String)",
    ColumnKind.INTEGERS: "Array(Int64)",
    ColumnKind.FRACTIONS_BY_NAME: "Map(String, Float64)",
}


def test_every_outcome_field_has_a_column_of_its_type(store: EmbeddedStore) -> None:
    found = store.query(
        "SELECT table, name, type FROM system.columns"
        " WHERE database = currentDatabase() AND table IN {tables} AND name != 'inserted_at'",
        {"tables": sorted(TABLES)},
    )
    types = {
        (table, name): kind.replace("LowCardinality(String)", "String")
        for table, name, kind in found.rows
    }
    expected = {
        (table.name, column.name): TYPE_OF_KIND[column.kind]
        for table in TABLES.values()
        for column in table.all_columns
    }
    assert types == expected


def test_every_table_and_column_is_described(store: EmbeddedStore) -> None:
    nameless = store.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase()"
        " AND comment = ''"
        " UNION ALL SELECT name, '' FROM system.tables WHERE database = currentDatabase()"
        " AND comment = ''"
    )
    assert nameless.rows == []


def test_an_outcome_of_every_kind_comes_back_as_it_was_said(store: EmbeddedStore) -> None:
    put(store, every_kind())

    for name in TABLES:
        assert store.query(f"SELECT count() FROM {name}").rows == [(1,)], name
    assert store.query("SELECT features FROM features").rows == [({"bias": 1.0, "hour": 0.1},)]
    assert store.query("SELECT identity_types FROM privacy_rows").rows == [(["idfa", "idfv"],)]
    assert store.query("SELECT is_relink, event_time FROM revenue").rows == [
        (False, "2026-01-02 12:00:00.000")
    ]
    assert store.query("SELECT offsets, log_epoch FROM ledger").rows == [([0], "test")]


def test_a_value_of_the_wrong_type_is_refused_and_nothing_is_stored(store: EmbeddedStore) -> None:
    row: Columns = {"stage": ["matching"], "partition": ["one"], "stage_time": [0]}

    with pytest.raises(BadRowsError, match="freshness"):
        store.insert("freshness", row)
    assert store.query("SELECT count() FROM freshness").rows == [(0,)]


def test_what_the_table_itself_does_not_take_is_never_said_to_be_stored(
    store: EmbeddedStore,
) -> None:
    store.execute("ALTER TABLE freshness ADD CONSTRAINT few CHECK partition < 4")
    try:
        row: Columns = {"stage": ["matching"], "partition": [4], "stage_time": [0]}
        with pytest.raises(BadRowsError, match="few"):
            store.insert("freshness", row)
        assert store.query("SELECT count() FROM freshness").rows == [(0,)]
    finally:
        store.execute("ALTER TABLE freshness DROP CONSTRAINT few")


def test_a_missing_value_is_refused_instead_of_becoming_zero(store: EmbeddedStore) -> None:
    with pytest.raises(BadRowsError, match="missing"):
        store.insert("freshness", {"stage": ["a"], "partition": [None], "stage_time": [0]})


def test_stored_offsets_are_found_per_epoch_and_partition(store: EmbeddedStore) -> None:
    put(store, [touch("a"), touch("b")], first_offset=7)
    put(store, [touch("c")], first_offset=9, partition=1)
    put(store, [touch("d")], first_offset=50, epoch="before")

    assert highest_offsets(store, "touches", "test", [0, 1, 2]) == {0: 8, 1: 9}
    assert highest_offsets(store, "touches", "test", []) == {}
    assert offsets_present(store, "touches", "test", 0, (8, 60)) == {8}


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE touches",
        "INSERT INTO freshness VALUES ('a', 1, 0)",
        "SELECT 1; DROP TABLE touches",
        "/* SELECT */ TRUNCATE TABLE touches",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "",
    ],
)
def test_a_query_that_could_change_anything_is_refused(store: EmbeddedStore, sql: str) -> None:
    with pytest.raises(Refused):
        store.query(sql)


def test_a_semicolon_or_a_forbidden_word_inside_a_text_is_no_statement(
    store: EmbeddedStore,
) -> None:
    assert store.query("SELECT 'insert; drop' AS text;").rows == [("insert; drop",)]


def test_a_wrong_query_is_answered_in_one_line(store: EmbeddedStore) -> None:
    with pytest.raises(Refused) as refusal:
        store.query("SELECT nonsense FROM touches")
    assert "nonsense" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_quoted_values_cannot_leave_their_quotes(store: EmbeddedStore) -> None:
    put(store, [decision("o'brien\\")])

    found = store.query(
        "SELECT count() FROM attributions WHERE install_id = {id}", {"id": "o'brien\\"}
    )
    assert found.rows == [(1,)]


def test_a_question_does_not_wait_for_what_is_being_written(store: EmbeddedStore) -> None:
    """A build of cohorts takes seconds, in which the board asks."""
    writing = threading.Thread(target=store.execute, args=("SELECT sleep(1)",))
    writing.start()
    assert store.query("SELECT 1").rows == [(1,)]
    assert writing.is_alive()
    writing.join()


def test_a_folder_in_use_is_named_in_one_line(store: EmbeddedStore) -> None:
    script = (
        "import sys; from pathlib import Path; from streams.errors import Stop\n"
        "from streams.store.embedded import EmbeddedStore\n"
        "try:\n    EmbeddedStore(Path(sys.argv[1]))\nexcept Stop as stop:\n    print(stop)"
    )
    other = subprocess.run(
        [sys.executable, "-c", script, store.place], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == (
        f"the store in {store.place} is in use by another process: stop that one first"
    )
    assert other.stderr == ""
