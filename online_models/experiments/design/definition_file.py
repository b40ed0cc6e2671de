"""Reads the definition of an experiment: TOML, refused in one line where it contradicts itself.

    id = "spend-offer"
    version = 1
    hypothesis = "An offer to the top fifth raises what an install spends by a tenth."
    owner = "growth"
    app = "com.example.game"
    unit = "install"
    layer = "monetization"
    traffic = 0.5
    window = "30d"
    primary = "arpu"

    [[variant]]
    name = "control"
    share = 0.5

    [[variant]]
    name = "offer"
    share = 0.5
    payload = { discount = 20 }

`deploy/experiment.example.toml` has every key.
"""

from __future__ import annotations

import datetime
import math
import re
from itertools import pairwise
from typing import Any, get_args

from msgspec import Struct, json

from online_models.experiments.design.definition import (
    CAPPED,
    Eligibility,
    ExperimentDefinition,
    Guardrail,
    Metric,
    StopRule,
    UnitKind,
    Variant,
)
from online_models.experiments.design.expectation import (
    ExpectedTable,
    read_expectation,
    require_share,
)
from online_models.scoring.landmarks import LANDMARKS
from schemas.file_error import Duration, FileError, read_toml
from schemas.parts import Platform
from schemas.time import DAY_MS, HOUR_MS, Millis, format_duration

SHARE_TOLERANCE = 1e-9
"""Shares are written in decimals, and thirds have none that add up."""

EXPERIMENT_WINDOW_MS_MAX = 90 * DAY_MS
"""The longest window: installs are not followed longer."""

VARIANTS_DECLARED_MAX = 8
"""Every further treatment widens the intervals of all."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_PLATFORMS = get_args(Platform)


class _Variant(Struct, forbid_unknown_fields=True):
    name: str
    share: float
    payload: dict[str, Any] = {}


class _Guardrail(Struct, forbid_unknown_fields=True):
    metric: Metric
    margin: float


class _Eligibility(Struct, frozen=True, forbid_unknown_fields=True):
    landmark: str = LANDMARKS[0].name
    segments: list[str] = []
    countries: list[str] = []
    platforms: list[str] = []
    chance: list[float] | None = None
    amount: list[float] | None = None


class _File(Struct, forbid_unknown_fields=True):
    id: str
    hypothesis: str
    owner: str
    app: str
    layer: str
    primary: Metric
    window: Duration
    variant: list[_Variant]
    version: int = 1
    unit: UnitKind = "install"
    traffic: float = 1.0
    secondary: list[Metric] = []
    guardrail: list[_Guardrail] = []
    eligibility: _Eligibility = _Eligibility()
    cap: float | None = None
    ramp: tuple[float, ...] = (1.0,)
    stop: tuple[StopRule, ...] = ("guardrail", "harm", "sample_ratio")
    starts: datetime.date | None = None
    ends: datetime.date | None = None
    expected: ExpectedTable | None = None


def read_definition(text: str) -> ExperimentDefinition:
    """The definition in a file. FileError: the first key that is wrong or contradicts another."""
    file = read_toml(text, _File)
    for key in ("id", "layer"):
        if not _NAME.fullmatch(getattr(file, key)):
            allowed = "lower-case letters, digits, '.', '_' and '-', up to 64"
            raise FileError(key, f"{getattr(file, key)!r} is not a name", allowed)
    for key in ("hypothesis", "owner", "app"):
        if not getattr(file, key).strip():
            raise FileError(key, "it is empty: say it before the experiment starts")
    if file.version < 1:
        raise FileError("version", f"{file.version} is out of range", "1 or more")
    require_share("traffic", file.traffic)
    if not 0 < file.window <= EXPERIMENT_WINDOW_MS_MAX or file.window % HOUR_MS:
        longest = format_duration(EXPERIMENT_WINDOW_MS_MAX)
        wrong = f"{format_duration(file.window)} is not a window"
        raise FileError("window", wrong, f"whole hours or days up to {longest}")
    return ExperimentDefinition(
        id=file.id,
        version=file.version,
        hypothesis=file.hypothesis.strip(),
        owner=file.owner.strip(),
        app_id=file.app.strip(),
        unit=file.unit,
        layer=file.layer,
        traffic=file.traffic,
        variants=_variants(file.variant),
        primary=file.primary,
        window_ms=Millis(file.window),
        secondary=_secondary(file),
        guardrails=_guardrails(file),
        eligibility=_eligibility(file.eligibility),
        cap=_cap(file),
        ramp=_ramp(file.ramp),
        stop=tuple(sorted(set(file.stop))),
        starts=file.starts.isoformat() if file.starts else "",
        ends=_ends(file),
        expected=read_expectation(file.expected, file.primary),
    )


def _variants(written: list[_Variant]) -> tuple[Variant, ...]:
    if not 2 <= len(written) <= VARIANTS_DECLARED_MAX:
        raise FileError("variant", f"there are {len(written)}", f"2 to {VARIANTS_DECLARED_MAX}")
    names = [variant.name for variant in written]
    for index, variant in enumerate(written):
        where = f"variant[{index}]"
        if not _NAME.fullmatch(variant.name):
            raise FileError(f"{where}.name", f"{variant.name!r} is not a name")
        if variant.name in names[:index]:
            raise FileError(f"{where}.name", f"{variant.name!r} is declared twice")
        require_share(f"{where}.share", variant.share)
    total = math.fsum(variant.share for variant in written)
    if abs(total - 1.0) > SHARE_TOLERANCE:
        raise FileError("variant", f"the shares add up to {total:.6g}", "exactly 1")
    return tuple(
        Variant(
            name=variant.name,
            share=variant.share,
            payload=json.encode(variant.payload, order="deterministic").decode(),
        )
        for variant in written
    )


def _secondary(file: _File) -> tuple[Metric, ...]:
    for index, metric in enumerate(file.secondary):
        if metric == file.primary or metric in file.secondary[:index]:
            raise FileError(f"secondary[{index}]", f"{metric!r} is asked for twice")
    return tuple(file.secondary)


def _guardrails(file: _File) -> tuple[Guardrail, ...]:
    for index, guardrail in enumerate(file.guardrail):
        where = f"guardrail[{index}]"
        if guardrail.metric == file.primary:
            raise FileError(
                f"{where}.metric",
                f"{guardrail.metric!r} is the primary metric, which the stop rule 'harm' guards",
            )
        if guardrail.metric in [other.metric for other in file.guardrail[:index]]:
            raise FileError(f"{where}.metric", f"{guardrail.metric!r} is guarded twice")
        if not 0.0 < guardrail.margin < 1.0:
            raise FileError(f"{where}.margin", f"{guardrail.margin:g} is none", "above 0, below 1")
    return tuple(Guardrail(metric=g.metric, margin=g.margin) for g in file.guardrail)


def _eligibility(written: _Eligibility) -> Eligibility:
    names = [landmark.name for landmark in LANDMARKS]
    if written.landmark not in names:
        wrong = f"{written.landmark!r} is no age at which installs are scored"
        raise FileError("eligibility.landmark", wrong, ", ".join(names))
    for index, country in enumerate(written.countries):
        if not _COUNTRY.fullmatch(country):
            where = f"eligibility.countries[{index}]"
            raise FileError(where, f"{country!r} is not a country", "two capitals, as in DE")
    for index, platform in enumerate(written.platforms):
        if platform not in _PLATFORMS:
            where = f"eligibility.platforms[{index}]"
            raise FileError(where, f"{platform!r} is unknown", ", ".join(_PLATFORMS))
    return Eligibility(
        landmark=names.index(written.landmark),
        segments=tuple(sorted(set(written.segments))),
        countries=tuple(sorted(set(written.countries))),
        platforms=tuple(sorted(set(written.platforms))),
        chance=_range("chance", written.chance, 1.0),
        amount=_range("amount", written.amount, math.inf),
    )


def _range(name: str, ends: list[float] | None, highest: float) -> tuple[float, float] | None:
    if ends is None:
        return None
    if len(ends) != 2 or not 0.0 <= ends[0] < ends[1] <= highest:
        allowed = "two rising numbers" + (f" from 0 to {highest:g}" if highest < math.inf else "")
        raise FileError(f"eligibility.{name}", f"{ends} is not a range", allowed)
    return ends[0], ends[1]


def _cap(file: _File) -> float | None:
    capped = sorted({file.primary, *file.secondary, *(g.metric for g in file.guardrail)} & CAPPED)
    if capped and file.cap is None:
        raise FileError("cap", f"it is missing: {capped[0]} counts a unit up to it")
    if file.cap is not None and not capped:
        raise FileError("cap", "no metric is capped", "leave it out, or ask for arpu_capped")
    if file.cap is not None and not 0.0 < file.cap < math.inf:
        raise FileError("cap", f"{file.cap:g} is out of range", "above 0")
    return file.cap


def _ramp(steps: tuple[float, ...]) -> tuple[float, ...]:
    for index, step in enumerate(steps):
        require_share(f"ramp[{index}]", step)
    if not steps or any(after <= before for before, after in pairwise(steps)):
        raise FileError(
            "ramp", f"{list(steps)} does not rise", "rising shares of the traffic, as 0.1, 1"
        )
    if steps[-1] != 1.0:
        raise FileError("ramp", f"it ends at {steps[-1]:g}", "1 as the last step: all its traffic")
    return steps


def _ends(file: _File) -> str:
    if file.ends is None:
        return ""
    if file.starts is not None:
        length = (file.ends - file.starts).days * DAY_MS
        if length <= file.window:
            raise FileError(
                "ends",
                f"{file.ends} is {format_duration(length)} after the start, and nobody is followed "
                f"for {format_duration(file.window)} by then: end later, or shorten the window",
            )
    return file.ends.isoformat()
