"""Reads and writes JSON lines as `kcat -C -J` prints them: a dump is a backfill is a test case.

kcat itself prints bytes that are not UTF-8 as they are, which is no JSON: they are read back byte
for byte. Here they are written to `payload_base64` (or `key_base64`) beside a readable
approximation. Headers and the deserialised keys of `kcat -s` are read; headers mean nothing here.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
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
    paths: Iterable[Path],
    progress: Callable[[int], None] | None = None,
    on_unreadable: Callable[[bytes, str], KcatRecord | None] | None = None,
) -> Iterator[KcatRecord]:
    """Every record of the files, in the order given.

    `progress` is called with the number of bytes read so far. `on_unreadable` is called with the
    bytes of a line that is not a record and with what is wrong, such as `dump.jsonl:7: no "topic"`;
    what it returns stands for the line. UnreadableLineError: a file that cannot be read; without
    `on_unreadable` also the first line that is not a record.
    """
    bytes_read = 0
    for path in paths:
        try:
            with path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    bytes_read += len(line)
                    if progress is not None and number % PROGRESS_LINES == 0:
                        progress(bytes_read)
                    if line.isspace():
                        continue
                    try:
                        record: KcatRecord | None = read_line(line, f"{path}:{number}")
                    except UnreadableLineError as error:
                        if on_unreadable is None:
                            raise
                        fault = str(error).removeprefix(f"{path}:{number}")
                        record = on_unreadable(line.rstrip(b"\r\n"), f"{path.name}:{number}{fault}")
                    if record is not None:
                        yield record
        except OSError as error:
            raise UnreadableLineError(f"{path}: cannot be read: {error.strerror}") from error
    if progress is not None:
        progress(bytes_read)


def read_line(line: bytes, where: str) -> KcatRecord:
    """The record of a line; `where`, such as `dump.jsonl:7`, begins the text of an error."""
    try:
        fields = _loads(line)
    except (ValueError, RecursionError) as error:
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


_PLACE = re.compile(
    rb'"(?:(topic)"\s*:\s*"([^"\\]+)"|(partition|offset|ts)"\s*:\s*(\d{1,15})\s*[,}])'
)


def salvage_line(line: bytes) -> KcatRecord | None:
    """A line that is not a record, as the value of a record at the log position that it names.

    kcat prints topic, partition, offset and time first, so that they stand also in a line that was
    cut off. None: the line names no topic, or could pass for an event itself.
    """
    if b'"schema_version"' in line:
        return None
    head = line[: line.find(b'"payload"')] if b'"payload"' in line else line
    found: dict[str, bytes] = {}
    for match in _PLACE.finditer(head):
        found.setdefault((match[1] or match[3]).decode(), match[2] or match[4])
    topic = found.pop("topic", b"").decode(errors="replace")
    if not topic:
        return None
    partition, offset, ts = (
        int(found[name]) if name in found else None for name in ("partition", "offset", "ts")
    )
    return KcatRecord(topic, partition, offset, ts, None, line)


def _loads(line: bytes) -> Any:
    """The JSON of a line; its strings may hold what kcat copies and JSON forbids."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        message = str(error)
    try:
        # Bytes that are not UTF-8 become lone surrogates, and `_encoded` turns them back. Numbers
        # that JSON does not know are refused here, as they are above.
        text = line.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ValueError(message) from None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return b"".join(map(_encoded_character, text))


def _encoded_character(character: str) -> bytes:
    escaped = "\udc80" <= character <= "\udcff"
    return character.encode("utf-8", "surrogateescape" if escaped else "surrogatepass")


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
        return None if value is None else _encoded(value)
    # kcat prints keys that it deserialises (-s) as JSON, and a producer of such files may leave a
    # JSON payload unquoted.
    if name == "key" or type(value) is dict:
        try:
            return orjson.dumps(value)
        except orjson.JSONEncodeError:  # lone surrogates, or numbers beyond 64 bits
            return json.dumps(value).encode()
    raise UnreadableLineError(
        f'{where}: "{name}" is {type(value).__name__}; allowed: a string or null'
    )
