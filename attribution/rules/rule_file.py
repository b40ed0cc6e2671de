"""Reads a rule file: TOML with [windows], [probabilistic], [fraud], [consent], [pair_model] and
[[scope]].

    [windows]
    click = "7d"

    [[scope]]
    media_source = "meadow"
    from = 2026-03-01T00:00:00Z
    windows.click = "1d"
    fraud.ctit_anomalies = "reject"

Whatever is unknown, contradictory or out of range is refused with one line (`FileError`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, replace

from attribution.decision.fraud import FraudRules
from attribution.probabilistic.rule_section import read_pair_model
from attribution.rules.checks import (
    require_disjoint_scopes,
    require_shorter_probabilistic_windows,
)
from attribution.rules.consent import USE_NAMES, ConsentRules
from attribution.rules.rules import Override, Probabilistic, Rules, Scope, Windows
from schemas.file_error import Duration, FileError, convert_value, decode_toml, require_keys
from schemas.time import DAY_MS, format_duration

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
"""The longest window of each kind that a file may set."""

MAY_BE_ZERO = frozenset({"inactivity", "temporary", "post_install_fraud"})
OF_THE_APP = frozenset({"reattribution", "post_install_fraud"})
"""These are asked before there is a touchpoint, so no media source can have its own."""

MUST_COUNT = frozenset({"engagements_max", "engagement_window_ms", "site_installs_min"})
"""Thresholds that would mean everybody, or nobody, at zero."""

THRESHOLD_MS_MAX = 30 * DAY_MS
"""The longest duration of a fraud rule: that of the longest click window."""

THRESHOLD_MAX = 1_000_000
"""The largest count of a fraud rule; a larger one is a slip of the pen."""

SELECTORS = ("app_id", "media_source", "campaign_id")
SECTIONS: Mapping[str, type[Struct]] = {
    "windows": Windows,
    "probabilistic": Probabilistic,
    "fraud": FraudRules,
    "consent": ConsentRules,
}
SCOPES_MAX = 10_000
"""Bounds the time to check scopes against each other."""


def read_rules(text: str, base: Rules) -> Rules:
    """`base` with the policy, scopes and pair model of a rule file.

    FileError: the first key that is unknown, contradictory or out of range.
    """
    document = decode_toml(text)
    require_keys(document, (*SECTIONS, "scope", "pair_model"), "")
    default = _sections(document, "").over(base.default)
    scopes = _scopes(document.get("scope", []))
    pair_model = (
        read_pair_model(document["pair_model"]) if "pair_model" in document else base.pair_model
    )
    # The order in which scopes are written means nothing, so it must not name other rules.
    ordered = tuple(sorted(scopes, key=lambda scope: (scope.selectors, scope.since)))
    rules = replace(base, default=default, scopes=ordered, pair_model=pair_model)
    require_disjoint_scopes(scopes)
    require_shorter_probabilistic_windows(rules, scopes)
    return rules


def _scopes(blocks: Any) -> tuple[Scope, ...]:
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise FileError("scope", "this is not a list of tables", "[[scope]] blocks")
    if len(blocks) > SCOPES_MAX:
        raise FileError("scope", f"there are {len(blocks)} scopes", f"up to {SCOPES_MAX}")
    return tuple(_scope(block, f"scope[{index}]") for index, block in enumerate(blocks))


def _scope(block: dict[str, Any], where: str) -> Scope:
    require_keys(block, (*SELECTORS, *SECTIONS, "from", "until"), where)
    for name in SELECTORS:
        if not isinstance(block.get(name, ""), str) or block.get(name) == "":
            raise FileError(
                f"{where}.{name}",
                f"{block[name]!r} is not a name",
                "text, or no key at all",
            )
    selectors = {name: block[name] for name in SELECTORS if name in block}
    if not selectors:
        raise FileError(where, "it selects nothing: give it one of " + ", ".join(SELECTORS))
    since, until = _time(block, "from", where), _time(block, "until", where)
    if until and until <= since:
        raise FileError(where, "it ends (until) before it begins (from)")
    scope = replace(_sections(block, where), **selectors, since=since, until=until)
    if scope.media_source or scope.campaign_id:
        for name, _ in scope.windows:
            if name in OF_THE_APP:
                raise FileError(
                    f"{where}.windows.{name}",
                    "this window holds for the whole app",
                    "scopes with an app_id alone",
                )
        if scope.consent:
            raise FileError(
                f"{where}.consent", "consent is asked by the app", "scopes with an app_id alone"
            )
    return scope


def _sections(block: Mapping[str, Any], where: str) -> Scope:
    """A scope without selectors that overrides what these sections set."""
    overrides = {
        name: _overrides(block.get(name, {}), kind, f"{where}.{name}".removeprefix("."))
        for name, kind in SECTIONS.items()
    }
    return Scope(
        windows=overrides["windows"],
        probabilistic=overrides["probabilistic"],
        fraud=overrides["fraud"],
        consent=overrides["consent"],
    )


def _overrides(values: Any, kind: type[Struct], where: str) -> tuple[Override, ...]:
    if not isinstance(values, dict):
        raise FileError(where, f"{values!r} is not a table", "keys and values")
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    require_keys(values, fields, where)
    return tuple(
        (name, _override(value, fields[name], kind, f"{where}.{name}"))
        for name, value in sorted(values.items())
    )


def _override(value: Any, field: FieldInfo, kind: type[Struct], where: str) -> Any:
    if kind is Windows:
        most = WINDOWS_MS_MAX[field.name]
        return _duration(value, 0 if field.name in MAY_BE_ZERO else 1, most, where)
    if kind is ConsentRules:
        return _uses(value, where)
    least = 1 if field.name in MUST_COUNT else 0
    if isinstance(value, str) and field.name.endswith("_ms"):
        return _duration(value, least, THRESHOLD_MS_MAX, where)
    converted: Any = convert_value(value, field.type, where)
    if isinstance(converted, float) and not 0.5 <= converted < 1:
        raise FileError(where, f"{converted} is out of range", "0.5 to below 1")
    if isinstance(converted, int) and not isinstance(converted, bool):
        most = THRESHOLD_MS_MAX if field.name.endswith("_ms") else THRESHOLD_MAX
        if not least <= converted <= most:
            raise FileError(where, f"{converted} is out of range", f"{least} to {most}")
    return converted


def _uses(value: Any, where: str) -> tuple[str, ...]:
    """The uses that a refusal forbids, in one order, so that equal tables are equal rules."""
    if not isinstance(value, list) or not all(name in USE_NAMES for name in value):
        raise FileError(where, f"{value!r} is no list of uses", ", ".join(USE_NAMES))
    return tuple(name for name in USE_NAMES if name in value)


def _duration(value: Any, least: int, most: int, where: str) -> int:
    duration: Duration = convert_value(value, Duration, where)
    if not least <= duration <= most:
        allowed = f"{format_duration(least)} to {format_duration(most)}"
        raise FileError(where, f"{value} is out of range", allowed)
    return int(duration)


def _time(block: Mapping[str, Any], name: str, where: str) -> int:
    value = block.get(name)
    if value is None:
        return 0
    if not isinstance(value, datetime) or value.tzinfo is None or value.timestamp() <= 0:
        raise FileError(
            f"{where}.{name}",
            f"{_shown(value)} is not a time with its zone",
            "such as 2026-03-01T00:00:00Z, from 1970 on",
        )
    return round(value.timestamp() * 1_000)


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else repr(value)
