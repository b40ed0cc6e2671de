"""What an experiment is, before anybody is assigned: decided once, named by a fingerprint."""

from __future__ import annotations

import hashlib
from typing import Literal

from msgspec import Struct, json

from online_models.experiments.sample_size import Baseline, rate_baseline
from schemas.time import Millis

UnitKind = Literal["install", "account", "device"]
StopRule = Literal["guardrail", "harm", "sample_ratio"]
Metric = Literal[
    "payer_rate",
    "arpu",
    "arpu_capped",
    "arppu",
    "arppu_capped",
    "net_arpu",
    "retention",
    "refund_rate",
]
RATE_METRICS = frozenset({"payer_rate", "retention", "refund_rate"})
"""Metrics of a yes or no."""

CAPPED = frozenset({"arpu_capped", "arppu_capped"})
"""Metrics in which a unit counts up to a cap."""


class Variant(Struct, frozen=True, kw_only=True):
    """One way to treat a unit. `share`: of the units of the experiment; `payload`: what the backend
    receives, as JSON."""

    name: str
    share: float
    payload: str = "{}"


class Guardrail(Struct, frozen=True, kw_only=True):
    """A metric that must not suffer: by at most `margin` of the control's mean."""

    metric: Metric
    margin: float


class Eligibility(Struct, frozen=True, kw_only=True):
    """Whom it concerns. Empty: everybody. Ranges include their ends."""

    landmark: int = 0
    segments: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    chance: tuple[float, float] | None = None
    amount: tuple[float, float] | None = None


class Expectation(Struct, frozen=True, kw_only=True):
    """What the plan rests on: traffic, the primary metric as it is, and the lift to show."""

    units_a_day: float
    baseline: float
    lift: float
    deviation: float | None = None
    payers: float = 1.0  # share of units that a metric per payer is made of
    variance_removed: float = 0.0

    def metric(self) -> Baseline:
        """Of a rate, the deviation follows."""
        if self.deviation is None:
            return rate_baseline(self.baseline)
        return Baseline(self.baseline, self.deviation)


class ExperimentDefinition(Struct, frozen=True, kw_only=True):
    """A definition that contradicts itself nowhere (`definition_file`). The first variant is the
    control."""

    id: str
    version: int
    hypothesis: str
    owner: str
    app_id: str
    unit: UnitKind
    layer: str
    traffic: float
    variants: tuple[Variant, ...]
    primary: Metric
    window_ms: Millis
    secondary: tuple[Metric, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    eligibility: Eligibility = Eligibility()
    cap: float | None = None
    ramp: tuple[float, ...] = (1.0,)
    stop: tuple[StopRule, ...] = ("guardrail", "harm", "sample_ratio")
    starts: str = ""  # a day, as 2027-01-31
    ends: str = ""
    expected: Expectation | None = None

    def fingerprint(self) -> str:
        """12 hexadecimal digits: equal fingerprints mean equal definitions."""
        content = json.encode(self, order="deterministic")
        return hashlib.sha256(content).hexdigest()[:12]


FROZEN = ("app_id", "unit", "layer", "variants", "eligibility", "primary", "window_ms", "cap")
"""What cannot change within a version: who is in which variant, and what is concluded from whom."""


def frozen_changes(before: ExperimentDefinition, after: ExperimentDefinition) -> list[str]:
    """The names of what changed and must not, while both are the same version. Traffic is frozen,
    too, since the places of other experiments in the layer depend on it; a ramp widens within
    it."""
    return [name for name in (*FROZEN, "traffic") if getattr(before, name) != getattr(after, name)]
