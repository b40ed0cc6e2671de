"""Reads files that people write: TOML as typed values, or one line about what is wrong.

Rules, targets and conversion values are read here, so that all of them say a mistake alike: where
in the file, what is wrong, and what is allowed.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any, Self, TypeVar

import msgspec
from msgspec import inspect

from schemas.time import Millis, parse_duration

_Value = TypeVar("_Value")


class FileError(ValueError):
    """A file cannot be used: where in it, what is wrong there, and what is allowed instead.

    `where` is the path of a key, such as `scope[1].windows.click`; lists count from 0, as in JSON
    paths. It is empty for the file as a whole.
    """

    def __init__(self, where: str, wrong: str, allowed: str = "") -> None:
        super().__init__(where, wrong, allowed)
        self.where = where
        self.wrong = wrong
        self.allowed = allowed

    def __str__(self) -> str:
        before = f"{self.where}: " if self.where else ""
        after = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"{before}{self.wrong}{after}"


class Duration(Millis):
    """Milliseconds that a file writes as a number and a unit: "36h"."""

    @classmethod
    def parse(cls, value: object) -> Self:
        """ValueError for anything but the text of a duration."""
        if not isinstance(value, str):
            raise ValueError(f'{value!r} is not a duration such as "30m", "6h" or "7d"')
        return cls(parse_duration(value))


def read_toml(text: str, kind: type[_Value]) -> _Value:
    """A TOML file as a msgspec struct. FileError for the first thing that is wrong."""
    return convert_value(decode_toml(text), kind)


def decode_toml(text: str) -> dict[str, Any]:
    """A TOML file as tables and lists. FileError when it is none."""
    try:
        document: dict[str, Any] = msgspec.toml.decode(text)
    except msgspec.DecodeError as error:
        raise FileError("", f"this is not TOML: {error}") from None
    except RecursionError:
        raise FileError("", "its lists or tables are nested too deeply") from None
    return document


def convert_value(value: Any, kind: type[_Value] | Any, where: str = "") -> _Value:
    """A decoded value in the type of its key. FileError names the key below `where`."""
    _require_known(value, inspect.type_info(kind), where)
    try:
        converted: _Value = msgspec.convert(value, kind, dec_hook=_parse)
    except msgspec.ValidationError as error:
        wrong, _, path = str(error).partition(" - at `$")
        raise FileError(f"{where}{path.rstrip('`')}".removeprefix("."), wrong) from None
    return converted


def require_keys(values: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """FileError for the first key that is not known, with the one that was probably meant."""
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
            hint = f", did you mean {close[0]}?" if close else ""
            allowed = "" if close else ", ".join(known)
            raise FileError(where, f"unknown key {name!r}{hint}", allowed)


def _parse(kind: Any, value: Any) -> Any:
    return kind.parse(value)


def _require_known(value: Any, kind: inspect.Type, where: str) -> None:
    """What msgspec would refuse without naming what is allowed: keys and choices."""
    if isinstance(kind, inspect.Metadata):
        _require_known(value, kind.type, where)
    elif isinstance(kind, inspect.LiteralType) and value not in kind.values:
        raise FileError(where, f"{value!r} is not a choice", ", ".join(map(str, kind.values)))
    elif isinstance(kind, inspect.StructType) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in kind.fields}
        require_keys(value, fields, where)
        for name, part in value.items():
            _require_known(part, fields[name], f"{where}.{name}".removeprefix("."))
    elif isinstance(kind, inspect.ListType) and isinstance(value, list):
        for index, part in enumerate(value):
            _require_known(part, kind.item_type, f"{where}[{index}]")
