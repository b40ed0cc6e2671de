"""The map of an import: which column of which file is which field of which event."""

from __future__ import annotations

import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct, field, structs

from schemas.events import TYPES
from schemas.file_error import FileError, read_toml, require_keys

EventKind = Literal[
    "install", "session", "in_app_event", "purchase", "ad_revenue", "refund", "touchpoint", "cost"
]
MONEY_FIELD = "amount"
"""In a map: money as it is written. In events it is `amount_micros`."""
CLICK_FIELDS = ("media_source", "campaign_id", "site_id", "channel")
"""Of an install whose file says where it came from: they become a click one second before it."""
_NO_CELLS = ("dict", "Consent", "AdServices", "bool", "Literal[1]")
"""Types of fields that no cell holds."""
_REQUIRED: dict[str, tuple[str, ...]] = {
    "install": ("install_id", "event_time"),
    "session": ("install_id", "event_time"),
    "in_app_event": ("install_id", "event_time", "name"),
    "purchase": ("install_id", "event_time", MONEY_FIELD),
    "ad_revenue": ("install_id", "event_time", MONEY_FIELD),
    "refund": ("install_id", "event_time", "transaction_id"),
    "touchpoint": ("event_time", "media_source"),
    "cost": ("date", "media_source", MONEY_FIELD),
}


class FileMap(Struct, frozen=True, kw_only=True):
    """How the files of one name become events of one kind."""

    name: str
    """Of the file, with * for any part of it."""
    event: EventKind
    columns: dict[str, str]
    """By field: the column that holds it."""
    constants: dict[str, str] = {}
    """By field: the same value for all rows."""
    time_format: str = ""
    """As of strptime; empty: ISO 8601, or seconds or milliseconds since 1970."""
    amount_unit: Literal["major", "minor", "micros"] = "major"
    is_first_only: bool = field(default=False, name="first_only")
    """Whether only the first row of each install counts, as in a list of purchases."""


class ImportMap(Struct, frozen=True, kw_only=True):
    """A whole map."""

    app_id: str = ""
    """Of all files in which it is neither a column nor a constant."""
    time_zone: str = ""
    """IANA name, for times that do not say theirs; empty: those are refused."""
    decimal: Literal["", ".", ","] = ""
    """Empty: found out from each amount, where only one reading is possible."""
    delimiter: Literal["", ",", ";", "tab", "|", "space"] = ""
    """Empty: found out from the header."""
    encoding: str = "utf-8"
    file: list[FileMap]

    def of_file(self, path: Path) -> list[FileMap]:
        """The sections that the file is read by: one, or several kinds of events in one file."""
        return [section for section in self.file if fnmatch.fnmatch(path.name, section.name)]


def read_import_map(text: str) -> ImportMap:
    """FileError for the first thing that is wrong."""
    found = read_toml(text, ImportMap)
    if found.time_zone:
        try:
            ZoneInfo(found.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise FileError(
                "time_zone", f"{found.time_zone!r} is not known", "IANA names such as Europe/Berlin"
            ) from None
    try:
        "".encode(found.encoding)
    except LookupError:
        raise FileError("encoding", f"{found.encoding!r} is not known", "such as cp1252") from None
    for number, section in enumerate(found.file):
        _check(section, found, f"file[{number}]")
    return found


def _check(section: FileMap, whole: ImportMap, where: str) -> None:
    allowed = allowed_fields(section.event)
    require_keys(section.columns, allowed, f"{where}.columns")
    require_keys(section.constants, allowed, f"{where}.constants")
    named = section.columns.keys() | section.constants.keys()
    missing = [name for name in _REQUIRED[section.event] if name not in named]
    if missing:
        raise FileError(f"{where}.columns", f"{section.event} needs {', '.join(missing)}")
    if not whole.app_id and "app_id" not in named:
        raise FileError("app_id", "it is missing: name the app, here or by a column of each file")
    if twice := section.columns.keys() & section.constants.keys():
        raise FileError(f"{where}.constants", f"{min(twice)} is a column as well")


def allowed_fields(event: str) -> tuple[str, ...]:
    """The fields of a kind of event that a map may name."""
    kinds = structs.fields(TYPES[event, 1])
    fields = [each.name for each in kinds if _is_plain(each.type)]
    own = [MONEY_FIELD if name == "amount_micros" else name for name in fields]
    clicks = CLICK_FIELDS if event == "install" else ()
    return tuple(dict.fromkeys([*own, *clicks]))


@cache
def number_fields(event: str) -> frozenset[str]:
    """The fields of a kind of event that hold whole numbers."""
    fields = structs.fields(TYPES[event, 1])
    return frozenset(each.name for each in fields if "[int," in str(each.type))


def _is_plain(kind: Any) -> bool:
    return not any(part in str(kind) for part in _NO_CELLS)
