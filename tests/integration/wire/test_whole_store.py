"""The real client runs everything of the product on the real engine, and both agree."""

from __future__ import annotations

import threading
from itertools import product
from pathlib import Path

import pytest
from clickhouse_driver import Client

from schemas.outcomes import Outcome
from streams.store.base import BadRowsError, Store
from streams.store.digest import converged_digest, store_digest
from streams.store.migrations import SchemaState, apply_migrations, check, migrations
from streams.store.reading import Document, ReadLimits, answer_to, rows_for
from streams.store.reading.format_answer import format_answer
from streams.store.reconcile import reconcile
from streams.store.server import ServerStore, connection_arguments
from streams.store.sink.readback import highest_offsets, offsets_present
from streams.store.tables import TABLES
from tests.integration.wire.conftest import target_of
from tests.native_server import Fault, NativeServer, Trouble
from tests.worlds.stores.store_world import every_kind, put
from tests.worlds.stores.traffic_outcomes import booking, decision, touch

LIMITS = ReadLimits(seconds=10)
FORMATS = (
    "TSV", "TSVRaw", "TSVWithNames", "CSV", "CSVWithNames", "JSONEachRow", "JSONCompactEachRow",
    "Vertical", "Null",
)  # fmt: skip
QUESTIONS = (
    "SELECT number AS n, number / 4 AS part, toString(number) AS t FROM numbers(3)",
    "SELECT 'tab\\t, line\\n, \"quotes\" and \\'more\\'' AS odd, NULL AS nothing, true AS flag",
    "SELECT ['a', 'b\\'c'] AS texts, [1, 2] AS numbers, map('k', 1.5) AS shares",
    "SELECT toDateTime64('2026-01-02 03:04:05', 3, 'UTC') AS at, toDate('2026-01-02') AS day",
    "SELECT 'ключ' AS key, 0.001 AS tiny, -0.5 AS half, toDecimal64(1.5, 2) AS price",
    "SELECT 1 AS x WHERE 0",
    "SHOW TABLES LIKE 'rev%'",
    "EXISTS TABLE touches",
)


def several() -> list[Outcome]:
    return [
        *every_kind(),
        *[touch(f"more-{n}") for n in range(20)],
        *[decision(f"i{n}") for n in range(20)],
        *[booking(f"b{n}", f"i{n % 20}", 10**15 - n) for n in range(40)],
    ]


def everything(store: Store) -> dict[str, tuple[tuple[str, ...], list[str]]]:
    """The rows of every table and view, in an order of their own."""
    names = [name for (name,) in store.query("SHOW TABLES").rows]
    found = {}
    for name in names:
        answer = store.query(f"SELECT * FROM {name}")
        found[name] = (answer.names, sorted(map(_as_numbers, answer.rows)))
    return found


def _as_numbers(row: tuple[object, ...]) -> str:
    # One writes 1 and the other 1.0: the same number of JSON.
    return repr([_whole(value) for value in row])


def _whole(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return value


def test_every_table_view_digest_and_count_is_the_same_over_the_wire(
    tmp_path: Path,
) -> None:
    pytest.importorskip("chdb")
    from streams.store.embedded import EmbeddedStore

    folder = tmp_path / "store"
    server = NativeServer(folder, timezone="Europe/Berlin")
    try:
        over_wire = ServerStore(target_of(server, timeout_seconds=60.0))
        apply_migrations(over_wire)
        put(over_wire, several())
        received = everything(over_wire)
        digests = store_digest(over_wire), converged_digest(over_wire), reconcile(over_wire)
        answers = {sql: over_wire.read(sql, LIMITS) for sql in QUESTIONS}
        over_wire.close()
    finally:
        server.stop()

    embedded = EmbeddedStore(folder)
    try:
        assert check(embedded) is SchemaState.CURRENT
        expected = everything(embedded)
        assert len(expected) > 40
        assert received.keys() == expected.keys()
        # Only the journal has times without a zone: a client shows them in the server's.
        for name in expected.keys() - {"schema_migrations"}:
            assert received[name] == expected[name], name
        assert digests == (store_digest(embedded), converged_digest(embedded), reconcile(embedded))
        for sql, name in product(QUESTIONS, FORMATS):
            document = format_answer(answers[sql], name)
            assert document == embedded.render(sql, name, LIMITS), (sql, name)
    finally:
        embedded.close()


def test_a_second_migration_over_the_wire_changes_nothing(store: ServerStore) -> None:
    assert check(store) is SchemaState.CURRENT
    assert apply_migrations(store) == []
    journal = store.query("SELECT count(), uniqExact(number) FROM schema_migrations").rows
    assert journal == [(len(migrations()), len(migrations()))]


def test_stored_offsets_are_read_back(store: ServerStore) -> None:
    put(store, [touch("a"), touch("b")], first_offset=7)
    put(store, [touch("c")], first_offset=9, partition=1)

    assert highest_offsets(store, "touches", "test", [0, 1, 2]) == {0: 8, 1: 9}
    assert offsets_present(store, "touches", "test", 0, (8, 60)) == {8}


def test_inserts_send_the_settings_that_keep_rows_from_being_lost(
    store: ServerStore, server: NativeServer
) -> None:
    before = len(server.settings_seen)
    put(store, [touch("a")])
    assert {"async_insert": "0", "receive_timeout": "3"} in server.settings_seen[before:]

    store.query("SELECT 1")
    assert server.settings_seen[-1] == {"readonly": "1"}


def test_a_person_s_statement_is_guarded_on_a_server_too(
    store: ServerStore, server: NativeServer
) -> None:
    put(store, [touch("a")])
    assert rows_for(store, "SELECT event_id FROM touches FORMAT CSV;", LIMITS).rows == [("a",)]
    assert answer_to(store, "SELECT event_id FROM touches FORMAT CSV", LIMITS) == Document(b'"a"\n')
    sent = server.settings_seen[-1]
    assert sent["readonly"] == "1"
    assert sent["max_execution_time"] == "10"


def test_a_user_whose_limits_are_fixed_is_answered_within_those(
    store: ServerStore, server: NativeServer
) -> None:
    server.order(
        Trouble(
            Fault.ERROR,
            statement="^SELECT 7",
            code=164,
            message="Cannot modify 'max_execution_time' setting in readonly mode",
            times=1,
        )
    )
    assert rows_for(store, "SELECT 7 AS x", LIMITS).rows == [(7,)]
    assert "max_execution_time" not in server.settings_seen[-1]


def test_progress_ping_and_cancel_are_those_of_a_server(server: NativeServer) -> None:
    """What the driver offers beyond what the store uses."""
    _, arguments = connection_arguments(target_of(server))
    client = Client(**arguments)
    try:
        progress = client.execute_with_progress("SELECT number FROM numbers(300000)")
        assert max(rows for rows, _ in progress) >= 65_000
        assert len(progress.get_result()) == 300_000
        assert client.connection.ping()

        rows = client.execute_iter("SELECT number FROM numbers(100000000)")
        assert next(rows) == (0,)
        client.cancel()
        assert client.execute("SELECT 5") == [(5,)]
    finally:
        client.disconnect()


def test_a_value_that_does_not_fit_is_refused_and_nothing_is_stored(store: ServerStore) -> None:
    with pytest.raises(BadRowsError):
        store.insert("freshness", {"stage": ["a", "b"], "partition": [1, "two"]})
    with pytest.raises(BadRowsError):
        store.insert("freshness", {"stage": ["a"], "partition": [2**63]})
    assert store.query("SELECT count() FROM freshness").rows == [(0,)]


def test_threads_write_and_read_at_the_same_time(store: ServerStore) -> None:
    faults: list[BaseException] = []

    def work(part: int) -> None:
        try:
            for step in range(4):
                put(store, [touch(f"{part}-{step}")], part * 100 + step)
                store.query("SELECT count() FROM v_attributions")
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert store.query("SELECT count(), uniqExact(event_id) FROM touches").rows == [(16, 16)]


def test_every_table_has_an_outcome_in_this_test() -> None:
    assert {type(row) for row in every_kind()} == {table.outcome for table in TABLES.values()}
