"""Reads settings from environment variables: declared once, checked once, all at the start."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from schemas.time import format_duration, parse_duration
from streams.errors import Stop

PREFIX = "HEADWATER_"
_T = TypeVar("_T")

# Kubernetes tells every pod about the services beside it: HEADWATER_CORE_SERVICE_HOST, …
_SERVICE_LINK = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$"
)


class SettingError(Stop):
    """A setting is unknown or wrong. The text is one line: which, why, what would be right."""


class Secret:
    """Text that never shows up in logs, errors or reprs."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True)
class Kind(Generic[_T]):
    """What values a setting takes. `parse` raises ValueError for anything else."""

    expected: str
    parse: Callable[[str], _T]
    show: Callable[[_T], str] = str
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Declaration:
    variable: str
    kind: Kind[Any]
    default: Any
    text: str  # one sentence for the person who sets it
    is_internal: bool  # set by headwater for its own child processes

    @property
    def default_text(self) -> str:
        return "" if self.default is None else self.kind.show(self.default)


def declare(
    variable: str,
    kind: Kind[_T],
    default: _T | None,
    text: str,
    *,
    is_internal: bool = False,
) -> Any:
    """A dataclass field that is read from `variable`; None as default: not set."""
    declaration = Declaration(PREFIX + variable, kind, default, text, is_internal)
    return dataclasses.field(default=default, metadata={"declaration": declaration})


def declarations(tree: type[Any]) -> Iterator[Declaration]:
    """Every declaration of a dataclass of dataclasses, in the order they are written."""
    for item in dataclasses.fields(tree):
        if "declaration" in item.metadata:
            yield item.metadata["declaration"]
        else:
            yield from declarations(item.metadata["group"])


def group(tree: type[_T]) -> Any:
    """A dataclass field that holds further settings."""
    return dataclasses.field(default_factory=tree, metadata={"group": tree})


def read(tree: type[_T], environ: Mapping[str, str], foreign: frozenset[str]) -> _T:
    """The settings in `environ`; SettingError names the first that is unknown or wrong.

    `foreign` are variables with our prefix that other programs read.
    """
    _refuse_unknown(tree, environ, foreign)
    return _read(tree, environ)


def _read(tree: type[_T], environ: Mapping[str, str]) -> _T:
    values: dict[str, Any] = {}
    for item in dataclasses.fields(tree):  # type: ignore[arg-type]
        if "group" in item.metadata:
            values[item.name] = _read(item.metadata["group"], environ)
            continue
        declaration: Declaration = item.metadata["declaration"]
        text = _text_of(declaration, environ)
        if text:
            values[item.name] = _parse(declaration, text)
    return tree(**values)


def _text_of(declaration: Declaration, environ: Mapping[str, str]) -> str | None:
    variable = declaration.variable
    named_file = environ.get(f"{variable}_FILE") if declaration.kind.is_secret else None
    if not named_file:
        return environ.get(variable)
    if environ.get(variable):
        raise SettingError(f"both {variable} and {variable}_FILE are set: unset one of them")
    try:
        return Path(named_file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise SettingError(f"{variable}_FILE: cannot read {named_file}: {reason}") from error


def _parse(declaration: Declaration, text: str) -> Any:
    kind = declaration.kind
    try:
        return kind.parse(text)
    except ValueError:
        shown = "its value" if kind.is_secret else repr(text[:80])
        raise SettingError(
            f"{declaration.variable}: {shown} is not {kind.expected}{_hint(text)}"
        ) from None


def _hint(text: str) -> str:
    if text.startswith("tcp://"):
        return " (Kubernetes set it for a service: use enableServiceLinks: false)"
    return ""


def _refuse_unknown(tree: type[Any], environ: Mapping[str, str], foreign: frozenset[str]) -> None:
    known = set(foreign)
    for declaration in declarations(tree):
        known.add(declaration.variable)
        if declaration.kind.is_secret:
            known.add(f"{declaration.variable}_FILE")
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in known or _SERVICE_LINK.search(variable):
            continue
        close = difflib.get_close_matches(variable, known, n=1)
        advice = f"did you mean {close[0]}?" if close else "`headwater settings` lists them all"
        raise SettingError(f"{variable}: there is no such setting; {advice}")


# --- kinds ---------------------------------------------------------------------------------------


def text() -> Kind[str]:
    return Kind("text", str)


def secret() -> Kind[Secret]:
    return Kind("text (or a file, with _FILE)", Secret, is_secret=True)


def secrets() -> Kind[Mapping[str, Secret]]:
    """Secrets by name, such as {"north": "…"}."""

    def parse(written: str) -> Mapping[str, Secret]:
        try:
            found = msgspec.json.decode(written, type=dict[str, str])
        except msgspec.MsgspecError:
            raise ValueError from None
        if not all(found.values()):
            raise ValueError
        return {name: Secret(text) for name, text in found.items()}

    return Kind("a JSON object of names and secrets (or a file, with _FILE)", parse, is_secret=True)


def folder() -> Kind[Path]:
    return Kind("a path", Path)


def flag() -> Kind[bool]:
    meanings = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}

    def parse(written: str) -> bool:
        if written.lower() not in meanings:
            raise ValueError
        return meanings[written.lower()]

    return Kind("yes or no", parse, lambda value: "yes" if value else "no")


def integer(low: int, high: int) -> Kind[int]:
    def parse(written: str) -> int:
        value = int(written)
        if not low <= value <= high:
            raise ValueError
        return value

    return Kind(f"a whole number from {low} to {high}", parse)


def share() -> Kind[float]:
    def parse(written: str) -> float:
        value = float(written)
        if not 0.0 <= value <= 1.0:
            raise ValueError
        return value

    return Kind("a number from 0 to 1", parse)


def choice(*values: str) -> Kind[str]:
    def parse(written: str) -> str:
        found = [value for value in values if value.lower() == written.lower()]
        if not found:
            raise ValueError
        return found[0]

    return Kind("one of " + ", ".join(values), parse)


def duration(low: str, high: str) -> Kind[int]:
    """A length of time such as 7d, 24h, 90s or 500ms, kept as milliseconds."""
    low_ms, high_ms = parse_duration(low), parse_duration(high)

    def parse(written: str) -> int:
        value = parse_duration(written)
        if not low_ms <= value <= high_ms:
            raise ValueError
        return value

    return Kind(
        f"a length of time from {low} to {high}, such as 7d, 24h, 90s", parse, format_duration
    )


def day() -> Kind[int]:
    """A UTC date, kept as milliseconds since 1970."""

    def parse(written: str) -> int:
        moment = datetime.strptime(written, "%Y-%m-%d").replace(tzinfo=UTC)
        if moment.year < 1970:
            raise ValueError
        return int(moment.timestamp()) * 1000

    def show(value: int) -> str:
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d")

    return Kind("a date such as 2010-01-01", parse, show)


def addresses() -> Kind[str]:
    def parse(written: str) -> str:
        for address in written.split(","):
            host, _, port = address.strip().rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 65536 or "/" in host:
                raise ValueError
        return ",".join(address.strip() for address in written.split(","))

    return Kind("host:port, or several with commas between", parse)
