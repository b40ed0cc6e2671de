"""Who stores serves the store: others read it by clients of ClickHouse, and change nothing."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from streams.store.base import QueryResult, Refused, UnavailableError
from streams.store.migrations import apply_migrations, require_usable
from streams.store.reading import Document, Readable, ReadLimits, answer_to, rows_for
from streams.store.served import ServedStore, StoreServer, served_at
from streams.store.served.address import address_file, write_address
from streams.store.served.server import STATEMENTS_MAX
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import decision

pytest.importorskip("chdb")

LIMITS = ReadLimits(seconds=20, rows=1000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served") / "chdb"


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[Readable]:
    from streams.store.embedded import EmbeddedStore

    store = EmbeddedStore(folder)
    apply_migrations(store)
    put(store, [decision("i1"), decision("i2")])
    yield store
    store.close()


@pytest.fixture(scope="module")
def server(opened: Readable, folder: Path) -> Iterator[StoreServer]:
    served = StoreServer(opened, folder, LIMITS, 0)
    yield served
    served.close()


@pytest.fixture
def store(server: StoreServer, folder: Path) -> ServedStore:
    port = served_at(folder)
    assert port == server.port
    return ServedStore(folder, port)


def ask(
    server: StoreServer,
    sql: str = "",
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    **query: str,
) -> tuple[int, Mapping[str, str], bytes]:
    if sql:
        query["query"] = sql
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        connection.request(method, "/?" + urlencode(query), body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def test_commands_ask_it_as_they_ask_a_store_of_their_own(
    store: ServedStore, opened: Readable
) -> None:
    require_usable(store)
    for sql in (
        "SELECT install_id, version, install_time, expires_at FROM v_attributions ORDER BY 1",
        "SHOW TABLES",
        "SELECT 1.5 AS x, [1, 2] AS list, NULL AS nothing, 'it''s \\'quoted\\'' AS text",
        "SELECT count() FROM v_cohorts;",
    ):
        assert rows_for(store, sql, LIMITS) == rows_for(opened, sql, LIMITS)
    for output_format in ("CSVWithNames", "JSONEachRow", "Parquet", "Native", "Pretty"):
        sql = f"SELECT install_id FROM attributions ORDER BY 1 FORMAT {output_format}"
        answer = answer_to(store, sql, LIMITS)
        assert isinstance(answer, Document)
        assert answer == answer_to(opened, sql, LIMITS)
    found = store.query("SELECT {name} AS x", {"name": "a;b'c"})
    assert found == QueryResult(("x",), [("a;b'c",)])


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO touches SELECT * FROM touches", "DROP TABLE touches", "SELECT 1; SELECT 2",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')", "SELECT 1 INTO OUTFILE 'x'",
        "SELECT * FROM url('http://127.0.0.1', 'CSV')", "SELECT * FROM system.processes",
        "SELECT 1 SETTINGS readonly = 0", "SET readonly = 0", "SELECT sleep(3)", "SYSTEM SHUTDOWN",
    ],
)  # fmt: skip
def test_nothing_but_reading_is_possible(server: StoreServer, store: ServedStore, sql: str) -> None:
    status, headers, body = ask(server, sql)
    assert status == 400
    assert headers["X-ClickHouse-Exception-Code"] == "497"
    assert body.startswith(b"Code: 497. DB::Exception: ")
    assert body.count(b"\n") == 1
    status, _, _ = ask(server, method="POST", body=sql.encode())
    assert status == 400
    with pytest.raises(Refused):
        rows_for(store, sql, LIMITS)
    with pytest.raises(Refused, match="stop it"):
        store.execute(sql)


def test_settings_of_clients_are_ignored_and_limits_hold(server: StoreServer) -> None:
    status, _, body = ask(server, "SELECT 1", readonly="0", max_result_rows="0", user="x")
    assert (status, body) == (200, b"1\n")
    status, _, body = ask(server, "SELECT number FROM numbers(2000)", max_result_rows="0")
    assert status == 400
    assert b"more than 1,000 rows" in body


def test_statements_come_in_the_forms_that_clients_send(server: StoreServer) -> None:
    assert ask(server, "SELECT 1 AS x", default_format="JSONEachRow")[2] == b'{"x":1}\n'
    assert ask(server, "SELECT 1 AS x FORMAT CSV", default_format="JSON")[2] == b"1\n"
    assert ask(server, method="POST", body=b"SELECT 2")[2] == b"2\n"
    assert ask(server, "SELECT 3", method="POST", body=b"FORMAT CSV")[2] == b"3\n"
    packed = gzip.compress(b"SELECT 4")
    assert ask(server, method="POST", body=packed, headers={"Content-Encoding": "gzip"})[2] == (
        b"4\n"
    )
    assert ask(server, "SELECT 5", database="default")[2] == b"5\n"
    assert ask(server)[2] == b"Ok.\n"
    assert ask(server, "SELECT name FROM system.settings LIMIT 1")[0] == 200
    _, headers, _ = ask(server, "SELECT 1 FORMAT TSV", query_id="mine\r\nX-Bad: 1")
    assert headers["X-ClickHouse-Query-Id"] == "mineX-Bad1"
    assert headers["X-ClickHouse-Format"] == "TSV"
    assert headers["X-ClickHouse-Timezone"] == "UTC"
    assert json.loads(headers["X-ClickHouse-Summary"])["read_rows"] == "0"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"database": "other"}, "no database 'other'"),
        ({"param_x": "1"}, "not supported"),
        ({"default_format": "Nonsense"}, "Nonsense"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(
    server: StoreServer, fields: dict[str, Any], text: str
) -> None:
    status, _, body = ask(server, "SELECT 1", **fields)
    assert status == 400
    assert text in body.decode()
    assert body.count(b"\n") == 1


def test_odd_bodies_are_refused_and_the_next_statement_is_answered(server: StoreServer) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    packed = {"Content-Encoding": "gzip"}
    for body, headers, status in (
        (bomb, packed, 400), (b"no gzip", packed, 400), (b"x", {"Content-Encoding": "br"}, 400),
        (b"\xff\xfe", {}, 400), (b"SELECT 1" + b" " * 2_000_000, {}, 413),
    ):  # fmt: skip
        try:
            assert ask(server, method="POST", body=body, headers=headers)[0] == status
        except ConnectionError:
            assert status == 413, "a body that is too long need not be read"
    assert ask(server, "SELECT 1")[2] == b"1\n"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"}, {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    ],
)  # fmt: skip
def test_pages_of_a_browser_are_not_answered(server: StoreServer, headers: dict[str, str]) -> None:
    assert ask(server, "SELECT 1", headers=headers)[0] == 403


def test_an_answer_is_no_script_of_a_page(server: StoreServer) -> None:
    """Its text is what the one who asks wants it to be."""
    status, headers, _ = ask(server, "SELECT 'steal()' FORMAT TSVRaw")
    assert status == 200
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_odd_names_of_questions_and_targets_get_an_answer(server: StoreServer) -> None:
    status, headers, _ = ask(server, "SELECT 1", query_id="запрос-1")
    assert (status, headers["X-ClickHouse-Query-Id"]) == (200, "-1")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest("GET", "http://[x/?query=SELECT+1", skip_host=True)
    connection.putheader("Host", "localhost")
    connection.endheaders()
    assert connection.getresponse().read() == b"1\n"
    connection.close()


def test_who_reads_an_answer_slowly_keeps_nobody_waiting(server: StoreServer) -> None:
    asked = urlencode({"query": "SELECT repeat('x', 100000) FROM numbers(200)"})
    readers = []
    for _ in range(STATEMENTS_MAX):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", server.port))
        reader.sendall(f"GET /?{asked} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert reader.recv(1)
        readers.append(reader)
    began = time.monotonic()
    assert ask(server, "SELECT 1")[2] == b"1\n"
    assert time.monotonic() - began < 10
    for reader in readers:
        reader.close()


def test_who_goes_away_leaves_no_trace(
    server: StoreServer, capfd: pytest.CaptureFixture[str]
) -> None:
    gone = socket.create_connection(("127.0.0.1", server.port))
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.sendall(b"POST /?query=secret HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n")
    gone.close()
    for _ in range(3):
        ask(server, "SELECT 1")
    assert capfd.readouterr().err == ""


def test_a_connection_that_outlives_the_server_opens_no_store(
    opened: Readable, tmp_path: Path
) -> None:
    served = StoreServer(opened, tmp_path / "chdb", LIMITS, 0)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.request("GET", "/?query=SELECT+1")
    assert connection.getresponse().read() == b"1\n"
    served.close()
    connection.request("GET", "/?query=SELECT+2")
    answer = connection.getresponse()
    assert answer.status == 503
    assert b"is stopping" in answer.read()
    connection.close()


def test_a_long_question_holds_up_no_rows(server: StoreServer, opened: Readable) -> None:
    slow = "SELECT max(sipHash64(number)) FROM numbers(40000000)"
    asking = threading.Thread(target=ask, args=(server, slow))
    began = time.monotonic()
    asking.start()
    put(opened, [decision("i3")], first_offset=10)
    stored_after = time.monotonic() - began
    is_asking = asking.is_alive()
    asking.join()
    assert is_asking, f"the rows waited for the answer: {stored_after:.1f} s"


def test_nobody_serves_a_folder_that_no_process_has_open(tmp_path: Path) -> None:
    folder = tmp_path / "chdb"
    assert served_at(folder) is None
    write_address(folder, 1)
    assert served_at(folder) is None
    address_file(folder).write_text("no port")
    assert served_at(folder) is None


def test_a_port_that_serves_another_folder_is_not_asked(
    server: StoreServer, tmp_path: Path
) -> None:
    write_address(tmp_path / "chdb", server.port)
    assert served_at(tmp_path / "chdb") is None


def test_a_port_that_is_taken_becomes_a_free_one(
    server: StoreServer, opened: Readable, tmp_path: Path
) -> None:
    other = StoreServer(opened, tmp_path / "chdb", LIMITS, server.port)
    assert other.port != server.port
    assert served_at(tmp_path / "chdb") == other.port
    other.close()
    assert served_at(tmp_path / "chdb") is None
    with pytest.raises(UnavailableError, match="does not answer"):
        ServedStore(tmp_path / "chdb", other.port).query("SELECT 1")
