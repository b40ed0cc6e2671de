"""Reads and writes JSON lines as `kcat -C -J` prints them: a dump is a backfill is a test case.

kcat cannot print bytes that are not UTF-8. Here they stand in `payload_base64` (or `key_base64`)
beside a readable approximation, so that nothing is lost.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from streams.errors import Stop

PROGRESS_LINES = 10_000
"""Progress is reported after this many lines."""


class KcatRecord(NamedTuple):
    """One line. A field that is missing is None; a null payload is not an empty one."""

    topic: str
    partition: int | None
    offset: int | None
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None


class UnreadableLineError(Stop):
    """A line is not a record, or its file cannot be read: FILE:LINE, and what is wrong there."""


def record_line(record: KcatRecord) -> bytes:
    """The line of a record, with its line end."""
    fields: dict[str, Any] = {"topic": record.topic}
    if record.partition is not None:
        fields["partition"] = record.partition
    if record.offset is not None:
        fields["offset"] = record.offset
    if record.timestamp_ms is not None:
        fields["tstype"] = "create"
        fields["ts"] = record.timestamp_ms
    _put(fields, "key", record.key)
    _put(fields, "payload", record.value)
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _put(fields: dict[str, Any], name: str, value: bytes | None) -> None:
    if value is None:
        fields[name] = None
        return
    try:
        fields[name] = value.decode()
    except UnicodeDecodeError:
        fields[name] = value.decode(errors="replace")
        fields[f"{name}_base64"] = base64.b64encode(value).decode()


def write_records(
    records: Iterable[KcatRecord],
    out: BinaryIO,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write one line for each record; the number of them.

    `progress` is called with the number written so far, every 10,000 lines and at the end.
    """
    count = 0
    for count, record in enumerate(records, start=1):
        out.write(record_line(record))
        if progress is not None and count % PROGRESS_LINES == 0:
            progress(count)
    if progress is not None:
        progress(count)
    return count


def read_records(
    paths: Iterable[Path], progress: Callable[[int], None] | None = None
) -> Iterator[KcatRecord]:
    """Every record of the files, in the order given.

    `progress` is called with the number of bytes read so far. UnreadableLineError: the first line
    that is not a record, or a file that cannot be read.
    """
    bytes_read = 0
    for path in paths:
        try:
            with path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    bytes_read += len(line)
                    if progress is not None and number % PROGRESS_LINES == 0:
                        progress(bytes_read)
                    if not line.isspace():
                        yield read_line(line, f"{path}:{number}")
        except OSError as error:
            raise UnreadableLineError(f"{path}: cannot be read: {error.strerror}") from error
    if progress is not None:
        progress(bytes_read)


def read_line(line: bytes, where: str) -> KcatRecord:
    """The record of a line; `where`, such as `dump.jsonl:7`, begins the text of an error."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UnreadableLineError(
            f"{where}: this is not JSON as `kcat -C -J` prints it: {error}"
        ) from None
    if type(fields) is not dict or type(fields.get("topic")) is not str or not fields["topic"]:
        raise UnreadableLineError(f'{where}: no "topic", as `kcat -C -J` prints it')
    if "payload" not in fields and "payload_base64" not in fields:
        raise UnreadableLineError(f'{where}: no "payload", as `kcat -C -J` prints it')
    return KcatRecord(
        fields["topic"],
        _number(fields, "partition", where),
        _number(fields, "offset", where),
        _number(fields, "ts", where),
        _bytes(fields, "key", where),
        _bytes(fields, "payload", where),
    )


def _number(fields: dict[str, Any], name: str, where: str) -> int | None:
    value = fields.get(name)
    if value is None or (type(value) is int and value >= 0):
        return value
    # kcat prints -1 where the broker has no timestamp.
    if name == "ts" and value == -1:
        return None
    raise UnreadableLineError(
        f'{where}: "{name}" is {value!r}; allowed: a whole number of 0 or more'
    )


def _bytes(fields: dict[str, Any], name: str, where: str) -> bytes | None:
    exact = fields.get(f"{name}_base64")
    if exact is not None:
        try:
            return base64.b64decode(exact, validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise UnreadableLineError(f'{where}: "{name}_base64" is not base64') from None
    value = fields.get(name)
    if value is None or type(value) is str:
        return None if value is None else value.encode()
    # A producer of such files may leave a JSON payload unquoted.
    if name == "payload" and type(value) is dict:
        return orjson.dumps(value)
    raise UnreadableLineError(
        f'{where}: "{name}" is {type(value).__name__}; allowed: a string or null'
    )
