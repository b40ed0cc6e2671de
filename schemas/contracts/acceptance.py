"""JSON Schemas of input events that accept what decoding accepts, in all that JSON Schema can say.

msgspec writes what the structs say. Decoding is laxer in places (blank text in an optional field,
and placeholder ids there, are absent; an unreadable descriptive attribute is left out) and stricter
in others (placeholders in required ids, currencies, signs of amounts, who pays). A schema that
refused what is read would make producers mend what works; one that passes what is refused is no
check. `schemas/README.md` lists what JSON Schema cannot say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

import msgspec

from schemas import currencies, ids
from schemas.events import TYPES
from schemas.leniency import FieldPlan
from schemas.refusals.time_units import is_time

_Json = dict[str, Any]
_SPACE = (
    r"\u0000-\u0020\u007f\u0085\u00a0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
_MARKS = re.escape("!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")  # punctuation but %, which may encode
_AROUND = f"[{_MARKS}{_SPACE}]*"
_SPELT_APART = ("n/a", "not set", "not_set", "not-set", "not available", "object object", "no id")
_END = r"(?![\s\S])"  # `$` also matches before a last line break
_UUID = r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"
_SECONDS: _Json = {"minimum": 1_000_000_000, "maximum": 2_000_000_000}
_TIME_AS_TEXT: _Json = {
    "type": "string",
    "pattern": rf"^(?:[0-9]+|[0-9]{{4}}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])T"
    rf"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z?){_END}",
}


def _any_case(word: str) -> str:
    return "".join(f"[{one.lower()}{one.upper()}]" if one.isalpha() else one for one in word)


def _placeholder_pattern() -> str:
    words = "|".join(map(_any_case, sorted({*ids.WORDS, *_SPELT_APART})))
    zeros = r"0(?:[\s_\-/.:,()]*0)*"
    macro = r"[$#@]?\{[^%]*\}|[$@:]?\[[^%]*\]|<[^%]*>|__[^%]*__|\$\([^%]*\)|%[\s\S]*%"
    return (
        f"^(?:{_AROUND}(?:{words}|{zeros})?{_AROUND}|[{_SPACE}]*-1[{_SPACE}]*"
        rf"|[{_SPACE}]*(?![\[({{]*{_UUID}[\])}}]*[{_SPACE}]*{_END})(?:{macro})[{_SPACE}]*){_END}"
    )


_TRIMMED = rf"^[{_SPACE}]*[^{_SPACE}](?:[\s\S]{{0,254}}[^{_SPACE}])?[{_SPACE}]*{_END}"
_APP_ID = rf"^[{_SPACE}]*[^\s:]{{1,256}}[{_SPACE}]*{_END}"
_DAY = (
    r"^(?:19[7-9][0-9]|[2-9][0-9]{3})-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    rf"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|[12][0-9])){_END}"
)
_CODES = sorted({*currencies.CURRENCIES, *currencies.HISTORIC})


@dataclass(frozen=True, slots=True)
class SharedParts:
    """Schemas that many fields refer to, and where they are found."""

    prefix: str
    """Of references: `#/$defs/` in a schema of its own."""

    def ref(self, name: str) -> _Json:
        return {"$ref": f"{self.prefix}{name}"}

    def definitions(self) -> _Json:
        text = {"type": "string"}
        return {
            "Blank": {
                **text,
                "description": "Absent: text without a visible character.",
                "pattern": rf"^\s*{_END}",
            },
            "CurrencyCode": {"description": "ISO 4217", "enum": _CODES},
            "PlaceholderId": {
                **text,
                "description": "What producers send when they have no id.",
                "pattern": _placeholder_pattern(),
            },
            "RealId": {**text, "pattern": _TRIMMED, "not": self.ref("PlaceholderId")},
            "OptionalId": {
                "description": "An id; null, blank text and placeholders are absent.",
                "anyOf": [
                    {**text, "pattern": _TRIMMED},
                    self.ref("PlaceholderId"),
                    {"type": "null"},
                ],
            },
        }


_Rule = Callable[[_Json, SharedParts], None]


def accept(definitions: _Json, prefix: str) -> None:
    """Make the definitions (by struct name) of input events accept what decoding accepts, and add
    the parts that they share; `prefix` is that of references to definitions."""
    shared = SharedParts(prefix)
    for kind in _structs():
        if (definition := definitions.get(kind.__name__)) is None:
            continue
        plan = FieldPlan(kind)
        properties = definition["properties"]
        for name in properties.keys() - {"type", "schema_version"}:
            properties[name] = _field(name, properties[name], plan, shared)
        if rule := _RULES.get(kind.__name__):
            rule(definition, shared)
    definitions |= shared.definitions()


def _structs() -> list[type[msgspec.Struct]]:
    """Every struct that input events are made of."""
    found: dict[str, type[msgspec.Struct]] = {}

    def walk(hint: Any) -> None:
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            if hint.__name__ not in found:
                found[hint.__name__] = hint
                for inner in get_type_hints(hint, include_extras=True).values():
                    walk(inner)
            return
        for inner in get_args(hint):
            walk(inner)

    for kind in TYPES.values():
        walk(kind)
    return list(found.values())


def _field(name: str, strict: _Json, plan: FieldPlan, shared: SharedParts) -> _Json:
    """The schema of one field as decoding reads it."""
    outer = {key: strict.pop(key) for key in ("description", "default") if key in strict}
    if name == "app_id" and name in plan.ids:
        strict = {"type": "string", "pattern": _APP_ID, "not": shared.ref("PlaceholderId")}
    elif name in plan.ids:
        strict = shared.ref("OptionalId" if name in plan.optional else "RealId")
    elif name in ("currency", "base_currency", "quote_currency"):
        strict = shared.ref("CurrencyCode")
    elif name == "cost_currency":
        strict = {"anyOf": [shared.ref("CurrencyCode"), {"type": "null"}]}
    elif name == "event_time":
        strict |= {"not": _SECONDS}
    elif name == "date":
        strict = {"type": "string", "pattern": _DAY}
    if name in plan.descriptive:
        refused = {"not": _TIME_AS_TEXT} if is_time(name) else {}
        rest = {"description": "Anything else is left out.", **refused}
        strict = {"anyOf": [strict, rest, shared.ref("Blank")]}
    elif name in plan.optional:
        strict = {"anyOf": [*strict.get("anyOf", [strict]), shared.ref("Blank")]}
    return outer | strict


def _at_least_nothing(*names: str) -> _Rule:
    def rule(definition: _Json, _: SharedParts) -> None:
        for name in names:
            field = definition["properties"][name]
            for part in field.get("anyOf", [field]):
                if part.get("type") == "integer":
                    part["minimum"] = 0

    return rule


def _sale(definition: _Json, shared: SharedParts) -> None:
    """Amounts are not negative, and somebody pays."""
    names = {"amount_micros", "net_micros", "store_fee_micros", "tax_micros"}
    _at_least_nothing(*sorted(names & definition["properties"].keys()))(definition, shared)
    definition["anyOf"] = [
        {"required": [name], "properties": {name: shared.ref("RealId")}}
        for name in ("install_id", "customer_user_id")
    ]


def _refund(definition: _Json, _: SharedParts) -> None:
    """A refund takes, its reversal gives."""
    definition["if"] = {"required": ["kind"], "properties": {"kind": {"const": "reversed"}}}
    definition["then"] = {"properties": {"amount_micros": {"minimum": 0}}}
    definition["else"] = {"properties": {"amount_micros": {"maximum": 0}}}


def _cost_of_touchpoint(definition: _Json, shared: SharedParts) -> None:
    """A cost has a currency, and is not negative."""
    _at_least_nothing("cost_micros")(definition, shared)
    definition["if"] = {
        "required": ["cost_micros"],
        "properties": {"cost_micros": {"type": "integer"}},
    }
    definition["then"] = {
        "required": ["cost_currency"],
        "properties": {"cost_currency": shared.ref("CurrencyCode")},
    }


def _requested(definition: _Json, shared: SharedParts) -> None:
    """Identities whose value is a placeholder are left out; one has to remain."""
    field = definition["properties"]["identities"]
    value = {"required": ["identity_value"]}
    real = {**value, "properties": {"identity_value": shared.ref("RealId")}}
    placeholder = {
        **value,
        "properties": {"identity_value": shared.ref("PlaceholderId") | {"minLength": 1}},
    }
    field["items"] = {"anyOf": [field["items"], {"type": "object", **placeholder}]}
    field["contains"], field["maxContains"] = real, field.pop("maxItems")


_RULES: dict[str, _Rule] = {
    "Touchpoint": _cost_of_touchpoint,
    "Purchase": _sale,
    "Subscription": _sale,
    "AdRevenue": _sale,
    "Refund": _refund,
    "Cost": _at_least_nothing("amount_micros"),
    "PrivacyRequest": _requested,
}
