"""What an event may lack without being set aside, as its fields declare it.

Placeholder ids and empty text are absent. A descriptive attribute that cannot be read costs the
attribute. Identity, money and time stay strict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from schemas.events import TYPES, InputEvent
from schemas.ids import IdJudge, is_odd_form, normal_id, trimmed_id
from schemas.parts import APP_ID_PATTERN, HAS_NORMAL_FORM, IS_DESCRIPTIVE, IS_ID

OnDropped = Callable[[str, str], None]
"""Told the app and the field (`gaid`, `adservices.country_or_region`) of what was left out."""


class Leniency:
    """Which ids are placeholders, and whom to tell what was left out of an event that is read."""

    def __init__(
        self,
        placeholders: Iterable[str] = (),
        on_dropped: OnDropped | None = None,
        *,
        has_normal_ids: bool = True,
    ) -> None:
        self.has_normal_ids = has_normal_ids
        self.judge = IdJudge(placeholders)
        self.any_amiss = self.judge.amiss()
        # Few apps send very many events, so that each is judged once.
        self.is_app_amiss = lru_cache(maxsize=1024)(self._is_app_amiss)
        self._on_dropped = on_dropped

    def _is_app_amiss(self, app_id: str) -> bool:
        return self.any_amiss((app_id,)) or not is_app_id(app_id)

    def tell(self, app_id: str, dropped: Iterable[str]) -> None:
        if self._on_dropped is not None:
            for name in dropped:
                self._on_dropped(app_id, name)


is_app_id: Callable[[str], object] = re.compile(APP_ID_PATTERN).search
"""Whether an id of an app has no white space and no colon, which separates the parts of keys."""

DEFAULT_LENIENCY = Leniency()

_PATH = re.compile(r" - at `\$\.(\w+)(?:\.(\w+))?[^`]*`\Z")


class FieldPlan:
    """What the fields of one struct declare about being left out."""

    def __init__(self, struct: type[Struct]) -> None:
        hints = get_type_hints(struct, include_extras=True)
        fields = msgspec.structs.fields(struct)
        self.optional = frozenset(field.name for field in fields if not field.required)
        self.ids = tuple(name for name, hint in hints.items() if _declares(hint, IS_ID))
        self.descriptive = frozenset(
            name for name, hint in hints.items() if _declares(hint, IS_DESCRIPTIVE)
        )
        self._normal = tuple(
            name for name, hint in hints.items() if _declares(hint, HAS_NORMAL_FORM)
        )
        self._nested: dict[str, FieldPlan] = {}
        self._lists: dict[str, FieldPlan] = {}
        for name, hint in hints.items():
            for part in _parts(hint):
                if isinstance(part, type) and issubclass(part, Struct):
                    is_list = any(getattr(one, "__origin__", None) is list for one in _parts(hint))
                    (self._lists if is_list else self._nested)[name] = FieldPlan(part)
        self.has_lists = bool(self._lists)
        # Of one name attrgetter gives no tuple, so that a single id is named twice.
        names = [name for name in self.ids if name != "app_id"] or ["__doc__"]
        names = names if len(names) > 1 else 2 * names
        self.ids_of: Callable[[Any], tuple[str | None, ...]] = attrgetter(*names)

    def normalise(self, fields: dict[str, Any]) -> None:
        """Write the ids that have a normal form in it."""
        for name in self._normal:
            value = fields.get(name)
            if type(value) is str and is_odd_form(value):
                fields[name] = normal_id(trimmed_id(value))

    def clean(self, fields: dict[str, Any], judge: IdJudge, dropped: list[str]) -> str | None:
        """Take out empty text and placeholder ids, and trim ids. Advice when a required id is
        a placeholder: then the event cannot be read."""
        self._drop_empty(fields)
        for name in self.ids:
            value = fields.get(name)
            if type(value) is not str or not value:
                continue
            if not judge.is_placeholder(value):
                fields[name] = trimmed_id(value)
            elif name in self.optional:
                del fields[name]
                dropped.append(name)
            else:
                return (
                    f"{name} {value[:64]!r} is a placeholder: send the real one, or not this event"
                )
        for name, plan in self._lists.items():
            if advice := plan._clean_list(name, fields, judge, dropped):
                return advice
        return None

    def drop_described(self, message: str, fields: dict[str, Any], dropped: list[str]) -> bool:
        """Take out the descriptive attribute that msgspec's message names; False: it names none."""
        path = _PATH.search(message)
        if path is None:
            return False
        name, inner = path.groups()
        if name in self.descriptive and name in fields:
            del fields[name]
            dropped.append(name)
            return True
        nested = self._nested.get(name)
        value = fields.get(name)
        if nested and inner in nested.descriptive and type(value) is dict and inner in value:
            del value[inner]
            dropped.append(f"{name}.{inner}")
            return True
        return False

    def _drop_empty(self, fields: dict[str, Any]) -> None:
        for name in self.optional & fields.keys():
            value = fields[name]
            if type(value) is str and not value.strip():
                del fields[name]
        for name, plan in self._nested.items():
            if type(inner := fields.get(name)) is dict:
                plan._drop_empty(inner)

    def _clean_list(
        self, name: str, fields: dict[str, Any], judge: IdJudge, dropped: list[str]
    ) -> str | None:
        """Take out the members whose ids are placeholders. Advice when none is left."""
        members = fields.get(name)
        if type(members) is not list or not members:
            return None
        advice = [
            self.clean(member, judge, dropped) if type(member) is dict else None
            for member in members
        ]
        fields[name] = [member for member, bad in zip(members, advice, strict=True) if bad is None]
        dropped += [name] * (len(members) - len(fields[name]))
        return None if fields[name] else next(filter(None, advice))


def is_id(event_type: type[InputEvent], name: str) -> bool:
    """Whether a field of an event is declared as an id."""
    return name in PLANS[event_type].ids


def _declares(hint: Any, mark: str) -> bool:
    """Whether the type of a field, or a member of its union, is marked."""
    return any(isinstance(part, Meta) and mark in (part.extra or ()) for part in _parts(hint))


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    for part in (*get_args(hint), *getattr(hint, "__metadata__", ())):
        yield from _parts(part)


PLANS: dict[type[InputEvent], FieldPlan] = {kind: FieldPlan(kind) for kind in TYPES.values()}
