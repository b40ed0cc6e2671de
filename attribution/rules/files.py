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
import tomllib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from attribution.decision.fraud import FraudRules
from attribution.probabilistic.pair_model import PairModel
from attribution.probabilistic.rule_section import read_pair_model
from attribution.rules.checks import crossing, overlap
from attribution.rules.rules import Override, Probabilistic, Rules, Scope, Windows
from schemas.time import DAY_MS, parse_duration

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
OF_THE_APP = frozenset({"reattribution", "post_install_fraud"})
"""These are asked before there is a touchpoint, so no media source can have its own."""

MUST_COUNT = frozenset({"engagements_max", "engagement_window_ms", "site_installs_min"})
"""Thresholds that would mean everybody, or nobody, at zero."""

THRESHOLD_MS_MAX = 30 * DAY_MS
THRESHOLD_MAX = 1_000_000
SELECTORS = ("app_id", "media_source", "campaign_id")
SECTIONS: Mapping[str, type[Struct]] = {
    "windows": Windows,
    "probabilistic": Probabilistic,
    "fraud": FraudRules,
}
SCOPES_MAX = 10_000


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
    except RecursionError:
        return RuleFault("file", "its lists or tables are nested too deeply")
    try:
        return _rules(document, base)
    except _Refused as refused:
        return refused.fault


def _rules(document: dict[str, Any], base: Rules) -> Rules:
    _known(document, (*SECTIONS, "scope", "pair_model"), "")
    default = _sections(document, "").over(base.default)
    blocks = document.get("scope", [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise _Refused("scope", "write scopes as [[scope]] blocks")
    if len(blocks) > SCOPES_MAX:
        raise _Refused("scope", f"{len(blocks)} scopes are more than {SCOPES_MAX}")
    scopes = tuple(_scope(block, f"scope {n}") for n, block in enumerate(blocks, start=1))
    pair_model = (
        _pair_model(document["pair_model"]) if "pair_model" in document else base.pair_model
    )
    # The order in which scopes are written means nothing, so it must not name other rules.
    ordered = tuple(sorted(scopes, key=lambda one: (one.selectors, one.since)))
    rules = replace(base, default=default, scopes=ordered, pair_model=pair_model)
    for fault in (overlap(scopes), crossing(rules, scopes)):
        if fault is not None:
            raise _Refused(*fault)
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
    scope = replace(_sections(block, where), **selectors, since=since, until=until)
    if scope.media_source or scope.campaign_id:
        for name, _ in scope.windows:
            if name in OF_THE_APP:
                raise _Refused(f"{where}, windows.{name}", "it is one for the whole app")
    return scope


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
        modes = get_args(field.type)
        text = f"{value!r} is none of {', '.join(modes)}" if modes else str(error)
        raise _Refused(where, text) from None
    if isinstance(read, float) and not 0.5 <= read < 1:
        raise _Refused(where, f"{read} is no probability from 0.5 to below 1")
    if isinstance(read, int) and not isinstance(read, bool):
        _check_threshold(read, field.name, where)
    return read


def _check_threshold(value: int, name: str, where: str) -> None:
    if value < 0:
        raise _Refused(where, f"{value} is negative")
    if value == 0 and name in MUST_COUNT:
        raise _Refused(where, "it cannot be zero")
    is_duration = name.endswith("_ms")
    if value > (THRESHOLD_MS_MAX if is_duration else THRESHOLD_MAX):
        most = f"{THRESHOLD_MS_MAX / DAY_MS:g} days" if is_duration else f"{THRESHOLD_MAX}"
        raise _Refused(where, f"{value} is more than the {most} allowed")


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
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError:
        raise _Refused(where, f'{value!r} is no duration such as "30m", "6h" or "7d"') from None


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
