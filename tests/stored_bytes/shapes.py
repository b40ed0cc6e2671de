"""The shape of everything that is stored: fields in their order, with type and default.

An array holds fields by position, so a field may be added at the end, with a default, and in no
other way. Anything else needs a new version of the format, and a decoder that reads the old one.
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from schemas.records import LATER_KINDS, LATER_SIGNALS
from tests.stored_bytes.formats import types

FILE = Path(__file__).parent / "shapes.json"
Shape = dict[str, Any]
_REQUIRED = "required"
_LATER = {kind.__name__ for kind in LATER_KINDS} | {signal.name for signal in LATER_SIGNALS}


def shapes() -> dict[str, Shape]:
    """The shape of every struct and enumeration that a stored format contains."""
    found: dict[str, Shape] = {}
    for _, kind in types():
        _collect(kind, found)
    return dict(sorted(found.items()))


def name_of(kind: type) -> str:
    """A private name, which several modules may have, with its module."""
    name = kind.__name__
    return f"{kind.__module__}.{name}" if name.startswith("_") else name


def _collect(kind: Any, found: dict[str, Shape]) -> None:
    for part in _parts(kind):
        name = name_of(part)
        if name in found:
            continue
        if issubclass(part, Enum):
            found[name] = {"members": {one.name: one.value for one in part}}
            continue
        hints = typing.get_type_hints(part, include_extras=True)
        found[name] = _struct(part, hints)
        for hint in hints.values():
            _collect(hint, found)


def _parts(kind: Any) -> Iterator[Any]:
    """The structs, named tuples and enumerations that a type names."""
    if isinstance(kind, type) and _is_ours(kind):
        yield kind
    for inner in typing.get_args(kind):
        yield from _parts(inner)


def _is_ours(kind: type) -> bool:
    return issubclass(kind, msgspec.Struct | Enum) or hasattr(kind, "_fields")


def _struct(kind: Any, hints: Mapping[str, Any]) -> Shape:
    if not issubclass(kind, msgspec.Struct):
        fields = [[name, _text(hints[name]), _REQUIRED] for name in kind._fields]
        return {"kind": "array", "fields": fields}
    config = kind.__struct_config__
    fields = [
        [field.encode_name, _text(hints[field.name]), _default(field)]
        for field in msgspec.structs.fields(kind)
    ]
    tag = {} if config.tag is None else {"tag": config.tag}
    return {"kind": "array" if config.array_like else "map", **tag, "fields": fields}


def _text(hint: Any) -> str:
    """A type as it is written, without the modules that its parts stand in."""
    supertype = getattr(hint, "__supertype__", None)
    if supertype is not None:
        return f"{_text(supertype)} as {hint.__name__}"
    if isinstance(hint, type) and not typing.get_args(hint):
        return hint.__name__
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=\w)", "", str(hint))


def _default(field: Any) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return f"{field.default_factory.__name__}()"
    return _REQUIRED if field.default is msgspec.NODEFAULT else repr(field.default)


def recorded_shapes() -> dict[str, Shape]:
    found: dict[str, Shape] = json.loads(FILE.read_text())
    return found


def write_shapes(found: Mapping[str, Shape]) -> None:
    FILE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def unreadable_changes(recorded: Mapping[str, Shape], today: Mapping[str, Shape]) -> list[str]:
    """One line for each change after which bytes that were stored before mean something else."""
    return [
        f"{name}: {problem}"
        for name, before in recorded.items()
        if name in today and (problem := _problem(before, today[name]))
    ]


def _problem(before: Shape, after: Shape) -> str:
    if "members" in before:
        return _members_problem(before["members"], after.get("members", {}))
    if before["kind"] != after["kind"] or before.get("tag") != after.get("tag"):
        return "it is stored in another way, or under another tag"
    if after["kind"] == "map":
        return _map_problem(before, after)
    for position, (old, new) in enumerate(zip(before["fields"], after["fields"], strict=False)):
        if old[:2] != new[:2] and not (old[0] == new[0] and _has_more_records(old[1], new[1])):
            return f"field {position} was {old[0]}: {old[1]}, and is {new[0]}: {new[1]}"
    if len(after["fields"]) < len(before["fields"]):
        return f"field {before['fields'][len(after['fields'])][0]} is gone"
    return _undefaulted(after["fields"][len(before["fields"]) :])


def _members_problem(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    gone = [name for name, value in before.items() if value not in after.values()]
    moved = [name for name, value in after.items() if before.get(name, value) != value]
    new = [name for name in after if name not in before and name not in _LATER]
    if gone or moved:
        return f"members {', '.join(gone + moved)} are gone or have another value"
    return f"earlier builds cannot read members {', '.join(new)}" if new else ""


def _map_problem(before: Shape, after: Shape) -> str:
    known = {field[0]: field for field in before["fields"]}
    for field in after["fields"]:
        old = known.get(field[0])
        if old and old[1] != field[1] and not _is_widened(old[1], field[1]):
            return f"field {field[0]} was {old[1]}, and is {field[1]}"
    return _undefaulted([field for field in after["fields"] if field[0] not in known])


def _has_more_records(before: str, after: str) -> bool:
    """Whether a list may hold further kinds of records, in frames of a later version."""
    unions = [re.fullmatch(r"list\[(.*)\]", kind) for kind in (before, after)]
    known, now = (set(one[1].split(" | ")) if one else set() for one in unions)
    return len(known) > 1 and known < now and now - known <= _LATER


def _is_widened(before: str, after: str) -> bool:
    """Whether a text may have further values: this build reads all of the earlier ones."""
    texts = [re.fullmatch(r"Literal\[(.*)\]", kind) for kind in (before, after)]
    if texts[0] is None or texts[1] is None:
        return False
    return set(texts[0][1].split(", ")) <= set(texts[1][1].split(", "))


def _undefaulted(added: list[list[str]]) -> str:
    lacking = [field[0] for field in added if field[2] == _REQUIRED]
    return f"new field {lacking[0]} has no default" if lacking else ""
