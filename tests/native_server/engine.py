"""chdb, a session for each query: what one query sets, no other sees."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.native_server.native_columns import UnknownTypeError
from tests.native_server.packets import Block, blocks_of

_ERROR = re.compile(r"Code: (\d+)\. (?:DB::Exception: )?(.*)", re.DOTALL)
_ZONELESS = re.compile(r"\bDateTime\b(?!\()")
_UNKNOWN_SETTING, _NOT_SUPPORTED = 115, 48


class EngineError(Exception):
    """An error of ClickHouse, with its code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Engine:
    """The store in a folder. Calls may come from several threads."""

    def __init__(self, folder: Path) -> None:
        from chdb.state import sqlitelike

        self._place = str(folder.resolve())
        self._module: Any = sqlitelike
        self._anchor = sqlitelike.Connection(self._place)
        self._lock = threading.Lock()

    def close(self) -> None:
        self._anchor.close()

    def answer(self, sql: str, settings: Mapping[str, str]) -> Generator[Block, None, None]:
        """Blocks, the first of which is empty and names the columns; none for what has no rows."""
        with self._session(settings) as session:
            header: Block | None = None
            for chunk in _chunks(session, sql):
                for block in blocks_of(chunk):
                    if header is None:
                        header = self._with_zones(sql, settings, block)
                        yield header
                    kinds = [kind for _, kind, _ in header.columns]
                    named = zip(block.columns, kinds, strict=True)
                    columns = tuple((name, kind, octets) for (name, _, octets), kind in named)
                    yield Block(block.rows, columns)
            if header is None:
                yield from self._header(session, sql)

    def _with_zones(self, sql: str, settings: Mapping[str, str], block: Block) -> Block:
        """The columns without rows. The format Native leaves out the zone of a DateTime, which a
        server names."""
        if any(_ZONELESS.search(kind) for _, kind, _ in block.columns):
            with self._session(settings) as session:
                return next(self._header(session, f"SELECT * FROM ({sql}) LIMIT 0"))
        return Block(0, tuple((name, kind, b"") for name, kind, _ in block.columns))

    def insert(self, sql: str, settings: Mapping[str, str], block: Block) -> None:
        """Store the block: `sql` ends with VALUES."""
        with self._session(settings) as session:
            statement = re.sub(r"\s*VALUES\s*$", "", sql, flags=re.IGNORECASE)
            with session.send_insert(statement, "Native") as inserter:
                inserter.append(block.native())
                inserter.finish()

    def insert_half(self, sql: str, block: Block) -> None:
        """Store every other row, as when only one of the parts of an insert was written."""
        table, names = _target(sql)
        list(self.answer(f"CREATE OR REPLACE TABLE half AS {table} ENGINE = Memory", {}))
        self.insert(f"INSERT INTO half ({names}) VALUES", {}, block)
        chosen = f"SELECT {names} FROM half WHERE rowNumberInAllBlocks() % 2 = 0"
        list(self.answer(f"INSERT INTO {table} ({names}) {chosen}", {}))
        list(self.answer("DROP TABLE half", {}))

    def sample(self, sql: str, settings: Mapping[str, str]) -> Block:
        """The columns that an INSERT names, without rows."""
        table, names = _target(sql)
        with self._session(settings) as session:
            header = list(self._header(session, f"SELECT {names} FROM {table} LIMIT 0"))
        return header[0]

    def _header(self, session: Any, sql: str) -> Iterator[Block]:
        if not re.match(r"\s*(SELECT|WITH|SHOW|DESC|EXPLAIN|EXISTS|\()", sql, re.IGNORECASE):
            return
        document = bytes(session.query(sql, "JSONCompact").bytes())
        if document:
            meta = msgspec.json.decode(document)["meta"]
            yield Block(0, tuple((column["name"], column["type"], b"") for column in meta))

    @contextmanager
    def _session(self, settings: Mapping[str, str]) -> Iterator[Any]:
        with _translated():
            with self._lock:
                session = self._module.Connection(self._place)
            try:
                session.query("SET use_query_condition_cache = 0")
                # A server checks all of them at once; here the last one ends all changes.
                for name in sorted(settings, key=lambda name: name == "readonly"):
                    _set(session, name, settings[name])
                yield session
            finally:
                session.close()


def _target(sql: str) -> tuple[str, str]:
    """Table and columns of an INSERT."""
    match = re.match(r"\s*INSERT\s+INTO\s+([\w.]+)\s*(?:\(([^)]*)\))?", sql, re.IGNORECASE)
    if match is None:
        raise EngineError(62, f"DB::Exception: Syntax error: {sql[:80]}")
    return match[1], match[2] or "*"


def _set(session: Any, name: str, value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    try:
        session.query(f"SET {name} = '{quoted}'")
    except Exception as error:
        if f"Code: {_UNKNOWN_SETTING}" not in str(error):
            raise


def _chunks(session: Any, sql: str) -> Iterator[bytes]:
    if not re.match(r"\s*(SELECT|WITH|\()", sql, re.IGNORECASE):
        yield bytes(session.query(sql, "Native").bytes())
        return
    with session.send_query(sql, "Native") as result:
        for chunk in result:
            yield bytes(chunk.bytes())


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (EngineError, EOFError, OSError):
        raise
    except UnknownTypeError as error:
        raise EngineError(_NOT_SUPPORTED, f"DB::Exception: no type {error} here") from error
    except Exception as error:
        match = _ERROR.search(str(error))
        if match is None:
            raise
        raise EngineError(int(match[1]), f"DB::Exception: {match[2]}") from error
