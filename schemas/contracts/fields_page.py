"""The page that says for every type of event how its fields are used."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import msgspec

from schemas.contracts.field_uses import FieldUse, UsedField, used_fields
from schemas.events import TYPES, AdServices
from schemas.events.event import DeviceEvent, Event
from schemas.parts import Consent, Identity

_INTRODUCTION = """\
# How every field is used

Every field of every event is stored in a column, decides something, or is ignored for a reason.
Fields that decide are often stored too. A type has its own fields and those of the groups above
it. This file is generated from
[`contracts/field_uses.py`](contracts/field_uses.py) by `python -m schemas.contracts`.
"""

_TITLES: dict[type[msgspec.Struct], str] = {
    Event: "every event",
    DeviceEvent: "every event of a device",
}


def declaring_structs() -> list[type[msgspec.Struct]]:
    """The structs that declare fields of events: the general ones first, nested ones last."""
    found: list[type[msgspec.Struct]] = []
    for kind in TYPES.values():
        for base in reversed(kind.__mro__):
            is_struct = issubclass(base, msgspec.Struct) and base is not msgspec.Struct
            if is_struct and base not in found and declared_fields(base):
                found.append(base)
    return [*found, AdServices, Consent, Identity]


def declared_fields(struct: type[msgspec.Struct]) -> list[str]:
    """The fields that a struct declares itself."""
    return list(inspect.get_annotations(struct))


def fields_page() -> str:
    """Markdown: how many fields there are of each use, then a table per struct."""
    uses = {(used.owner, used.field): used for used in used_fields()}
    counts = (f"{sum(used.use is use for used in uses.values())} {use.value}" for use in FieldUse)
    lines = [_INTRODUCTION, f"{len(uses)} fields: {', '.join(counts)}."]
    for struct in declaring_structs():
        lines += ["", f"## {_title(struct)}", "", "| Field | Use | |", "|---|---|---|"]
        lines += _rows(struct, uses)
    return "\n".join(lines) + "\n"


def _rows(struct: type[msgspec.Struct], uses: dict[tuple[str, str], UsedField]) -> Iterator[str]:
    for field in declared_fields(struct):
        used = uses[struct.__name__, field]
        detail = used.detail
        if used.use is FieldUse.STORED:
            detail = ", ".join(f"`{column}`" for column in detail.split(", "))
        yield f"| `{field}` | {used.use.value} | {detail} |"


def _title(struct: type[msgspec.Struct]) -> str:
    tag = struct.__struct_config__.tag
    return _TITLES.get(struct) or (f"`{tag}`" if tag else f"`{struct.__name__}`")
