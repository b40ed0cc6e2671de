"""A store that another process has open, over its HTTP interface: it only reads."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from streams.store.base import (
    Columns,
    QueryResult,
    Refused,
    SqlValue,
    UnavailableError,
    bind,
    require_read_only,
)
from streams.store.reading.limits import ReadLimits
from streams.store.served.address import HOST

_PATIENCE_SECONDS = 60.0
"""Beyond the limit of a statement: it may have to wait for others."""


class ServedStore:
    """A `Readable` at a port of this machine. Every call has a connection of its own."""

    def __init__(self, folder: Path, port: int, seconds: float = ReadLimits().seconds) -> None:
        """`seconds`: what a statement may take."""
        self.place = str(folder)
        self._port = port
        self._seconds = seconds

    def insert(self, table: str, columns: Columns) -> None:
        raise self._only_reads()

    def execute(self, sql: str) -> None:
        raise self._only_reads()

    def query(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> QueryResult:
        require_read_only(sql)
        return self._rows(bind(sql, params))

    def read(self, sql: str, limits: ReadLimits) -> QueryResult:
        return self._rows(sql)

    def render(self, sql: str, output_format: str, limits: ReadLimits) -> bytes:
        return self._asked(sql, output_format)

    def close(self) -> None:
        """Nothing is open."""

    def _rows(self, sql: str) -> QueryResult:
        answer = msgspec.json.decode(self._asked(sql, "JSONCompact"))
        names = tuple(column["name"] for column in answer["meta"])
        return QueryResult(names, [tuple(row) for row in answer["data"]])

    def _asked(self, sql: str, output_format: str) -> bytes:
        timeout = self._seconds + _PATIENCE_SECONDS
        connection = http.client.HTTPConnection(HOST, self._port, timeout=timeout)
        try:
            target = "/?" + urlencode({"default_format": output_format})
            connection.request("POST", target, sql.strip().rstrip(";").encode())
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError(
                f"the worker that has {self.place} open does not answer: {error}"
            ) from error
        finally:
            connection.close()
        if answer.status == http.client.OK:
            return body
        text = body.decode("utf-8", "replace").partition("DB::Exception: ")[2].strip()
        if answer.status == http.client.SERVICE_UNAVAILABLE:
            raise UnavailableError(text)
        raise Refused(text or f"the worker that has {self.place} open answers {answer.status}")

    def _only_reads(self) -> Refused:
        return Refused(f"a worker has {self.place} open: stop it, and run the command again")
