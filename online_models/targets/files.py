"""Reads a file of targets: TOML with [value] and [[target]].

    [value]
    currency = "EUR"
    rates = { USD = 1.09 }

    [[target]]
    name = "retention_d7"
    event = "activity"
    edges = ["7d", "8d"]
    horizons = { d7 = "8d" }
    prior = 0.2
    actions = [{ name = "push", cost = 0.01, benefit = 0.1 }]

Payers are always a target; one named `payer` in the file replaces the built-in one. Whatever is
unknown, contradictory or out of bounds is refused with one line.
"""

from __future__ import annotations

import math
import re
import tomllib
from itertools import pairwise
from typing import Literal

import msgspec
from msgspec import Struct, field

from online_models.hazard.bins import Horizon, Shape
from online_models.scoring.landmarks import LANDMARKS
from online_models.targets.targets import (
    DEFAULT_TARGETS,
    PAYING,
    VALUE,
    Action,
    Target,
    Targets,
    ValueTarget,
)
from schemas.time import DAY_MS, HOUR_MS, parse_duration

TARGETS_MAX = 8
BINS_MAX = 32
AGE_MS_MAX = 90 * DAY_MS
"""Installs are followed no longer."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


class TargetFault(Struct, frozen=True):
    """Why a file of targets cannot be used: where, and what is wrong there."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


class _Action(Struct, forbid_unknown_fields=True):
    name: str
    cost: float
    benefit: float


class _Target(Struct, forbid_unknown_fields=True):
    name: str
    event: Literal["payment", "activity"]
    edges: list[str]
    horizons: dict[str, str]
    headline: str = ""
    event_name: str = ""
    prior: float = 0.05
    actions: list[_Action] = []


class _Value(Struct, forbid_unknown_fields=True):
    currency: str = DEFAULT_TARGETS.value.currency
    rates: dict[str, float] | None = None


class _File(Struct, forbid_unknown_fields=True):
    target: list[_Target] = []
    value: _Value = field(default_factory=_Value)


class _Refused(Exception):  # noqa: N818  # Never leaves this module.
    def __init__(self, where: str, text: str) -> None:
        super().__init__()
        self.fault = TargetFault(where, text)


def read_targets(text: str) -> Targets | TargetFault:
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except tomllib.TOMLDecodeError as error:
        return TargetFault("", f"no TOML: {error}")
    except msgspec.ValidationError as error:
        return TargetFault("", str(error))
    try:
        declared = [_target(one) for one in file.target]
        _require_names([one.name for one in declared])
        value = _value(file.value)
    except _Refused as refused:
        return refused.fault
    built_in = [] if any(one.name == PAYING.name for one in declared) else [PAYING]
    return Targets(hazards=(*built_in, *declared), value=value)


def _target(said: _Target) -> Target:
    where = f"target {said.name!r}"
    if not _NAME.fullmatch(said.name) or said.name == VALUE:
        raise _Refused(where, "a name is a lower-case word of its own, up to 32 characters")
    if not 0.0 < said.prior < 1.0:
        raise _Refused(where, f"prior {said.prior}: a share between 0 and 1 expected")
    if said.event == "payment" and said.event_name:
        raise _Refused(where, "event_name is for activity; payments have no names")
    headline = said.headline or next(iter(said.horizons), "")
    if headline not in said.horizons:
        raise _Refused(where, f"headline {headline!r} is not among the horizons")
    return Target(
        name=said.name,
        event=said.event,
        shape=_shape(said, where),
        headline=headline,
        event_name=said.event_name,
        prior=said.prior,
        actions=tuple(_action(one, where) for one in said.actions),
    )


def _shape(said: _Target, where: str) -> Shape:
    edges = tuple(_age(text, where) for text in said.edges)
    horizons = [Horizon(name, _age(text, where)) for name, text in said.horizons.items()]
    if not 2 <= len(edges) <= BINS_MAX + 1 or any(b <= a for a, b in pairwise(edges)):
        raise _Refused(where, f"edges: 2 to {BINS_MAX + 1} rising ages expected")
    if any(one.after_ms not in edges[1:] for one in horizons):
        raise _Refused(where, "every horizon is the end of a bin")
    inside = [one.name for one in LANDMARKS if one.after_ms > edges[0]]
    missing = [
        one.name
        for one in LANDMARKS
        if one.name in inside and edges[-1] > one.after_ms not in edges
    ]
    if missing:
        raise _Refused(where, f"edges lack {', '.join(missing)}, where installs are looked at")
    return Shape(
        edges=edges,
        landmarks=tuple(one for one in LANDMARKS if one.after_ms < edges[-1]),
        horizons=tuple(sorted(horizons, key=lambda one: one.after_ms)),
    )


def _action(said: _Action, where: str) -> Action:
    if not (math.isfinite(said.cost) and math.isfinite(said.benefit)) or said.cost < 0:
        raise _Refused(
            where, f"action {said.name!r}: cost and benefit are amounts, cost not below 0"
        )
    return Action(said.name, said.cost, said.benefit)


def _value(said: _Value) -> ValueTarget:
    rates = dict(DEFAULT_TARGETS.value.rates) if said.rates is None else said.rates
    if said.rates is None and said.currency != DEFAULT_TARGETS.value.currency:
        raise _Refused("value", f"rates: how many units of others are one {said.currency}")
    for currency, rate in rates.items():
        if not (math.isfinite(rate) and rate > 0):
            raise _Refused("value", f"rate of {currency}: a number above 0 expected")
    return ValueTarget(currency=said.currency, rates=rates)


def _age(text: str, where: str) -> int:
    try:
        age = parse_duration(text)
    except ValueError:
        age = None
    if age is None or age < 0 or age % HOUR_MS:
        raise _Refused(where, f"age {text!r}: hours or days expected, like 6h or 7d")
    if age > AGE_MS_MAX:
        raise _Refused(where, f"age {text}: installs are followed for {AGE_MS_MAX // DAY_MS} days")
    return age


def _require_names(names: list[str]) -> None:
    if len(names) > TARGETS_MAX:
        raise _Refused("", f"{len(names)} targets, at most {TARGETS_MAX}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise _Refused(f"target {twice!r}", "declared twice")
