"""Serves the store over HTTP on loopback, each request in a thread of its own."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from streams.errors import HeadwaterError, in_one_line
from streams.store.base import Refused, UnavailableError
from streams.store.reading import Readable, ReadLimits
from streams.store.reading.answer import checked
from streams.store.served.address import (
    FOLDER_HEADER,
    HOST,
    address_file,
    header_value,
    write_address,
)
from streams.store.served.request import BODY_BYTES_MAX, StoreRequest, request_of

STATEMENTS_MAX = 4
"""At once; further ones wait, and are refused once they have waited for `_WAIT_SECONDS`."""
_WAIT_SECONDS = 30.0
ASKED_BY_CLIENTS = frozenset({"system.settings"})
"""What clickhouse-connect looks up before its first statement."""
_REQUEST_SECONDS = 30.0
"""A client that sends nothing for so long is given up."""
_OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_OWN_SITES = frozenset({"", "none", "same-origin"})
"""What a browser says of who asks (`Sec-Fetch-Site`); other clients say nothing."""
_PINGS = frozenset({"/ping", "/replicas_status"})
_CODE_OF_REFUSAL = 497
_CODE_OF_ABSENCE = 210
_logger = logging.getLogger(__name__)


class StoreServer:
    """Serves from construction to `close`. Port 0, and a port that is taken, become a free one."""

    def __init__(self, store: Readable, folder: Path, limits: ReadLimits, port: int) -> None:
        try:
            self._server = _Server(port, store, folder, limits)
        except OSError as error:
            self._server = _Server(0, store, folder, limits)
            _logger.warning(
                "port %d for the store: %s; serving at %d instead (HEADWATER_STORE_PORT)",
                *(port, error.strerror, self._server.server_port),
            )
        self.port: int = self._server.server_port
        self._folder = folder
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="store-http", daemon=True
        )
        self._thread.start()
        write_address(folder, self.port)

    def close(self) -> None:
        address_file(self._folder).unlink(missing_ok=True)
        self._server.is_closing = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    """The store and its limits, for the threads of requests."""

    daemon_threads = True

    def __init__(self, port: int, store: Readable, folder: Path, limits: ReadLimits) -> None:
        super().__init__((HOST, port), _Statements)
        self.store = store
        self.folder = folder
        self.limits = limits
        self.turns = threading.BoundedSemaphore(STATEMENTS_MAX)
        self.is_closing = False

    def handle_error(self, *_: object) -> None:
        """Clients come and go. Of anything else say what, and not what was asked."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            _logger.error("a request for the store failed: %s", type(error).__name__)


_Answer = tuple[HTTPStatus, bytes, Mapping[str, str]]


class _Statements(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = _REQUEST_SECONDS
    server: _Server

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            text = f"a statement has a Content-Length of at most {BODY_BYTES_MAX:,} bytes"
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _CODE_OF_REFUSAL, text)
            return
        self._serve(self.rfile.read(int(length)))

    def _serve(self, body: bytes) -> None:
        if self.server.is_closing:
            # The store may be closed, and a question would open its folder again.
            self.close_connection = True
            text = "the worker that has the store open is stopping: try again later"
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, _CODE_OF_ABSENCE, text)
            return
        # A page in a browser must not ask what is stored here, by whatever name it knows us. What
        # it loads as a script or picture has no Origin.
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        site = self.headers.get("Sec-Fetch-Site", "")
        if host not in _OWN_HOSTS or self.headers.get("Origin") or site not in _OWN_SITES:
            self._fail(HTTPStatus.FORBIDDEN, _CODE_OF_REFUSAL, "only clients on this machine")
            return
        if self.path.partition("?")[0] in _PINGS:
            self._answer(HTTPStatus.OK, b"Ok.\n", {})
            return
        try:
            request = request_of(self.path, self.headers, body)
        except Refused as error:
            self._fail(HTTPStatus.BAD_REQUEST, _CODE_OF_REFUSAL, in_one_line(error))
            return
        if not request.sql:
            self._answer(HTTPStatus.OK, b"Ok.\n", {})
        elif not self.server.turns.acquire(timeout=_WAIT_SECONDS):
            text = f"{STATEMENTS_MAX} other statements are running: try again later"
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, _CODE_OF_ABSENCE, text)
        else:
            try:
                answer = self._run(request)
            finally:
                self.server.turns.release()
            # Only now: a client that reads slowly keeps nobody waiting.
            self._answer(*answer)

    def _run(self, request: StoreRequest) -> _Answer:
        began = time.monotonic()
        store, limits = self.server.store, self.server.limits
        try:
            statement = checked(store, request.sql, limits, ASKED_BY_CLIENTS)
            output_format = statement.output_format or request.default_format
            document = store.render(statement.sql, output_format, limits)
        except UnavailableError as error:
            text = in_one_line(error)
            return _failure(HTTPStatus.SERVICE_UNAVAILABLE, _CODE_OF_ABSENCE, text)
        except HeadwaterError as error:
            return _failure(HTTPStatus.BAD_REQUEST, _CODE_OF_REFUSAL, in_one_line(error))
        except Exception:
            _logger.exception("a statement was not answered")
            text = "the statement made the server fail: its log says more"
            return _failure(HTTPStatus.INTERNAL_SERVER_ERROR, _CODE_OF_REFUSAL, text)
        return HTTPStatus.OK, document, _headers(request, output_format, began)

    def _fail(self, status: HTTPStatus, code: int, text: str) -> None:
        self._answer(*_failure(status, code, text))

    def _answer(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        usual = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-ClickHouse-Server-Display-Name": "headwater",
            "X-ClickHouse-Timezone": "UTC",
            FOLDER_HEADER: header_value(self.server.folder),
        }
        for name, value in {**usual, **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: statements may hold what a log must not."""


def _failure(status: HTTPStatus, code: int, text: str) -> _Answer:
    body = f"Code: {code}. DB::Exception: {text}\n".encode()
    return status, body, {"X-ClickHouse-Exception-Code": str(code)}


def _headers(request: StoreRequest, output_format: str, began: float) -> dict[str, str]:
    elapsed = str(round((time.monotonic() - began) * 1e9))
    counted = ("read_rows", "read_bytes", "written_rows", "written_bytes", "result_rows")
    return {
        "Content-Type": "application/octet-stream"
        if output_format.lower() in ("native", "rowbinary", "parquet", "arrow", "arrowstream")
        else "text/plain; charset=UTF-8",
        "X-ClickHouse-Format": output_format,
        "X-ClickHouse-Query-Id": re.sub(r"[^\w-]", "", request.query_id, flags=re.ASCII)
        or str(uuid.uuid4()),
        "X-ClickHouse-Summary": json.dumps(dict.fromkeys(counted, "0") | {"elapsed_ns": elapsed}),
    }
