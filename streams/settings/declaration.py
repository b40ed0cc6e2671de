"""What a field of the settings tree declares: its variable, type, bounds, default and text.

A group of settings is a frozen `msgspec.Struct`. The encoded name of a field is its environment
variable, and `Meta` holds its bounds, its text for `headwater settings`, and an example:

    partitions: Annotated[
        int, Meta(ge=1, le=1024, description="Partitions of each topic.", examples=["12"])
    ] = field(name="HEADWATER_PARTITIONS", default=4)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from schemas.time import format_duration, parse_duration
from streams.settings.values import Secret, SecretsByName

PREFIX = "HEADWATER_"
DURATION = {"is_duration": True}
"""`extra` of a setting in milliseconds that is written as a duration, such as 36h."""

FOR_CHILD_PROCESSES = {"is_internal": True}
"""`extra` of a setting that only headwater sets, for its child processes: not documented."""

_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Declaration:
    """One setting, as a field of the tree declares it."""

    variable: str
    kind: Any
    """The type without `Annotated` and `None`."""
    meta: Meta
    default: Any

    @property
    def text(self) -> str:
        """What the setting is for, and an example: for the person who sets it."""
        example = (self.meta.examples or [""])[0]
        return f"{self.meta.description} Example: `{example}`." if example else self._description

    @property
    def default_text(self) -> str:
        """The default as one would write it; empty when there is none."""
        if self.default is None:
            return ""
        if self.kind is bool:
            return "yes" if self.default else "no"
        return format_duration(self.default) if self.is_duration else str(self.default)

    @property
    def expected(self) -> str:
        """What a value has to be, as it follows "is not"."""
        low, high = self.meta.ge, self.meta.le
        if self.is_duration:
            between = f"from {format_duration(int(low or 0))} to {format_duration(int(high or 0))}"
            return f"a duration {between}, such as 7d, 24h, 90s"
        if self.kind in (int, float):
            number = "a whole number" if self.kind is int else "a number"
            return f"{number} from {low:g} to {high:.0f}"
        if get_origin(self.kind) is Literal:
            return "one of " + ", ".join(get_args(self.kind))
        return _EXPECTED.get(self.kind) or str(self.kind.expected)

    @property
    def is_secret(self) -> bool:
        """Whether the value must never be shown. Then it may also come from a file."""
        return self.kind in (Secret, SecretsByName)

    @property
    def is_duration(self) -> bool:
        """Whether the value is a number of milliseconds, written with a unit."""
        return self.meta.extra is not None and "is_duration" in self.meta.extra

    @property
    def is_internal(self) -> bool:
        """Whether only headwater sets it, for its child processes."""
        return self.meta.extra is not None and "is_internal" in self.meta.extra

    @property
    def _description(self) -> str:
        return self.meta.description or ""

    def parse(self, text: str) -> Any:
        """The value of a text; ValueError when it is not what is expected."""
        try:
            return msgspec.convert(
                self._notation(text), Annotated[self.kind, self.meta], dec_hook=_parse_own
            )
        except msgspec.ValidationError as error:
            raise ValueError from error

    def _notation(self, text: str) -> Any:
        """What msgspec takes for the text: it checks type and bounds."""
        if get_origin(self.kind) is Literal:
            values = {value.lower(): value for value in get_args(self.kind)}
            return values.get(text.lower())
        parse = parse_duration if self.is_duration else _NOTATIONS.get(self.kind)
        return parse(text) if parse else text


def declarations(tree: type[Struct]) -> Iterator[Declaration]:
    """Every setting of a group of settings or of groups, in the order they are written."""
    for item in msgspec.structs.fields(tree):
        if isinstance(item.type, type) and issubclass(item.type, Struct):
            yield from declarations(item.type)
        else:
            yield declaration_of(item)


def declaration_of(item: msgspec.structs.FieldInfo) -> Declaration:
    """What a field that is no group declares."""
    kind, meta = get_args(item.type)
    if get_origin(kind) in (UnionType, Union):
        (kind,) = (member for member in get_args(kind) if member is not NoneType)
    return Declaration(item.encode_name, kind, cast(Meta, meta), item.default)


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError(text)
    return _FLAGS[text.lower()]


def _date(text: str) -> date:
    day = datetime.strptime(text, "%Y-%m-%d").date()
    if day.year < 1970:
        raise ValueError(text)
    return day


def _parse_own(kind: Any, value: Any) -> Any:
    return value if isinstance(value, kind) else kind.parse(value)


_NOTATIONS: dict[Any, Callable[[str], Any]] = {
    int: int,
    float: float,
    bool: _flag,
    date: _date,
    Path: Path,
}
_EXPECTED = {
    str: "text",
    bool: "yes or no",
    date: "a date such as 2010-01-01",
    Path: "a path",
}
