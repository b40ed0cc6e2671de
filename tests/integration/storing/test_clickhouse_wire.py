"""The native protocol against a real server, with a small table of its own.

Debian's server is too old for Headwater's tables; those run on the embedded engine.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.servers import ClickHouseServer
from schemas import outcomes
from schemas.outcomes import Freshness
from schemas.time import LogMs
from streams.errors import Stop
from streams.settings.storing import StoreTarget
from streams.store.base import BadRowsError, Columns, Refused, UnavailableError
from streams.store.server import ServerStore, connection_arguments
from streams.store.sink.sealed_batch import Polled, SealedBatch
from streams.store.sink.writer import TableWriter
from streams.store.tables import TABLES
from tests.worlds.stores.traffic_outcomes import NOON

pytestmark = pytest.mark.clickhouse

# Freshness without DateTime64, which the old server lacks.
TABLE = """
CREATE TABLE freshness (stage String, partition Int64, stage_time Int64,
    log_epoch String, log_partition Int64, log_offset Int64)
ENGINE = MergeTree PARTITION BY tuple() ORDER BY log_offset
"""


@pytest.fixture
def target(clickhouse_server: ClickHouseServer) -> StoreTarget:
    return StoreTarget(url=clickhouse_server.url, timeout_seconds=5.0)


@pytest.fixture
def store(target: StoreTarget) -> Iterator[ServerStore]:
    opened = ServerStore(target, receive_timeout_seconds=3.0)
    opened.execute("DROP TABLE IF EXISTS freshness")
    opened.execute(TABLE)
    yield opened
    opened.close()


def batch(first: int, count: int) -> SealedBatch:
    offsets = list(range(first, first + count))
    values: list[bytes | None] = [
        outcomes.outcome_encoder.encode(
            Freshness(stage="matching", partition=0, stage_time=LogMs(NOON + n))
        )
        for n in offsets
    ]
    return SealedBatch((Polled(0, offsets, values, 0),), count)


def writer(store: ServerStore) -> TableWriter:
    return TableWriter(store, TABLES["freshness"], "test")


def counted(store: ServerStore) -> tuple[int, ...]:
    return store.query("SELECT count(), uniqExact(log_offset) FROM freshness").rows[0]


def test_rows_come_back_as_they_were_sent(store: ServerStore) -> None:
    writer(store).write(batch(5, 2))

    found = store.query("SELECT * FROM freshness ORDER BY log_offset")
    assert found.names[:3] == ("stage", "partition", "stage_time")
    assert found.rows == [
        ("matching", 0, NOON + 5, "test", 0, 5),
        ("matching", 0, NOON + 6, "test", 0, 6),
    ]


def test_values_are_those_of_json(store: ServerStore) -> None:
    found = store.query(
        "SELECT toDateTime('2026-01-02 03:04:05') AS at, [1, 2] AS numbers, NULL AS nothing,"
        " toDecimal64(1.5, 2) AS price, {text} AS text",
        {"text": "it's"},
    )
    at, numbers, nothing, price, text = found.rows[0]
    assert (at, numbers, nothing, price, text) == ("2026-01-02 03:04:05", [1, 2], None, 1.5, "it's")


def test_a_batch_that_is_there_in_part_is_completed(store: ServerStore) -> None:
    writer(store).write(batch(0, 10))

    written = writer(store).write(batch(5, 10))
    assert (written.rows, written.skipped) == (5, 5)
    assert counted(store) == (15, 15)


def test_a_value_that_does_not_fit_is_refused_and_nothing_is_stored(store: ServerStore) -> None:
    columns: Columns = {"stage": ["a", "b"], "partition": [1, "two"], "stage_time": [0, 0]}
    with pytest.raises(BadRowsError):
        store.insert("freshness", columns)
    assert counted(store) == (0, 0)


def test_threads_do_not_share_connections(store: ServerStore) -> None:
    def write(part: int) -> None:
        for step in range(5):
            writer(store).write(batch(part * 1_000 + step * 10, 10))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    assert counted(store) == (300, 300)


def test_a_wrong_password_is_one_line_that_says_what_to_do(target: StoreTarget) -> None:
    wrong = ServerStore(replace(target, password="wrong"))
    with pytest.raises(Refused, match="correct HEADWATER_CLICKHOUSE") as refusal:
        wrong.query("SELECT 1")
    assert "\n" not in str(refusal.value)


def test_a_missing_database_or_table_is_one_line_that_says_what_to_do(
    store: ServerStore, target: StoreTarget
) -> None:
    assert target.url is not None
    elsewhere = ServerStore(StoreTarget(url=target.url.removesuffix("default") + "nowhere"))
    with pytest.raises(Refused, match="create it"):
        elsewhere.query("SELECT 1 FROM one")
    with pytest.raises(Refused, match="headwater migrate") as refusal:
        store.query("SELECT * FROM nothing")
    assert "\n" not in str(refusal.value)


def test_nobody_listening_is_unavailable() -> None:
    closed = ServerStore(StoreTarget(url="clickhouse://127.0.0.1:1/default"))
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1/"):
        closed.query("SELECT 1")


def test_a_suspended_server_is_unavailable_and_afterwards_nothing_is_stored_twice(
    store: ServerStore, clickhouse_server: ClickHouseServer
) -> None:
    writing = writer(store)
    writing.write(batch(0, 10))
    pid = clickhouse_server.program.pid()
    assert pid is not None
    suspend(pid)
    try:
        with pytest.raises(UnavailableError):
            writing.write(batch(10, 10))
    finally:
        os.kill(pid, signal.SIGCONT)

    assert write_until_stored(writing, batch(10, 10)) == 10
    assert counted(store) == (20, 20)


def test_a_server_killed_again_and_again_while_inserting_holds_every_row_once(
    store: ServerStore, clickhouse_server: ClickHouseServer
) -> None:
    stop = threading.Event()
    batches = 0

    def write() -> None:
        nonlocal batches
        writing = writer(store)
        while not stop.is_set() or batches < 20:
            write_until_stored(writing, batch(batches * 2_000, 2_000))
            batches += 1

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(write)
        for pause in (0.3, 0.45, 0.2, 0.35):
            time.sleep(pause)  # The moment of the crash is meant to be any.
            clickhouse_server.kill()
            clickhouse_server.start(dies_with_parent=True)
            clickhouse_server.wait_ready()
        stop.set()
        done.result(timeout=120)
    assert counted(store) == (batches * 2_000, batches * 2_000)


def suspend(pid: int) -> None:
    """Returns once every thread has stopped: on a busy machine that is not at once."""
    os.kill(pid, signal.SIGSTOP)
    while any(
        task.read_text().rpartition(")")[2].split()[0] != "T"
        for task in Path(f"/proc/{pid}/task").glob("*/stat")
    ):
        time.sleep(0.01)


def write_until_stored(writing: TableWriter, sealed: SealedBatch) -> int:
    deadline = time.monotonic() + 60
    while True:
        try:
            written = writing.write(sealed)
        except UnavailableError:
            assert time.monotonic() < deadline, "the server does not come back"
            time.sleep(0.1)
        else:
            return written.rows + written.skipped


@pytest.mark.parametrize(
    "url", ["http://host:9000", "clickhouse://", "clickhouse://host:port/db", "host:9000", ""]
)
def test_an_address_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(Stop, match="HEADWATER_CLICKHOUSE"):
        connection_arguments(StoreTarget(url=url))


def test_an_address_says_everything_and_shows_no_password() -> None:
    target = StoreTarget(url="clickhouse://me:se%40cret@host/db?secure=yes")
    place, arguments = connection_arguments(target)

    assert place == "host:9440/db"
    assert (arguments["user"], arguments["password"]) == ("me", "se@cret")
    assert arguments["secure"] is True
    assert "cret" not in repr(target)
    assert connection_arguments(StoreTarget(url="clickhouses://host"))[1]["secure"] is True
