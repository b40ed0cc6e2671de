"""Outcomes of activity, and of what events were read without."""

from __future__ import annotations

from schemas import outcomes
from schemas.time import EventMs, LogMs
from tests.worlds.stores.traffic_outcomes import NOON, read_at


def active_day() -> outcomes.ActiveDayRow:
    return outcomes.ActiveDayRow(
        active_day_id="puzzle:i1:0:2026-01-01",
        install_id="i1",
        app_id="puzzle",
        day_of_life=0,
        date="2026-01-01",
        install_time=EventMs(NOON),
        event_time=EventMs(NOON),
        **read_at("activity"),
    )


def milestone() -> outcomes.MilestoneRow:
    return outcomes.MilestoneRow(
        milestone_id="puzzle:i1:e1",
        install_id="i1",
        app_id="puzzle",
        name="level_up",
        event_id="e1",
        install_time=EventMs(NOON),
        event_time=EventMs(NOON),
        **read_at("activity"),
    )


def dropped_field(offset: int = 0, weight: int = 1) -> outcomes.DroppedField:
    return outcomes.DroppedField(
        dropped_id=f"installs:0:{offset}:gaid",
        app_id="puzzle",
        event_type="install",
        field="gaid",
        problem="unreadable",
        sample_weight=weight,
        received_at=LogMs(NOON + offset),
        **read_at("installs", offset),
    )


def quarantined(offset: int = 0) -> outcomes.Quarantined:
    """A timer that raised: no event of a source topic is concerned."""
    return outcomes.Quarantined(
        quarantine_id=f"journeys:0:{offset}",
        stage="journeys",
        kind="timer",
        error="ValueError",
        detail="step.py:1 advance: ValueError",
        state_key="puzzle:i1",
        app_id="puzzle",
        install_id="i1",
        log_topic="journeys",
        log_topic_partition=0,
        log_topic_offset=offset,
        payload="",
        message_key="",
        received_at=LogMs(NOON),
        source_topic="",
        source_partition=-1,
        source_offset=-1,
    )


def privacy_receipt(install_id: str, request_id: str = "r1") -> outcomes.PrivacyReceipt:
    """What the journey of an install says of a request to forget its user."""
    return outcomes.PrivacyReceipt(
        receipt_id=f"{request_id}:journeys:production:puzzle:{install_id}",
        subject_request_id=request_id,
        app_id="puzzle",
        environment="production",
        place="journeys",
        subject_type="install_id",
        subject_key=install_id,
        result="found",
        detail="",
        found={"installs": 1.0},
        requested_at=LogMs(NOON),
    )


def assignment() -> outcomes.Assignment:
    return outcomes.Assignment(
        assignment_id="puzzle:offer:1:i1",
        experiment_id="offer",
        experiment_version=1,
        fingerprint="0123456789ab",
        app_id="puzzle",
        install_id="i1",
        variant="discount",
        variant_index=1,
        payload='{"percent":20}',
        reason="",
        ramp_share=0.5,
        ramp_step=1,
        landmark="1d",
        assigned_at=LogMs(NOON),
        ordered_at=LogMs(NOON),
        install_time=EventMs(NOON),
        country_code="DE",
        platform="android",
        media_source="acme",
        segment="offer",
        target="payer",
        horizon="d7",
        chance=0.25,
        amount=1.5,
        currency="USD",
        paid_micros=990_000,
        tier="full",
        model_version="payer-10-aaaaaaaa",
        value_version="value-10-aaaaaaaa",
        **read_at("installs"),
    )


def unit_exposure() -> outcomes.UnitExposure:
    return outcomes.UnitExposure(
        exposure_id="puzzle:offer:1:i1:first",
        experiment_id="offer",
        experiment_version=1,
        app_id="puzzle",
        install_id="i1",
        status="first",
        variant="discount",
        assigned_variant="discount",
        event_id="e1",
        event_time=EventMs(NOON),
        exposed_at=LogMs(NOON),
        reported_time=EventMs(0),
        time_correction="",
        **read_at("activity"),
    )


def experiment_order() -> outcomes.OrderOutcome:
    return outcomes.OrderOutcome(
        order_id="order-1",
        experiment_id="offer",
        experiment_version=1,
        fingerprint="0123456789ab",
        app_id="puzzle",
        kind="ramp",
        definition="",
        layer="monetization",
        layer_first=0.0,
        layer_end=0.5,
        ramp_share=0.5,
        variant="",
        verdict="obeyed",
        refusal="",
        ordered_by="growth",
        reason="no harm so far",
        evidence="",
        ordered_at=LogMs(NOON),
        **read_at("costs"),
    )
