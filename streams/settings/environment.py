"""Reads a tree of settings from environment variables: all of them at the start, each once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from streams.errors import Stop
from streams.settings.declaration import PREFIX, Declaration, declaration_of, declarations
from streams.settings.values import Secret

_Tree = TypeVar("_Tree", bound=Struct)

# Kubernetes tells every pod about the services beside it: HEADWATER_CORE_SERVICE_HOST, …
_SERVICE_LINK = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$"
)
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")
"""What it says in HEADWATER_CORE_PORT. Any other value is meant for a setting, misspelt."""

_NOT_UTF_8 = re.compile(r"[\ud800-\udfff]")
"""What Python makes of bytes in the environment that are no UTF-8."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ufeff]")


class SettingError(Stop):
    """A setting is unknown or wrong: one line that names it, says why, and what would be right."""


def read(tree: type[_Tree], environ: Mapping[str, str], foreign: frozenset[str]) -> _Tree:
    """The settings in `environ`; an empty variable counts as not set.

    `foreign` are variables with our prefix that other programs read. SettingError names the first
    variable that is unknown or wrong.
    """
    _refuse_unknown(tree, environ, foreign)
    return _read_group(tree, environ)


def _read_group(tree: type[_Tree], environ: Mapping[str, str]) -> _Tree:
    values: dict[str, Any] = {}
    for item in msgspec.structs.fields(tree):
        if isinstance(item.type, type) and issubclass(item.type, Struct):
            values[item.name] = _read_group(item.type, environ)
            continue
        declaration = declaration_of(item)
        text = _text_of(declaration, environ)
        if text:
            values[item.name] = _parse(declaration, text)
    return tree(**values)


def _text_of(declaration: Declaration, environ: Mapping[str, str]) -> str | None:
    """What the variable says. Spaces and line ends that a ConfigMap or a shell left around a value
    mean nothing; those of a secret stay, because pseudonyms made with them would change."""
    variable = declaration.variable
    text = environ.get(variable, "")
    if _NOT_UTF_8.search(text):
        raise SettingError(f"{variable}: its value is not text in UTF-8")
    named_file = environ.get(f"{variable}_FILE", "").strip() if declaration.is_secret else None
    if named_file:
        if text:
            raise SettingError(f"both {variable} and {variable}_FILE are set: unset one of them")
        return _text_in(named_file, declaration)
    if text and declaration.is_secret and not text.strip():
        raise SettingError(f"{variable}: its value is only white space")
    return text if declaration.is_secret else text.strip()


def _text_in(named_file: str, declaration: Declaration) -> str:
    """The secret in a file, without its line end. An empty file is no secret: what is written into
    it later must not meet rows that were made without."""
    variable = f"{declaration.variable}_FILE"
    try:
        text = Path(named_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise SettingError(f"{variable}: cannot read {named_file}: {reason}") from error
    if not text:
        raise SettingError(f"{variable}: {named_file} is empty")
    if declaration.kind is Secret and _CONTROL.search(text):
        raise SettingError(
            f"{variable}: {named_file} has a byte order mark, a second line or a control "
            "character: write the secret alone, as plain UTF-8"
        )
    return text


def _parse(declaration: Declaration, text: str) -> Any:
    try:
        return declaration.parse(text)
    except ValueError:
        shown = "its value" if declaration.is_secret else repr(text[:80])
        raise SettingError(
            f"{declaration.variable}: {shown} is not {declaration.expected}{_hint(text)}"
        ) from None


def _hint(text: str) -> str:
    if text.startswith("tcp://"):
        return " (Kubernetes sets it for a service: use enableServiceLinks: false)"
    return ""


def _refuse_unknown(
    tree: type[Struct], environ: Mapping[str, str], foreign: frozenset[str]
) -> None:
    known = set(foreign)
    for declaration in declarations(tree):
        known.add(declaration.variable)
        if declaration.is_secret:
            known.add(f"{declaration.variable}_FILE")
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in known:
            continue
        if _is_service_link(variable, environ[variable]):
            continue
        close = difflib.get_close_matches(variable, known, n=1)
        advice = f"did you mean {close[0]}?" if close else "`headwater settings` lists them all"
        raise SettingError(f"{variable}: there is no such setting; {advice}")


def _is_service_link(variable: str, text: str) -> bool:
    if variable.endswith("_PORT") and _SERVICE_ADDRESS.match(text):
        return True
    return _SERVICE_LINK.search(variable) is not None
