"""Rows of experiments: who is assigned, who has met a variant, and what was ordered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from online_models.experiments.design.assignment import RunningExperiment, UnitFacts
from online_models.experiments.design.order_book import OrderedExperiment, OrderVerdict
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.prospects import Prospect
from online_models.targets.targets import VALUE, Targets
from schemas.buckets import BUCKETS
from schemas.outcomes import Assignment, OrderOutcome, Prediction, UnitExposure
from schemas.outcomes.experiment import AssignmentReason
from schemas.records import ExposureSeen, Installed, OrderGiven, UnitAssignment
from schemas.time import LogMs
from streams.stages.common.source_columns import source_columns

Status = Literal["first", "other_variant", "unassigned"]


@dataclass(frozen=True, slots=True)
class AssignedAt:
    """An install at a landmark, with what was predicted of it there."""

    install: Installed
    landmark: int
    due: LogMs
    predictions: Sequence[Prediction]
    media_source: str

    @property
    def moment(self) -> LogMs:
        """Log time at which it is assigned."""
        return max(self.due, self.install.ts)


def _chance_of(at: AssignedAt, targets: Targets) -> Prediction | None:
    """The prediction of the first declared target, which experiments mean by a chance."""
    first = targets.hazards[0].name
    return next((one for one in at.predictions if one.target == first), None)


def _amount_of(at: AssignedAt) -> float | None:
    """The amount by the longest horizon: it stands with one of the predictions."""
    amounts = next((one.amounts for one in at.predictions if one.amounts), None)
    return list(amounts.values())[-1] if amounts else None


def unit_facts(at: AssignedAt, targets: Targets) -> UnitFacts:
    """What eligibility looks at."""
    chance = _chance_of(at, targets)
    return UnitFacts(
        landmark=at.landmark,
        segment=chance.segment if chance is not None else "",
        country=at.install.country_code,
        platform=at.install.platform,
        chance=chance.probability if chance is not None else None,
        amount=_amount_of(at),
    )


def assignment_row(
    ordered: OrderedExperiment,
    running: tuple[int, RunningExperiment],
    found: tuple[int, AssignmentReason],
    at: AssignedAt,
    prospect: Prospect,
) -> Assignment:
    """An assignment. `found`: the index of the variant, and why there is none."""
    definition, install, (index, reason) = ordered.definition, at.install, found
    variant = definition.variants[index] if index >= 0 else None
    first = at.predictions[0]
    chance = first if first.target != VALUE else None
    amount = _amount_of(at)
    return Assignment(
        assignment_id=f"{install.app_id}:{definition.id}:{definition.version}:{install.install_id}",
        experiment_id=definition.id,
        experiment_version=definition.version,
        fingerprint=ordered.fingerprint,
        app_id=install.app_id,
        install_id=install.install_id,
        variant=variant.name if variant is not None else "",
        variant_index=index,
        payload=variant.payload if variant is not None else "",
        reason=reason,
        ramp_share=running[1].ramp,
        ramp_step=running[0],
        landmark=LANDMARKS[at.landmark].name,
        assigned_at=at.moment,
        ordered_at=ordered.started_at,
        install_time=install.time,
        country_code=install.country_code,
        platform=install.platform,
        media_source=at.media_source,
        segment=first.segment,
        target=first.target,
        horizon=first.horizon,
        chance=chance.probability if chance is not None else -1.0,
        amount=-1.0 if amount is None else amount,
        currency=first.currency,
        paid_micros=prospect.spent_until(LANDMARKS[at.landmark].after_ms),
        tier=first.tier,
        model_version=first.model_version,
        value_version=first.value_version,
        **source_columns(install.source),
    )


def order_row(order: OrderGiven, verdict: OrderVerdict) -> OrderOutcome:
    """An order, and what came of it."""
    known = verdict.experiment
    definition = known.definition if known is not None else None
    placement = known.placement if known is not None else None
    return OrderOutcome(
        order_id=order.order_id,
        experiment_id=order.experiment_id,
        experiment_version=definition.version if definition is not None else 0,
        fingerprint=known.fingerprint if known is not None else "",
        app_id=order.app_id,
        kind=order.kind,
        definition=order.definition,
        layer=definition.layer if definition is not None else "",
        layer_first=placement.first / BUCKETS if placement is not None else 0.0,
        layer_end=placement.end / BUCKETS if placement is not None else 0.0,
        ramp_share=known.share if known is not None else 0.0,
        variant=order.variant,
        verdict=verdict.verdict,
        refusal=verdict.refusal,
        ordered_by=order.ordered_by,
        reason=order.reason,
        evidence=order.evidence,
        ordered_at=order.ts,
        **source_columns(order.source),
    )


def unit_exposure_row(
    seen: ExposureSeen, status: Status, known: UnitAssignment | None
) -> UnitExposure:
    """An exposure; `known`: what the install is assigned to."""
    version = known.version if known is not None else 0
    scope = f"{seen.app_id}:{seen.experiment_id}:{version}:{seen.install_id}"
    return UnitExposure(
        exposure_id=f"{scope}:{status}",
        experiment_id=seen.experiment_id,
        experiment_version=version,
        app_id=seen.app_id,
        install_id=seen.install_id,
        status=status,
        variant=seen.variant,
        assigned_variant=known.variant if known is not None else "",
        event_id=seen.event_id,
        event_time=seen.time,
        exposed_at=seen.ts,
        reported_time=seen.reported_time,
        time_correction=seen.time_correction,
        **source_columns(seen.source),
    )
