"""Reads a rule file: TOML with [windows], [probabilistic], [fraud], [pair_model] and [[scope]].

    [windows]
    click = "7d"

    [[scope]]
    media_source = "meadow"
    from = 2026-03-01T00:00:00Z
    windows.click = "1d"
    fraud.ctit_anomalies = "reject"

Whatever is unknown, contradictory or out of bounds is refused with one line.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from attribution.fraud import FraudRules
from attribution.pair_model import PairModel
from attribution.pair_model_text import read_pair_model
from attribution.rules import (
    DAY_MS,
    HOUR_MS,
    Override,
    Policy,
    Probabilistic,
    Rules,
    Scope,
    Windows,
)

WINDOWS_MS_MAX: Mapping[str, int] = {
    "click": 30 * DAY_MS,
    "view": DAY_MS,
    "probabilistic_click": DAY_MS,
    "probabilistic_view": DAY_MS,
    "reattribution": 365 * DAY_MS,
    "retargeting_click": 30 * DAY_MS,
    "retargeting_view": DAY_MS,
    "inactivity": 365 * DAY_MS,
    "reengagement": 90 * DAY_MS,
    "temporary": 90 * DAY_MS,
    "post_install_fraud": 30 * DAY_MS,
}
MAY_BE_ZERO = frozenset({"inactivity", "temporary", "post_install_fraud"})
SELECTORS = ("app_id", "media_source", "campaign_id")
SECTIONS: Mapping[str, type[Struct]] = {
    "windows": Windows,
    "probabilistic": Probabilistic,
    "fraud": FraudRules,
}
NOT_LONGER_THAN = (("probabilistic_click", "click"), ("probabilistic_view", "view"))
SCOPES_MAX = 10_000

_DURATION = re.compile(r"(-?\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": HOUR_MS, "d": DAY_MS}


class RuleFault(Struct, frozen=True):
    """Why a rule file cannot be used: where, and what is wrong there."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


class _Refused(Exception):  # noqa: N818  # Never leaves this module.
    def __init__(self, where: str, text: str) -> None:
        super().__init__()
        self.fault = RuleFault(where, text)


def read_rules(text: str, base: Rules) -> Rules | RuleFault:
    """`base` with what the file says in place of its policy and scopes."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return RuleFault("file", f"it is not TOML: {error}")
    try:
        return _rules(document, base)
    except _Refused as refused:
        return refused.fault


def _rules(document: dict[str, Any], base: Rules) -> Rules:
    _known(document, (*SECTIONS, "scope", "pair_model"), "")
    default = _sections(document, "").over(base.default)
    _check_policy(default, "windows")
    blocks = document.get("scope", [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise _Refused("scope", "write scopes as [[scope]] blocks")
    if len(blocks) > SCOPES_MAX:
        raise _Refused("scope", f"{len(blocks)} scopes are more than {SCOPES_MAX}")
    scopes = tuple(_scope(block, f"scope {n}") for n, block in enumerate(blocks, start=1))
    _check_overlaps(scopes)
    pair_model = (
        _pair_model(document["pair_model"]) if "pair_model" in document else base.pair_model
    )
    rules = replace(base, default=default, scopes=scopes, pair_model=pair_model)
    for number, scope in enumerate(scopes, start=1):
        names = scope.app_id, scope.media_source, scope.campaign_id
        _check_policy(rules.policy(*names, scope.since), f"scope {number}")
    return rules


def _pair_model(values: Any) -> PairModel:
    read = read_pair_model(values)
    if isinstance(read, str):
        raise _Refused("pair_model", read)
    return read


def _scope(block: dict[str, Any], where: str) -> Scope:
    _known(block, (*SELECTORS, *SECTIONS, "from", "until"), where)
    for name in SELECTORS:
        if not isinstance(block.get(name, ""), str) or block.get(name) == "":
            raise _Refused(f"{where}, {name}", "give it a name, or leave it out to match all")
    selectors = {name: block[name] for name in SELECTORS if name in block}
    if not selectors:
        raise _Refused(where, f"it selects nothing: give it one of {', '.join(SELECTORS)}")
    since, until = _time(block, "from", where), _time(block, "until", where)
    if until and until <= since:
        raise _Refused(where, "it ends (until) before it begins (from)")
    return replace(_sections(block, where), **selectors, since=since, until=until)


def _sections(block: Mapping[str, Any], where: str) -> Scope:
    """A scope without selectors that says what these sections say."""
    before = f"{where}, " if where else ""
    said = {
        name: _overrides(block.get(name, {}), kind, f"{before}{name}")
        for name, kind in SECTIONS.items()
    }
    return Scope(windows=said["windows"], probabilistic=said["probabilistic"], fraud=said["fraud"])


def _overrides(values: Any, kind: type[Struct], where: str) -> tuple[Override, ...]:
    if not isinstance(values, dict):
        raise _Refused(where, "write it as a table of keys and values")
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    _known(values, tuple(fields), where)
    return tuple(
        (name, _value(value, fields[name], kind, f"{where}.{name}"))
        for name, value in sorted(values.items())
    )


def _value(value: Any, field: Any, kind: type[Struct], where: str) -> Any:
    if kind is Windows:
        return _window_ms(value, field.name, where)
    if isinstance(value, str) and field.name.endswith("_ms"):
        value = _duration_ms(value, where)
    try:
        read = msgspec.convert(value, field.type)
    except msgspec.ValidationError as error:
        raise _Refused(where, str(error)) from None
    if field.name == "confidence" and not 0.5 <= read < 1:
        raise _Refused(where, f"{read} is no probability from 0.5 to below 1")
    if isinstance(read, int | float) and read < 0:
        raise _Refused(where, f"{read} is negative")
    return read


def _window_ms(value: Any, name: str, where: str) -> int:
    window = _duration_ms(value, where)
    if window < 0:
        raise _Refused(where, f"{value} is negative")
    if window == 0 and name not in MAY_BE_ZERO:
        raise _Refused(where, "a window cannot be zero")
    if window > WINDOWS_MS_MAX[name]:
        days = WINDOWS_MS_MAX[name] / DAY_MS
        raise _Refused(where, f"{value} is more than the {days:g} days allowed")
    return window


def _duration_ms(value: Any, where: str) -> int:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _Refused(where, f'{value!r} is no duration such as "30m", "6h" or "7d"')
    return round(float(found[1]) * _UNITS_MS[found[2]])


def _time(block: Mapping[str, Any], name: str, where: str) -> int:
    value = block.get(name)
    if value is None:
        return 0
    if not isinstance(value, datetime) or value.tzinfo is None or value.timestamp() <= 0:
        raise _Refused(f"{where}, {name}", "write a time with its zone: 2026-03-01T00:00:00Z")
    return round(value.timestamp() * 1_000)


def _known(values: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    for name in values:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; known: {', '.join(names)}"
            raise _Refused(where or "file", f"unknown key {name!r}{hint}")


def _check_policy(policy: Policy, where: str) -> None:
    for shorter, longer in NOT_LONGER_THAN:
        if getattr(policy.windows, shorter) > getattr(policy.windows, longer):
            raise _Refused(where, f"the {shorter} window is longer than the {longer} window")


def _check_overlaps(scopes: tuple[Scope, ...]) -> None:
    by_selectors: dict[tuple[str, str, str], list[tuple[int, int, int]]] = {}
    for number, scope in enumerate(scopes, start=1):
        period = (scope.since, scope.until or 2**62, number)
        by_selectors.setdefault(scope.selectors, []).append(period)
    for periods in by_selectors.values():
        for (_, until, first), (since, _, second) in pairwise(sorted(periods)):
            if since < until:
                raise _Refused(
                    f"scope {second}", f"it overlaps scope {first}: same selectors, same time"
                )
