"""What the contract declares about the fields of an event type, as advice needs it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from schemas.events import TYPES, InputEvent
from schemas.parts import IS_DESCRIPTIVE, IS_ID
from streams.operations.validation.advice.foreign_names import FIELD_OF_NAME, plain_name

NEAR = 0.8
"""Least similarity of two names, of 1, for one to be taken as a misspelling of the other."""


class FieldKind(Enum):
    ID = auto()
    TEXT = auto()
    MILLISECONDS = auto()
    SECONDS = auto()
    MICROS = auto()
    RATE = auto()
    NUMBER = auto()
    YES_NO = auto()
    CHOICE = auto()
    CURRENCY = auto()
    COUNTRY = auto()
    DAY = auto()
    OBJECT = auto()
    LIST = auto()


@dataclass(frozen=True, slots=True)
class FieldGuide:
    """One field: its type as declared, what kind of value it takes, and what it may lack."""

    name: str
    hint: Any
    kind: FieldKind
    choices: tuple[str, ...]
    is_required: bool
    is_descriptive: bool

    def fault(self, value: Any) -> str:
        """What msgspec finds wrong with a value; empty when it is valid."""
        try:
            msgspec.convert(value, self.hint)
        except msgspec.ValidationError as error:
            return str(error)
        if self.name == "app_id" and isinstance(value, str) and re.search(r"[\s:]", value.strip()):
            return "holds white space or a colon"  # Only decode checks it, once for each app.
        return ""


@cache
def guides_of(event_type: type[InputEvent]) -> Mapping[str, FieldGuide]:
    """The fields of an event type by name, in the order in which the contract declares them."""
    hints = get_type_hints(event_type, include_extras=True)
    return {
        field.name: _guide(field.name, hints[field.name], is_required=field.required)
        for field in msgspec.structs.fields(event_type)
    }


def named_type(name: str) -> type[InputEvent] | None:
    return TYPES.get((name, 1))


def nearest_field(name: str, known: Iterable[str]) -> str:
    """The field that a producer means by a name; empty when none is near."""
    return _nearest(name, tuple(known))


@lru_cache(maxsize=4_096)
def _nearest(name: str, known: tuple[str, ...]) -> str:
    plain = plain_name(name)
    by_plain = {plain_name(other): other for other in known}
    if plain in by_plain:
        return by_plain[plain]
    for ours in FIELD_OF_NAME.get(plain, ()):
        if ours in known:
            return ours
    if len(plain) < 4:
        return ""
    near = difflib.get_close_matches(plain, by_plain, n=1, cutoff=NEAR)
    return by_plain[near[0]] if near else ""


def is_same_field(name: str, ours: str) -> bool:
    """Whether a name stands for a field without any doubt about its spelling."""
    plain = plain_name(name)
    return plain == plain_name(ours) or ours in FIELD_OF_NAME.get(plain, ())


def _guide(name: str, hint: Any, *, is_required: bool) -> FieldGuide:
    parts = list(_parts(hint))
    marks = {mark for part in parts if isinstance(part, Meta) for mark in part.extra or ()}
    choices = tuple(
        str(choice) for part in parts if get_origin(part) is Literal for choice in get_args(part)
    )
    return FieldGuide(
        name=name,
        hint=hint,
        kind=_kind(name, parts, is_id=IS_ID in marks),
        choices=choices,
        is_required=is_required,
        is_descriptive=IS_DESCRIPTIVE in marks,
    )


def _kind(name: str, parts: list[Any], *, is_id: bool) -> FieldKind:
    if is_id:
        return FieldKind.ID
    by_name = {
        "date": FieldKind.DAY,
        "country_code": FieldKind.COUNTRY,
        "schema_version": FieldKind.NUMBER,
    }
    if name in by_name:
        return by_name[name]
    if "currency" in name.split("_"):
        return FieldKind.CURRENCY
    if any(get_origin(part) is list for part in parts):
        return FieldKind.LIST
    if any(isinstance(part, type) and issubclass(part, Struct) for part in parts):
        return FieldKind.OBJECT
    if any(get_origin(part) is Literal for part in parts):
        return FieldKind.CHOICE
    if bool in parts:
        return FieldKind.YES_NO
    if int in parts or any(hasattr(part, "__supertype__") for part in parts):
        return _kind_of_number(name)
    return FieldKind.TEXT


def _kind_of_number(name: str) -> FieldKind:
    for ending, kind in (
        ("_micros", FieldKind.MICROS),
        ("_e9", FieldKind.RATE),
        ("_time", FieldKind.MILLISECONDS),
        ("_time_s", FieldKind.SECONDS),
        ("_time_server_s", FieldKind.SECONDS),
    ):
        if name.endswith(ending):
            return kind
    return FieldKind.NUMBER


def _parts(hint: Any) -> Iterator[Any]:
    """A type, the members of its unions and annotations; not the members of its objects."""
    yield hint
    if get_origin(hint) in (Annotated, Union, UnionType, list):
        for part in (*get_args(hint), *getattr(hint, "__metadata__", ())):
            yield from _parts(part)
