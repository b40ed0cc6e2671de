"""ClickHouse as a server, over its native protocol (clickhouse-driver)."""

from __future__ import annotations

import contextlib
import logging
import math
import re
import struct
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from clickhouse_driver import Client, errors

from streams.errors import Stop
from streams.settings.storing import StoreTarget
from streams.store.base import (
    BadRowsError,
    Columns,
    QueryResult,
    Refused,
    SqlValue,
    UnavailableError,
    bind,
    error_of,
    one_line,
    require_read_only,
)
from streams.store.reading.format_answer import format_answer
from streams.store.reading.limits import ReadLimits

CONNECT_SECONDS = 5.0
PING_SECONDS = 5.0
SETTLE_SECONDS = 30.0
PORT, TLS_PORT = 9000, 9440

# The driver raises these when values do not fit the columns, before anything is stored.
_VALUE_ERRORS = (
    errors.TypeMismatchError,
    struct.error,
    AttributeError,
    TypeError,
    ValueError,
    OverflowError,
)
_CERTIFICATE_WORDS = ("CERTIFICATE", "certificate", "X509", "PEM", "VERSION", "No such file")
_ACCESS_CODES = frozenset({192, 193, 194, 516})

# Where nothing is configured to log, the driver's warnings would reach stderr, with tracebacks:
# commands print one line themselves.
logging.getLogger("clickhouse_driver").addHandler(logging.NullHandler())


class ServerStore:
    """A `Store` on a server. Every thread has its own connection: the driver's cannot be shared."""

    def __init__(self, target: StoreTarget, receive_timeout_seconds: float | None = None) -> None:
        """Connects with the first call. Raises Stop when the URL is wrong.

        The server cuts off a client that is silent for `receive_timeout_seconds` in the middle of
        an insert, so that a suspended process cannot finish an insert whose rows another process
        has stored meanwhile.
        """
        self.place, self._arguments = connection_arguments(target)
        self._insert_settings: dict[str, Any] = {"async_insert": 0}
        if receive_timeout_seconds is not None:
            self._insert_settings["receive_timeout"] = max(1, int(receive_timeout_seconds))
        self._local = threading.local()
        self._clients: list[Client] = []
        self._in_doubt: set[str] = set()  # ids of inserts that the server may still work on
        self._lock = threading.Lock()

    def insert(self, table: str, columns: Columns) -> None:
        self._settle()
        query_id = f"headwater-{uuid.uuid4()}"
        # The driver changes the lists it is given.
        values = [list(column) for column in columns.values()]
        try:
            self._client().execute(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES",
                values,
                columnar=True,
                query_id=query_id,
                settings=self._insert_settings,
            )
        except Exception as error:
            failure = self._failure(error)
            if isinstance(failure, UnavailableError):
                with self._lock:
                    self._in_doubt.add(query_id)
            raise failure from None

    def query(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> QueryResult:
        require_read_only(sql)
        self._settle()
        return _rows_of(self._execute(bind(sql, params), with_column_types=True, settings=_READ))

    def read(self, sql: str, limits: ReadLimits) -> QueryResult:
        try:
            return self._read(sql, limits.settings())
        except errors.ServerException as error:
            is_fixed = error.code == _READ_ONLY and "Cannot modify" in error.message
            failure = limits.refusal(error.code or 0) or self._refusal(error)
        except Exception as error:
            is_fixed, failure = False, self._refusal(error)
        if not is_fixed:
            raise failure
        # The user is read-only by its own profile, whose limits hold: it may not set others.
        try:
            return self._read(sql, {})
        except Exception as error:
            raise self._refusal(error) from None

    def render(self, sql: str, output_format: str, limits: ReadLimits) -> bytes:
        return format_answer(self.read(sql, limits), output_format)

    def execute(self, sql: str) -> None:
        self._execute(sql)

    def close(self) -> None:
        with self._lock:
            clients, self._clients = self._clients, []
        for client in clients:
            client.disconnect()

    def _settle(self) -> None:
        """End inserts that this process gave up on, so that reading back sees their final state."""
        with self._lock:
            in_doubt = sorted(self._in_doubt)
        if not in_doubt:
            return
        # The server may refuse KILL; then it is enough to see that the insert has ended.
        with contextlib.suppress(Refused):
            self._execute(bind("KILL QUERY WHERE query_id IN {ids} ASYNC", {"ids": in_doubt}))
        running, _ = self._execute(
            bind("SELECT count() FROM system.processes WHERE query_id IN {ids}", {"ids": in_doubt}),
            with_column_types=True,
        )
        if running[0][0]:
            raise UnavailableError(
                f"ClickHouse at {self.place} is still working on an earlier insert"
            )
        with self._lock:
            self._in_doubt.difference_update(in_doubt)

    def _execute(self, sql: str, **options: Any) -> Any:
        try:
            return self._client().execute(sql, **options)
        except Exception as error:
            failure = self._refusal(error)
        raise failure

    def _read(self, sql: str, settings: dict[str, int | str]) -> QueryResult:
        answer = self._client().execute(sql, with_column_types=True, settings=settings)
        return _rows_of(answer)

    def _refusal(self, error: Exception) -> Exception:
        """As `_failure`, of a statement that carries no rows."""
        failure = self._failure(error)
        return Refused(str(failure)) if isinstance(failure, BadRowsError) else failure

    def _failure(self, error: Exception) -> Exception:
        """The exception to raise instead; the connection is dropped."""
        with contextlib.suppress(Exception):
            self._client().disconnect()
        if isinstance(error, errors.ServerException):
            code = error.code or 0
            if code in _ACCESS_CODES:  # Repeats the host, on more than one line.
                return error_of(self.place, code, one_line(error.message).split(". ")[0])
            return error_of(self.place, code, error.message)
        if isinstance(error, EOFError | OSError | errors.Error) and not isinstance(
            error, _VALUE_ERRORS
        ):
            return self._broken(error)
        if isinstance(error, _VALUE_ERRORS):
            return BadRowsError(f"ClickHouse at {self.place}: {one_line(str(error))}")
        return error

    def _broken(self, error: Exception) -> Exception:
        """The connection could not be made, or broke."""
        text = re.sub(r"^Code: \d+\. ", "", one_line(str(error))) or "the connection broke"
        secure = self._arguments["secure"]
        if not secure or not any(word in text for word in _CERTIFICATE_WORDS):
            is_silent = isinstance(error, EOFError) or "reset by peer" in text
            hint = "; if that port speaks TLS, write clickhouses://" * (is_silent and not secure)
            return UnavailableError(f"ClickHouse at {self.place}: {text}{hint}")
        reason = re.sub(r"^\[[^]]*\] |certificate verify failed: | \(_ssl.c:\d+\).*", "", text)
        authorities = self._arguments.get("ca_certs", "the operating system")
        return Refused(
            f"ClickHouse at {self.place}: TLS with authorities of {authorities} fails: {reason}; "
            "correct HEADWATER_CLICKHOUSE_CA_CERTIFICATE, or the host in HEADWATER_CLICKHOUSE"
        )

    def _client(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = Client(**self._arguments)
            with self._lock:
                self._clients.append(client)
        return client


_READ = {"readonly": 1}
_READ_ONLY = 164  # the code for what a read-only user may not do


def _rows_of(answer: Any) -> QueryResult:
    rows, columns = answer
    names = tuple(name for name, _ in columns)
    decimals = [_decimals(kind) for _, kind in columns]
    return QueryResult(names, [tuple(map(_as_json, row, decimals)) for row in rows])


def _decimals(kind: str) -> int:
    """Digits behind the second in a type, as the engine writes its times."""
    found = re.search(r"DateTime64\((\d)", kind)
    return int(found[1]) if found else 0


def connection_arguments(target: StoreTarget) -> tuple[str, dict[str, Any]]:
    """The place as a person would write it, and clickhouse-driver's arguments.
    Raises Stop if the URL makes no sense."""
    url = urlsplit(target.url or "")
    options = {name: values[-1] for name, values in parse_qs(url.query).items()}
    try:
        port = url.port
    except ValueError:
        port = 0
    if url.scheme not in ("clickhouse", "clickhouses") or not url.hostname or port == 0:
        raise Stop(
            "HEADWATER_CLICKHOUSE is no ClickHouse address: "
            "write clickhouse://user:password@host:9000/database"
        )
    unknown = sorted(options.keys() - {"secure"})
    if unknown:
        raise Stop(f"HEADWATER_CLICKHOUSE has an unknown option {unknown[0]}: remove it")
    secure = url.scheme == "clickhouses" or options.get("secure", "").lower() in _YES
    port = port or (TLS_PORT if secure else PORT)
    database = url.path.strip("/") or "default"
    arguments: dict[str, Any] = {
        "host": url.hostname,
        "port": port,
        "database": database,
        "user": unquote(url.username or "default"),
        "password": target.password or unquote(url.password or ""),
        "secure": secure,
        "client_name": "headwater",
        "connect_timeout": CONNECT_SECONDS,
        "send_receive_timeout": target.timeout_seconds,
        "sync_request_timeout": PING_SECONDS,
        "tcp_keepalive": True,
    }
    if target.ca_certificate is not None:
        arguments["ca_certs"] = str(target.ca_certificate)
    return f"{url.hostname}:{port}/{database}", arguments


_YES = frozenset({"1", "true", "yes"})


def _as_json(value: Any, decimals: int) -> Any:
    """Values as the embedded store gives them; times have `decimals` digits of a second."""
    if isinstance(value, datetime):
        utc = value.astimezone(UTC) if value.tzinfo else value
        fraction = f".{utc.microsecond:06d}"[: decimals + 1] if decimals else ""
        return f"{utc:%Y-%m-%d %H:%M:%S}{fraction}"
    if isinstance(value, list | tuple):
        return [_as_json(item, decimals) for item in value]
    if isinstance(value, dict):
        return {str(name): _as_json(item, decimals) for name, item in value.items()}
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bytes):  # A text that is no UTF-8.
        return value.decode("utf-8", "replace")
    if isinstance(value, date | uuid.UUID):
        return str(value)
    return value
