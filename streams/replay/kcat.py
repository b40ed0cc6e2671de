"""Reads and writes JSON lines as `kcat -C -J` prints them: a dump is a backfill is a test case.

kcat cannot show bytes that are not UTF-8; here they stand in `payload_base64` (or `key_base64`)
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
"""How often progress is told."""


class KcatRecord(NamedTuple):
    """One line. What the line does not say is None; a null payload is not an empty one."""

    topic: str
    partition: int | None
    offset: int | None
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None


class UnreadableLine(Stop):
    """FILE:LINE and what is wrong there."""


def record_line(record: KcatRecord) -> bytes:
    """One line, with its line end."""
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
    """How many were written; `progress` hears it every 10,000 lines."""
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
    """Every record of the files, in the order given; `progress` hears the bytes read so far.

    UnreadableLine: the first line that is not such a record, or a file that cannot be opened.
    """
    bytes_before = 0
    for path in paths:
        try:
            with path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    bytes_before += len(line)
                    if progress is not None and number % PROGRESS_LINES == 0:
                        progress(bytes_before)
                    if not line.isspace():
                        yield read_line(line, f"{path}:{number}")
        except OSError as error:
            raise UnreadableLine(f"{path}: cannot read it: {error.strerror}") from error
    if progress is not None:
        progress(bytes_before)


def read_line(line: bytes, place: str) -> KcatRecord:
    """One line; `place` is named in the error."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UnreadableLine(f"{place}: not JSON as `kcat -C -J` prints it: {error}") from None
    if type(fields) is not dict or type(fields.get("topic")) is not str or not fields["topic"]:
        raise UnreadableLine(f'{place}: no "topic"; expected lines as `kcat -C -J` prints them')
    if "payload" not in fields and "payload_base64" not in fields:
        raise UnreadableLine(f'{place}: no "payload"; expected lines as `kcat -C -J` prints them')
    return KcatRecord(
        fields["topic"],
        _number(fields, "partition", place),
        _number(fields, "offset", place),
        _number(fields, "ts", place),
        _bytes(fields, "key", place),
        _bytes(fields, "payload", place),
    )


def _number(fields: dict[str, Any], name: str, place: str) -> int | None:
    value = fields.get(name)
    if value is None or (type(value) is int and value >= 0):
        return value
    # kcat prints -1 where the broker has no timestamp.
    if name == "ts" and value == -1:
        return None
    raise UnreadableLine(f'{place}: "{name}" is {value!r}, expected an integer of 0 or more')


def _bytes(fields: dict[str, Any], name: str, place: str) -> bytes | None:
    exact = fields.get(f"{name}_base64")
    if exact is not None:
        try:
            return base64.b64decode(exact, validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise UnreadableLine(f'{place}: "{name}_base64" is not base64') from None
    value = fields.get(name)
    if value is None or type(value) is str:
        return None if value is None else value.encode()
    # A producer of such files may leave a JSON payload unquoted.
    if name == "payload" and type(value) is dict:
        return orjson.dumps(value)
    raise UnreadableLine(f'{place}: "{name}" is {type(value).__name__}, expected a string or null')
