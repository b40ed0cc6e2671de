"""Packets of the native protocol, as revision 54468 has them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.native_server.native_columns import column_octets
from tests.native_server.octets import BytesSource, Source, signed32, text, varint

REVISION = 54_468
VERSION = (26, 9, 2)

# What a client sends.
HELLO, QUERY, DATA, CANCEL, PING = range(5)
# What a server sends.
_HELLO, _DATA, _EXCEPTION, _PROGRESS, _PONG, _END = range(6)
_PROFILE, _TABLE_COLUMNS, _PROFILE_EVENTS = 6, 11, 14

_INFO = varint(1) + b"\0" + varint(2) + signed32(-1) + varint(0)
PONG, END_OF_STREAM = varint(_PONG), varint(_END)


@dataclass(frozen=True, slots=True)
class Greeting:
    database: str
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Query:
    query_id: str
    sql: str
    settings: dict[str, str] = field(default_factory=dict)
    is_compressed: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    rows: int
    columns: tuple[tuple[str, str, bytes], ...]  # name, type, bytes as the format Native has them

    def native(self) -> bytes:
        """The block as chdb reads it."""
        parts = [varint(len(self.columns)), varint(self.rows)]
        for name, kind, octets in self.columns:
            parts += [text(name), text(kind), octets]
        return b"".join(parts)


def read_greeting(source: Source) -> Greeting:
    source.text()  # name of the client
    source.varint(), source.varint()
    if source.varint() < REVISION:
        raise ValueError("an older client than the driver that is installed")
    return Greeting(source.text(), source.text(), source.text())


def read_query(source: Source) -> Query:
    query_id = source.text()
    _skip_client(source)
    settings = _read_settings(source)
    source.text()  # secret between servers
    source.varint()  # stage
    is_compressed = bool(source.varint())
    sql = source.text()
    _read_settings(source)  # parameters
    return Query(query_id, sql, settings, is_compressed)


def _skip_client(source: Source) -> None:
    source.byte()  # kind of query
    for _ in range(3):
        source.text()  # initial user, id, address
    source.take(9)  # start time, interface
    for _ in range(3):
        source.text()  # user of the operating system, host, client
    for _ in range(3):
        source.varint()  # version, revision
    source.text()  # quota key
    source.varint(), source.varint()  # depth, patch
    if source.byte():  # trace
        source.take(24)
        source.text()
        source.byte()
    for _ in range(3):
        source.varint()  # parallel replicas


def _read_settings(source: Source) -> dict[str, str]:
    settings = {}
    while name := source.text():
        source.varint()  # flags
        settings[name] = source.text()
    return settings


def read_data(source: Source) -> Block:
    """A block as a client sends it, after its packet type."""
    source.text()  # name of an external table
    _skip_info(source)
    count, rows = source.varint(), source.varint()
    columns = []
    for _ in range(count):
        name, kind = source.text(), source.text()
        if source.byte():
            raise ValueError(f"column {name} has a serialization of its own")
        columns.append((name, kind, column_octets(kind, rows, source)))
    return Block(rows, tuple(columns))


def _skip_info(source: Source) -> None:
    while number := source.varint():
        source.take(1 if number == 1 else 4)


def blocks_of(native: bytes) -> list[Block]:
    """Blocks of the format Native, as chdb writes them."""
    source, blocks = BytesSource(native), []
    while not source.is_empty:
        count, rows = source.varint(), source.varint()
        columns = []
        for _ in range(count):
            name, kind = source.text(), source.text()
            columns.append((name, kind, column_octets(kind, rows, source)))
        blocks.append(Block(rows, tuple(columns)))
    return blocks


def greeting_answer(timezone: str) -> bytes:
    major, minor, patch = VERSION
    return b"".join(
        [varint(_HELLO), text("ClickHouse"), varint(major), varint(minor), varint(REVISION),
         text(timezone), text("native test server"), varint(patch), varint(0), bytes(8)]
    )  # fmt: skip


def data_packet(block: Block, packet: int = _DATA) -> bytes:
    parts = [varint(packet), text(""), _INFO, varint(len(block.columns)), varint(block.rows)]
    for name, kind, octets in block.columns:
        parts += [text(name), text(kind), b"\0", octets]
    return b"".join(parts)


def exception(code: int, message: str) -> bytes:
    return b"".join(
        [varint(_EXCEPTION), signed32(code), text("DB::Exception"), text(message),
         text("0. somewhere\n1. else"), b"\0"]
    )  # fmt: skip


def progress(rows: int) -> bytes:
    # rows, bytes, total rows, total bytes, written rows, written bytes, nanoseconds
    return varint(_PROGRESS) + b"".join(map(varint, (rows, 8 * rows, 0, 0, 0, 0, 1_000)))


def profile(rows: int) -> bytes:
    counts = b"".join(map(varint, (rows, 1, 8 * rows)))
    return varint(_PROFILE) + counts + b"\0" + varint(0) + b"\0"


def table_columns(description: str) -> bytes:
    return varint(_TABLE_COLUMNS) + text("") + text(description)


def profile_events() -> bytes:
    """One event, as a server answers every block of an insert with."""
    columns = (
        ("host_name", "String", text("host")),
        ("current_time", "DateTime", bytes(4)),
        ("thread_id", "UInt64", bytes(8)),
        ("type", "Enum8('increment' = 1, 'gauge' = 2)", b"\1"),
        ("name", "String", text("InsertedRows")),
        ("value", "Int64", bytes(8)),
    )
    return data_packet(Block(1, columns), _PROFILE_EVENTS)
