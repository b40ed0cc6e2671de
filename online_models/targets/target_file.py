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

A [[target.challenger]] after its [[target]] is a River classifier that learns the same
(`challenger_file`).

Payers are always a target; one named `payer` in the file replaces the built-in one. Whatever is
unknown, contradictory or out of range is refused with one line (`FileError`).
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Literal

from msgspec import Struct, field

from online_models.challengers.challenger_file import ChallengerTable, read_challengers
from online_models.hazard.bins import Horizon, Shape
from online_models.scoring.landmarks import LANDMARKS
from online_models.targets.targets import (
    DEFAULT_TARGETS,
    PAYING,
    POSITIVES_MIN,
    PROVEN_POSITIVES,
    VALUE,
    Action,
    Target,
    Targets,
    ValueTarget,
)
from schemas.file_error import Duration, FileError, read_toml
from schemas.time import DAY_MS, HOUR_MS, format_duration

TARGETS_MAX = 8
"""Every target is a model that learns every example and scores every install."""

BINS_MAX = 32
"""Bins of one target: each adds weights to its model, and rows to its examples."""

AGE_MS_MAX = 90 * DAY_MS
"""The oldest age at which an install is looked at."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


class _Action(Struct, forbid_unknown_fields=True):
    name: str
    cost: float
    benefit: float


class _Target(Struct, forbid_unknown_fields=True):
    name: str
    event: Literal["payment", "activity"]
    edges: list[Duration]
    horizons: dict[str, Duration]
    headline: str = ""
    event_name: str = ""
    prior: float = 0.05
    actions: list[_Action] = []
    positives_min: int = POSITIVES_MIN
    proven_positives: int = PROVEN_POSITIVES
    challenger: list[ChallengerTable] = []


class _Value(Struct, forbid_unknown_fields=True):
    currency: str = DEFAULT_TARGETS.value.currency
    rates: dict[str, float] | None = None


class _File(Struct, forbid_unknown_fields=True):
    target: list[_Target] = []
    value: _Value = field(default_factory=_Value)


def read_targets(text: str) -> Targets:
    """The targets of a file. FileError: the first key that is unknown, wrong or contradictory."""
    file = read_toml(text, _File)
    if len(file.target) > TARGETS_MAX:
        raise FileError("target", f"there are {len(file.target)} targets", f"up to {TARGETS_MAX}")
    hazards: list[Target] = []
    for index, written in enumerate(file.target):
        target = _target(written, f"target[{index}]")
        if any(target.name == other.name for other in hazards):
            raise FileError(f"target[{index}].name", f"{target.name!r} is declared twice")
        hazards.append(target)
    value = _value(file.value)
    built_in = [] if any(target.name == PAYING.name for target in hazards) else [PAYING]
    return Targets(hazards=(*built_in, *hazards), value=value)


def _target(written: _Target, where: str) -> Target:
    if not _NAME.fullmatch(written.name) or written.name == VALUE:
        allowed = f"lower-case letters, digits and _, up to 32, and not {VALUE!r}"
        raise FileError(f"{where}.name", f"{written.name!r} is not a name of a target", allowed)
    if not 0.0 < written.prior < 1.0:
        raise FileError(f"{where}.prior", f"{written.prior} is out of range", "between 0 and 1")
    if written.event == "payment" and written.event_name:
        raise FileError(
            f"{where}.event_name", "payments have no names", 'only with event = "activity"'
        )
    if written.positives_min < POSITIVES_MIN:
        raise FileError(
            f"{where}.positives_min",
            f"{written.positives_min} positives show nothing",
            f"{POSITIVES_MIN} or more",
        )
    if written.proven_positives < written.positives_min:
        raise FileError(
            f"{where}.proven_positives",
            f"no version goes live on {written.proven_positives} positives",
            f"positives_min ({written.positives_min}) or more",
        )
    headline = written.headline or next(iter(written.horizons), "")
    if headline not in written.horizons:
        raise FileError(
            f"{where}.headline", f"{headline!r} is not a horizon", ", ".join(written.horizons)
        )
    return Target(
        name=written.name,
        event=written.event,
        shape=_shape(written, where),
        headline=headline,
        event_name=written.event_name,
        prior=written.prior,
        actions=tuple(
            _action(action, f"{where}.actions[{index}]")
            for index, action in enumerate(written.actions)
        ),
        positives_min=written.positives_min,
        proven_positives=written.proven_positives,
        challengers=read_challengers(written.challenger, f"{where}.challenger"),
    )


def _shape(written: _Target, where: str) -> Shape:
    edges = tuple(_age(age, f"{where}.edges[{index}]") for index, age in enumerate(written.edges))
    horizons = [
        Horizon(name, _age(age, f"{where}.horizons.{name}"))
        for name, age in written.horizons.items()
    ]
    if not 2 <= len(edges) <= BINS_MAX + 1 or any(b <= a for a, b in pairwise(edges)):
        raise FileError(
            f"{where}.edges", "these are not the edges of bins", f"2 to {BINS_MAX + 1} rising ages"
        )
    for horizon in horizons:
        if horizon.after_ms not in edges[1:]:
            raise FileError(
                f"{where}.horizons.{horizon.name}",
                f"{format_duration(horizon.after_ms)} is not the end of a bin",
                ", ".join(map(format_duration, edges[1:])),
            )
    missing = [
        landmark.name
        for landmark in LANDMARKS
        if edges[0] < landmark.after_ms < edges[-1] and landmark.after_ms not in edges
    ]
    if missing:
        raise FileError(
            f"{where}.edges", f"they lack {', '.join(missing)}: installs are scored at these ages"
        )
    return Shape(
        edges=edges,
        landmarks=tuple(mark for mark in LANDMARKS if mark.after_ms < edges[-1]),
        horizons=tuple(sorted(horizons, key=lambda horizon: horizon.after_ms)),
    )


def _age(age: Duration, where: str) -> int:
    if not 0 <= age <= AGE_MS_MAX or age % HOUR_MS:
        raise FileError(
            where,
            f"{format_duration(age)} is not an age that installs are followed to",
            f"whole hours or days up to {format_duration(AGE_MS_MAX)}",
        )
    return int(age)


def _action(written: _Action, where: str) -> Action:
    if not (math.isfinite(written.cost) and written.cost >= 0):
        raise FileError(f"{where}.cost", f"{written.cost} is out of range", "0 or more")
    if not math.isfinite(written.benefit):
        raise FileError(f"{where}.benefit", f"{written.benefit} is not an amount")
    return Action(written.name, written.cost, written.benefit)


def _value(written: _Value) -> ValueTarget:
    rates = dict(DEFAULT_TARGETS.value.rates) if written.rates is None else written.rates
    if written.rates is None and written.currency != DEFAULT_TARGETS.value.currency:
        raise FileError(
            "value.rates",
            f"it is missing: say how many units of other currencies are one {written.currency}",
        )
    for currency, rate in rates.items():
        if not (math.isfinite(rate) and rate > 0):
            raise FileError(f"value.rates.{currency}", f"{rate} is out of range", "more than 0")
    return ValueTarget(currency=written.currency, rates=rates)
