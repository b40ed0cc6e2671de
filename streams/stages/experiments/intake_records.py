"""Orders and exposures of experiments, as journeys receive them."""

from __future__ import annotations

from schemas.clocks import CorrectedTime, at_right_time, reported_time
from schemas.events import ExperimentExposure, ExperimentOrder
from schemas.records import ExposureSeen, JourneyRecord, OrderGiven, Source, journey_key
from schemas.time import LogMs
from streams.stages.common.outbox import FrameOutbox, Outbox


def route_experiment(
    event: ExperimentExposure | ExperimentOrder,
    source: Source,
    ts: LogMs,
    clock: CorrectedTime | None,
    to: tuple[FrameOutbox[JourneyRecord], Outbox],
) -> None:
    """Send an exposure to its journey, and an order to all partitions; `to`: where they leave."""
    journeys, outbox = to
    if isinstance(event, ExperimentOrder):
        journeys.add_to_all(order_given(event, source, ts))
        outbox.settle(source, "decided")
        return
    seen = exposure_seen(at_right_time(event, clock), source, ts, clock)
    name = journey_key(seen.app_id, seen.install_id, is_sandbox=seen.is_sandbox)
    journeys.add(name, seen)


def exposure_seen(
    event: ExperimentExposure, source: Source, ts: LogMs, clock: CorrectedTime | None
) -> ExposureSeen:
    """What an install has met; its time is that of the event, corrected."""
    return ExposureSeen(
        install_id=event.install_id,
        event_id=event.event_id,
        experiment_id=event.experiment_id,
        variant=event.variant,
        time=event.event_time,
        ts=ts,
        source=source,
        app_id=event.app_id,
        reported_time=reported_time(clock),
        time_correction=clock.reason if clock else "",
        is_sandbox=event.environment == "sandbox",
    )


def order_given(event: ExperimentOrder, source: Source, ts: LogMs) -> OrderGiven:
    """An order, in force from log time `ts` on."""
    return OrderGiven(
        order_id=event.order_id,
        kind=event.kind,
        experiment_id=event.experiment_id,
        app_id=event.app_id,
        ts=ts,
        source=source,
        definition=event.definition,
        share=-1.0 if event.share is None else event.share,
        variant=event.variant,
        ordered_by=event.ordered_by,
        reason=event.reason,
        evidence=event.evidence,
    )
