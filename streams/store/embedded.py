"""ClickHouse in a folder: chdb, inside this process.

One process at a time can open a folder, and only one. Importing chdb starts its engine, after which
a fork hangs, so it is imported when a store is opened.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import accumulate, chain
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import msgspec

from streams.store.base import (
    BadRowsError,
    Columns,
    QueryResult,
    Refused,
    SqlValue,
    StoreDiskFullError,
    bind,
    code_of,
    error_of,
    one_line,
    quote,
    require_read_only,
)
from streams.store.reading.limits import ReadLimits
from streams.store.tables import INSERTED_AT, TABLES, ColumnKind

MEMORY_BYTES_MAX = 2_000_000_000
"""What the engine may take, beside workers on the same machine; above it a query fails."""
ROOM_BYTES_MIN = 8 * 1_048_576
"""Free space below which no table or view is made: on a full disk the engine leaves an empty file
in place of the definition, says nothing of it, and never opens the folder again."""
_SQL_TYPES: Mapping[ColumnKind, str] = {
    ColumnKind.TEXT: "String",
    ColumnKind.INTEGER: "Int64",
    ColumnKind.TIME: "DateTime64(3, 'UTC')",
    ColumnKind.FLAG: "Bool",
    ColumnKind.FRACTION: "Float64",
    ColumnKind.TEXTS: "Array(String)",
    ColumnKind.INTEGERS: "Array(Int64)",
    ColumnKind.FRACTIONS_BY_NAME: "Map(String, Float64)",
}


class EmbeddedStore:
    """A `Store` in this process. Of calls from several threads, those that write wait for each
    other, so do questions of the program, and so do statements of people (`read`, `render`)."""

    def __init__(self, folder: Path, memory_bytes_max: int = MEMORY_BYTES_MAX) -> None:
        """Open `folder`, creating it if necessary. Raises Refused when it is in use or damaged."""
        self.place = str(folder)
        folder.mkdir(parents=True, exist_ok=True)
        require_free(folder)
        sqlite_like = _import_chdb()
        self._open: Callable[[], Any] = partial(
            sqlite_like.Connection,
            f"{folder.resolve()}?max_server_memory_usage={memory_bytes_max}",
        )
        try:
            self._writing = _SessionQueue(self._session)
            self._asking = _SessionQueue(self._session)
        except RuntimeError as error:
            raise Refused(
                f"the store in {folder} does not open: {one_line(str(error))}; is it in use?"
            ) from None
        self._reading = threading.Lock()
        self._error: type[Exception] = sqlite_like.ChdbError
        self._schemas: dict[str, Any] = {}

    def insert(self, table: str, columns: Columns) -> None:
        # Not by `send_insert`: of rows that it cannot store, as on a full disk, chdb 4.4 says there
        # that they are written.
        names = ", ".join(columns)
        kinds = {column.name: column.kind for column in TABLES[table].all_columns}
        kinds[INSERTED_AT] = ColumnKind.TIME
        types = ", ".join(f"{name} {_SQL_TYPES[kinds[name]]}" for name in columns)
        with _readable(self._arrow_stream(table, columns)) as path:
            rows = f"file({quote(path)}, 'ArrowStream', {quote(types)})"
            try:
                self._writing.query(f"INSERT INTO {table} ({names}) SELECT {names} FROM {rows}")
            except (self._error, RuntimeError) as error:
                raise error_of(self.place, code_of(str(error)), str(error)) from None

    def query(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> QueryResult:
        require_read_only(sql)
        # Not in the queue of inserts: a build of cohorts takes seconds there.
        return _rows_of(self._run(self._asking, bind(sql, params).strip().rstrip(";")))

    def read(self, sql: str, limits: ReadLimits) -> QueryResult:
        return _rows_of(self.render(sql, "JSONCompact", limits))

    def render(self, sql: str, output_format: str, limits: ReadLimits) -> bytes:
        # Not in the queue of inserts either: a long question holds up no rows.
        with self._reading:
            session = self._session()
            try:
                for name, value in limits.settings().items():
                    session.query(f"SET {name} = {quote(value)}")
                return bytes(session.query(sql, output_format).bytes())
            except (self._error, RuntimeError) as error:
                failure = limits.refusal(code_of(str(error))) or self._failure(error)
            finally:
                session.close()
        raise failure

    def execute(self, sql: str) -> None:
        free = shutil.disk_usage(self.place).free
        if free < ROOM_BYTES_MIN:
            raise StoreDiskFullError(self.place, f"{free / 1e6:.1f} MB are free")
        self._run(self._writing, sql)

    def close(self) -> None:
        with self._reading:
            self._asking.close()
            self._writing.close()

    def _session(self) -> Any:
        """A session of its own in the same engine; takes less than a millisecond."""
        session = self._open()
        # With it, a view of several branches loses rows from its second query on.
        session.query("SET use_query_condition_cache = 0")
        return session

    def _run(self, queue: _SessionQueue, sql: str) -> bytes:
        try:
            return queue.query(sql)
        except (self._error, RuntimeError) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> Exception:
        failure = error_of(self.place, code_of(str(error)), str(error))
        return Refused(str(failure)) if isinstance(failure, BadRowsError) else failure

    def _arrow_stream(self, table: str, columns: Columns) -> bytes:
        import pyarrow as pa

        schema = self._schemas.get(table)
        if schema is None:
            schema = self._schemas[table] = _arrow_schema(table)
        sink = io.BytesIO()
        try:
            arrays = [_arrow_array(columns[name], schema.field(name).type) for name in columns]
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise BadRowsError(f"table {table}: {one_line(str(error))}") from None
        batch = pa.record_batch(arrays, names=list(columns))
        if any(array.null_count for array in arrays):
            raise BadRowsError(f"table {table}: a value is missing")
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return sink.getvalue()


class _SessionQueue:
    """A session that takes one statement after the other."""

    def __init__(self, session: Callable[[], Any]) -> None:
        self._session = session
        self._opened = session()
        self._lock = threading.Lock()

    def query(self, sql: str) -> bytes:
        """Raises chdb's own errors."""
        with self._lock:
            try:
                return bytes(self._opened.query(sql, "JSONCompact").bytes())
            except Exception:
                # What a failed query had answered so far would begin the next answer.
                self._opened.close()
                self._opened = self._session()
                raise

    def close(self) -> None:
        with self._lock:
            self._opened.close()


@contextmanager
def _readable(octets: bytes) -> Iterator[str]:
    """A path from which the engine reads these octets; in memory, where the system has that."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("rows"), "wb") as file:
            file.write(octets)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with NamedTemporaryFile() as named:
            named.write(octets)
            named.flush()
            yield named.name


def _rows_of(document: bytes) -> QueryResult:
    answer = msgspec.json.decode(document)
    names = tuple(column["name"] for column in answer["meta"])
    return QueryResult(names, [tuple(row) for row in answer["data"]])


def require_free(folder: Path) -> None:
    """The engine itself would print a riddle. It locks the file `status`."""
    status = folder / "status"
    if not status.exists():
        return
    with status.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"the store in {folder} is in use by another process: stop that one first"
            ) from None


def _import_chdb() -> Any:
    try:
        import pyarrow  # noqa: F401  # chdb needs it for inserts.
        from chdb.state import sqlitelike
    except ImportError:
        raise Refused(
            "the embedded store is not installed: pip install 'headwater[embedded]', "
            "or set HEADWATER_CLICKHOUSE to a server"
        ) from None
    return sqlitelike


def _arrow_schema(table: str) -> Any:
    """Exact types, so that Arrow raises where ClickHouse would silently make a 0 of a text."""
    import pyarrow as pa

    types = {
        ColumnKind.TEXT: pa.string(),
        ColumnKind.INTEGER: pa.int64(),
        ColumnKind.TIME: pa.timestamp("ms", "UTC"),
        ColumnKind.FLAG: pa.bool_(),
        ColumnKind.FRACTION: pa.float64(),
        ColumnKind.TEXTS: pa.list_(pa.string()),
        ColumnKind.INTEGERS: pa.list_(pa.int64()),
        ColumnKind.FRACTIONS_BY_NAME: pa.map_(pa.string(), pa.float64()),
    }
    fields = [(column.name, types[column.kind]) for column in TABLES[table].all_columns]
    return pa.schema([*fields, (INSERTED_AT, types[ColumnKind.TIME])])


def _arrow_array(values: Any, arrow_type: Any) -> Any:
    import pyarrow as pa

    if not pa.types.is_map(arrow_type):
        return pa.array(values, type=arrow_type)
    ends = accumulate(map(len, values), initial=0)
    return pa.MapArray.from_arrays(
        pa.array(ends, type=pa.int32()),
        pa.array(chain.from_iterable(values), type=pa.string()),
        pa.array(chain.from_iterable(map(dict.values, values)), type=pa.float64()),
    )
