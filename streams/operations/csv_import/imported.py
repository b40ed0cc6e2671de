"""Events of CSV files: each valid, or a fault that names file, line, column and what to do."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from schemas import topics
from schemas.decode import Unreadable, decode
from schemas.events import TOPIC_OF_TYPE, TYPES
from schemas.time import DAY_MS, SECOND_MS
from streams.errors import Stop
from streams.kafka.kcat import KcatRecord
from streams.operations.csv_import.cells import CellError, read_money, read_time, read_whole
from streams.operations.csv_import.csv_rows import CsvFile, CsvRow, open_csv
from streams.operations.csv_import.import_map import (
    CLICK_FIELDS,
    MONEY_FIELD,
    FileMap,
    ImportMap,
    number_fields,
)

HEADER_SHOWN = 300
"""Characters of a header that a fault tells: a file that is no CSV may be one long line."""
INSTALLS_REMEMBERED_MAX = 20_000_000
"""Ids of installs that `first_only` remembers, a few bytes each; more files have to be split."""
_ELSE_LOST = {
    "country_code": "a country of ISO 3166-1, such as DE",
    "platform": "android, ios or other",
}
"""Fields that workers leave out where they do not know the value: an import says so."""
_TIMES = ("event_time", "sent_time")


class Fault(NamedTuple):
    """A row that is left out, or a column that is not there."""

    file: str
    line: int
    column: str  # empty: of the row as a whole
    wrong: str

    def __str__(self) -> str:
        column = f"column {self.column!r}: " if self.column else ""
        return f"{self.file}:{self.line}: {column}{self.wrong}"


class CsvImport:
    """Reads files by a map. `counts`: events made so far, by kind; `faults`: rows left out."""

    def __init__(self, rules: ImportMap, earliest_event_time: int, now: int) -> None:
        """Times in milliseconds since 1970. A history has nothing later than `now` and a day."""
        self.counts: Counter[str] = Counter()
        self.faults = 0
        self._rules = rules
        self._earliest = earliest_event_time
        self._latest = now + DAY_MS  # a zone that is left out may be off by as much
        self._zone = ZoneInfo(rules.time_zone) if rules.time_zone else None
        self._seen: set[bytes] = set()

    def read(self, files: Sequence[Path]) -> Iterator[KcatRecord | Fault]:
        """Records in the order of the rows. Stop: a file that no section of the map is for."""
        for path in files:
            sections = self._rules.of_file(path)
            if not sections:
                raise Stop(f"{path.name}: no [[file]] of the map has a name that fits; add one")
            for section in sections:
                self._seen.clear()
                for found in self._read(path, section):
                    self.faults += isinstance(found, Fault)
                    yield found

    def _read(self, path: Path, section: FileMap) -> Iterator[KcatRecord | Fault]:
        opened = open_csv(path, self._rules.encoding, self._rules.delimiter)
        wrong = _header_faults(opened, section)
        if wrong:
            yield from wrong
            return
        place = {name: opened.header.index(column) for name, column in section.columns.items()}
        for row in opened.rows:
            if row.fault:
                yield Fault(path.name, row.line, "", row.fault)
            elif row.cells:
                yield from self._events(path.name, section, place, row)

    def _events(
        self, file: str, section: FileMap, place: dict[str, int], row: CsvRow
    ) -> Iterator[KcatRecord | Fault]:
        texts = {name: row.cells[number] for name, number in place.items()} | section.constants
        who = f"{texts.get('app_id', '')}|{texts.get('install_id', '')}"
        if section.is_first_only and not self._is_first(who):
            return
        try:
            fields = self._fields(file, section, texts, row.line)
        except _ColumnError as error:
            column = section.columns.get(error.field, error.field)
            yield Fault(file, row.line, column, error.wrong)
            return
        found: list[KcatRecord] = []
        for event in _with_click(fields):
            record, wrong = self._record(event)
            if wrong:
                column = next((section.columns[one] for one in place if one in wrong), "")
                yield Fault(file, row.line, column, wrong)
                return
            found.append(record)
        for record in found:
            self.counts["click" if record.topic == topics.TOUCHPOINTS.name else section.event] += 1
            yield record

    def _is_first(self, install_id: str) -> bool:
        digest = hashlib.blake2b(install_id.encode(errors="replace"), digest_size=8).digest()
        if digest in self._seen:
            return False
        if len(self._seen) >= INSTALLS_REMEMBERED_MAX:
            raise Stop(
                f"first_only: more than {INSTALLS_REMEMBERED_MAX:,} installs: split the file"
            )
        self._seen.add(digest)
        return True

    def _fields(
        self, file: str, section: FileMap, texts: dict[str, str], line: int
    ) -> dict[str, Any]:
        """The fields of the event; what is empty is left out."""
        event_id = f"{file}:{line}:{section.event}"
        fields: dict[str, Any] = {"type": section.event, "schema_version": 1}
        fields |= {"app_id": self._rules.app_id, "event_id": event_id}
        for name, text in texts.items():
            if text:
                try:
                    fields |= self._field(section, name, text, texts.get("currency", ""))
                except CellError as error:
                    raise _ColumnError(name, str(error)) from None
        if section.event == "cost":
            fields.setdefault("timezone", self._rules.time_zone or "UTC")
        return _completed(fields)

    def _field(self, section: FileMap, name: str, text: str, currency: str) -> dict[str, Any]:
        if not text.isprintable():  # Bytes that are no text stand for themselves, and are not.
            raise CellError(f"{text!a} is no line of UTF-8: set encoding in the map, or mend it")
        if name in _TIMES:
            return {name: self._time(text, section)}
        if name == MONEY_FIELD:
            micros, found = read_money(text, self._rules.decimal, section.amount_unit, currency)
            return {"amount_micros": micros, "currency": found}
        return {name: read_whole(text) if name in number_fields(section.event) else text}

    def _time(self, text: str, section: FileMap) -> int:
        """One moment of a wrong century would be the log time of all that is imported later."""
        moment = read_time(text, section.time_format, self._zone)
        if moment > self._latest:
            raise CellError(f"{text!r} is in the future: mend it, or time_format")
        return moment

    def _record(self, event: dict[str, Any]) -> tuple[KcatRecord, str]:
        """The record, and why its event would be a dead letter; empty: it would not."""
        topic = TOPIC_OF_TYPE[TYPES[event["type"], 1]]
        at = event.get("event_time", 0)
        value = orjson.dumps(event)
        key = str(event.get("install_id", event["event_id"])).encode()
        record = KcatRecord(topic, None, None, at, key, value)
        read = decode(value, topic, at, self._earliest)
        if not isinstance(read, Unreadable):
            lost = next(
                (one for one in _ELSE_LOST if event.get(one) and not getattr(read, one, 1)), ""
            )
            return record, f"{lost}: {event[lost]!r} is not {_ELSE_LOST[lost]}" if lost else ""
        hint = ""
        if 0 < at < self._earliest:
            hint = "; set HEADWATER_EARLIEST_EVENT_TIME, here and for what reads the events"
        return record, f"{read.reason.value}: {read.detail}{hint}"


class _ColumnError(Exception):
    def __init__(self, field: str, wrong: str) -> None:
        super().__init__(field, wrong)
        self.field = field
        self.wrong = wrong


def _header_faults(opened: CsvFile, section: FileMap) -> list[Fault]:
    """Columns that the map names and the file lacks, or has twice."""
    found = []
    for name, column in section.columns.items():
        times = opened.header.count(column)
        if times == 0:
            has = _shown(opened.header)
            wrong = f"it is missing; mend {name} in the map: the file has {has}"
            found.append(Fault(opened.path.name, 1, column, wrong))
        elif times > 1:
            wrong = f"{times} columns have this name: rename all but one"
            found.append(Fault(opened.path.name, 1, column, wrong))
    return found


def _shown(header: Sequence[str]) -> str:
    """The names of columns in one short line; bytes that are no text as escapes."""
    text = ", ".join(name if name.isprintable() else ascii(name)[1:-1] for name in header)
    return text if len(text) <= HEADER_SHOWN else f"{text[:HEADER_SHOWN]} …"


def _completed(fields: dict[str, Any]) -> dict[str, Any]:
    """With the ids and times that follow from others."""
    event_id, kind = fields["event_id"], fields["type"]
    if kind == "session":
        fields.setdefault("session_id", event_id)
    elif kind in ("purchase", "refund"):
        fields.setdefault("transaction_id", event_id)
    elif kind == "touchpoint":
        fields.setdefault("touch_id", event_id)
        fields.setdefault("touch_type", "click")
    elif kind == "cost" and "event_time" not in fields and "date" in fields:
        try:  # Known when its day is over.
            fields["event_time"] = read_time(fields["date"], "", ZoneInfo("UTC")) + DAY_MS
            fields.setdefault("revision", 0)
        except CellError as error:
            raise _ColumnError("date", str(error)) from None
    return fields


def _with_click(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """An install that says where it origin from, as a click and the install that names it."""
    origin = {name: fields.pop(name) for name in CLICK_FIELDS if name in fields}
    if fields["type"] != "install":
        return [fields | origin]
    if not origin.get("media_source"):
        return [fields]
    click_id = fields.setdefault("click_id", f"{fields['event_id']}-click")
    shared = ("app_id", "schema_version", "platform", "country_code", "os_version", "environment")
    click = {name: fields[name] for name in shared if name in fields} | origin
    click |= {"type": "touchpoint", "event_id": f"{click_id}-t", "touch_id": click_id}
    click |= {"touch_type": "click", "event_time": fields.get("event_time", 0) - SECOND_MS}
    return [click, fields]
