"""Draws valid events at the edges of what their schema allows, in many alphabets.

What `decode` accepts is valid; a draw that it refuses is drawn again. Ids come from a small pool,
so that events meet under the same keys and every list of a state fills up.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import orjson
from msgspec import Meta, Struct

from schemas.decode import Unreadable, decode
from schemas.events import TOPIC_OF_TYPE, TYPES, InputEvent, type_name
from schemas.parts import IS_ID
from streams.replay.memory_log import MemoryRecord

ALPHABETS = ("a", "é", "電", "\U0001f600", "\x01", '"', "\\", "\u202e", "\x1f", "{")
DEVICES = tuple(f"{n:08x}-1234-4abc-8def-{n:012x}" for n in range(1, 6))
DEVICES += tuple(device.upper() for device in DEVICES[:2])
SPELLINGS = ("plain", "plain", "escaped", "spaced", "nulls", "unknown", "reversed")
UNKNOWN: dict[str, Any] = {
    "": -0.0, "__proto__": {"constructor": None}, "big": 10**30, "tiny": -1e-300,
    "deep": json.loads("[" * 25 + "]" * 25), "\u202e": "\ufeff",
}  # fmt: skip
"""Fields that no schema has, with values that JSON allows."""
CURRENCIES = ("EUR", "USD", "JPY", "KWD")
KEYS = (None, b"k", b"\x00clock", b"\x01", b"marker")
STEP_MS = 250
_POOL = {
    "transaction_id": 6,
    "install_id": 6,
    "customer_user_id": 3,
    "touch_id": 40,
    "click_id": 40,
}


@cache
def _members(struct: type[Struct]) -> list[tuple[str, Any, bool]]:
    """Name, type and whether it is required, of every field."""
    hints = get_type_hints(struct, include_extras=True)
    fields = msgspec.structs.fields(struct)
    return [(field.name, hints[field.name], field.required) for field in fields]


class Draw:
    """Draws events, the same for the same seed."""

    def __init__(self, seed: int, long_share: float = 0.2) -> None:
        self._chance = Random(f"valid {seed}")
        self._long_share = long_share
        self._number = 0

    def records(self, count: int, begins_at: int, step_ms: int = STEP_MS) -> Iterator[MemoryRecord]:
        """Source records in order of log time, of one partition."""
        offsets: dict[str, int] = {}
        for number in range(count):
            at = begins_at + number * step_ms
            event_type, value = self._valid(at)
            topic = TOPIC_OF_TYPE[event_type]
            offset = offsets.get(topic, 0)
            offsets[topic] = offset + 1
            key = self._chance.choice(KEYS)
            yield MemoryRecord(topic, 0, offset, at, key, value)

    def _valid(self, at: int) -> tuple[type[InputEvent], bytes]:
        while True:
            event_type = self._chance.choice(tuple(TYPES.values()))
            value = self._spelled(event_type, self._fields(event_type, at))
            if not isinstance(decode(value, TOPIC_OF_TYPE[event_type], at, 0), Unreadable):
                return event_type, value

    def _spelled(self, event_type: type[InputEvent], fields: dict[str, Any]) -> bytes:
        """The same event as producers in other languages write it."""
        match self._chance.choice(SPELLINGS):
            case "escaped":
                return json.dumps(fields).encode()
            case "spaced":
                return (
                    b"\t\r\n " + json.dumps(fields, indent=9, ensure_ascii=False).encode() + b"\n"
                )
            case "nulls":
                left_out = {name: None for name, _, is_required in _members(event_type)
                            if not is_required}  # fmt: skip
                return orjson.dumps(left_out | fields)
            case "unknown":
                return json.dumps(UNKNOWN | fields).encode()
            case "reversed":
                return orjson.dumps(dict(reversed(fields.items())))
        return orjson.dumps(fields)

    def _fields(self, event_type: type[InputEvent], at: int) -> dict[str, Any]:
        self._number += 1
        fields = self._struct(event_type, at)
        fields |= {"type": type_name(event_type), "schema_version": 1}
        fields["event_id"] = self._id("event_id")
        fields["app_id"] = "app" if self._chance.random() < 0.9 else "b" * 256
        fields["event_time"] = at - self._chance.choice((0, 1, 999, 3_600_000, 400 * 86_400_000))
        if "sent_time" in fields and self._chance.random() < 0.8:
            fields["sent_time"] = fields["event_time"]
        return fields

    def _struct(self, struct: type[Struct], at: int) -> dict[str, Any]:
        drawn = {}
        for name, hint, is_required in _members(struct):
            if is_required or self._chance.random() < 0.6:
                drawn[name] = self._value(name, hint, at)
        return drawn

    def _value(self, name: str, hint: Any, at: int) -> Any:
        chance, meta = self._chance, Meta()
        while get_origin(hint) in (Union, types.UnionType, typing.Annotated):
            if get_origin(hint) is typing.Annotated:
                metas = [one for one in hint.__metadata__ if isinstance(one, Meta)]
                meta = next((one for one in metas if one.max_length or one.le), meta)
                if any((one.extra or {}).get(IS_ID) for one in metas):
                    return self._id(name)
                hint = hint.__origin__
            else:
                hint = next(one for one in get_args(hint) if one is not type(None))
        if get_origin(hint) is Literal:
            return chance.choice(get_args(hint))
        if get_origin(hint) is list:
            (inner,) = get_args(hint)
            return [self._value(name, inner, at) for _ in range(chance.choice((1, 2, 64)))]
        if isinstance(hint, type) and issubclass(hint, Struct):
            return self._struct(hint, at)
        if hint is bool:
            return chance.random() < 0.5
        if hint is int:
            return self._number_of(name, meta, at)
        return self._text(name, meta)

    def _number_of(self, name: str, meta: Meta, at: int) -> int:
        if name.endswith("_time"):
            return at - self._chance.choice((0, 5_000, 86_400_000))
        if name.endswith("_time_s") or "_time_server_s" in name:
            return (at - self._chance.choice((0, 5_000, 86_400_000))) // 1_000
        low = -(2**63) if meta.ge is None else int(meta.ge)
        high = 2**63 - 1 if meta.le is None else int(meta.le)
        if name == "amount_micros" and self._chance.random() < 0.5:
            low, high = 0, abs(high)
        return self._chance.choice((low, high, 0 if low <= 0 <= high else low, min(1, high)))

    def _text(self, name: str, meta: Meta) -> str:
        chance = self._chance
        if "currency" in name:
            return chance.choice(CURRENCIES)
        if name == "date":
            return chance.choice(("2000-02-29", "2026-11-29"))
        if name == "country_code":
            return "DE"
        if name == "ip":
            return f"203.0.113.{chance.randrange(4)}"
        longest = meta.max_length or 1_024
        length = longest if chance.random() < self._long_share else chance.randrange(1, 20)
        return chance.choice(ALPHABETS) * length

    def _id(self, name: str) -> str:
        chance = self._chance
        if name in ("gaid", "idfa", "oaid", "idfv"):
            return chance.choice(DEVICES)
        number = chance.randrange(_POOL[name]) if name in _POOL else self._number
        if name == "identity_value":
            return chance.choice((*DEVICES, f"n{chance.randrange(6)}"))
        # The same number has the same letter, so that it names the same.
        letter, is_long = ALPHABETS[number % 9], number % 5 == 0
        return f"n{number}{letter * (240 if is_long else 3)}z"
