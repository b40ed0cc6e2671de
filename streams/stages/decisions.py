"""Outcome rows of journeys: decisions and bookings, and what models may know of an install."""

from __future__ import annotations

from typing import Literal

import msgspec

from attribution.journey import Decision
from attribution.rules import Rules
from attribution.waterfall import Candidate
from online_models.features import Credit, InstallFacts
from schemas import topics
from schemas.outcomes import Attribution, Booking
from schemas.records import Installed, MoneyRouted, Signal, TouchKind
from streams.stages.parking import MONEY_KINDS

MatchType = Literal["referrer", "click_id", "device_id"]
_MATCH_TYPES: dict[Signal, MatchType] = {
    Signal.REFERRER: "referrer",
    Signal.CLICK_ID: "click_id",
    Signal.DEVICE_ID: "device_id",
}
_TOUCH_TYPES = {TouchKind.CLICK: "click", TouchKind.IMPRESSION: "impression"}
ORGANIC = "organic"
_json = msgspec.json.Encoder()


def install_facts(install: Installed) -> InstallFacts:
    return InstallFacts(
        install.install_id,
        install.app_id,
        install.time,
        install.platform,
        install.country_code,
        install.os_version,
    )


def credit(install: Installed, winner: Candidate | None) -> Credit:
    if winner is None:
        return Credit(ORGANIC, "", "", "none", "", -1)
    touch = winner.touch
    return Credit(
        touch.media_source,
        touch.campaign_id,
        touch.site_id,
        _MATCH_TYPES[winner.signal],
        _TOUCH_TYPES[touch.kind],
        ctit_s(install, winner),
    )


def ctit_s(install: Installed, winner: Candidate) -> int:
    """Click-to-install time in seconds."""
    return (install.time - winner.touch.time) // 1_000


def attribution_row(decision: Decision, rules: Rules, rule_set: str) -> Attribution:
    install, winner = decision.install, decision.winner
    touch = winner.touch if winner is not None else None
    topic, partition, offset = install.source
    return Attribution(
        attribution_id=f"{install.install_id}:{decision.version}",
        conversion_id=install.install_id,
        install_id=install.install_id,
        version=decision.version,
        supersedes=decision.version - 1,
        reason=decision.reason,
        conversion_type="install",
        status="non_organic" if touch else "organic",
        is_primary=True,
        match_type=_MATCH_TYPES[winner.signal] if winner else "none",
        match_confidence=1.0,
        app_id=install.app_id,
        platform=install.platform,
        country_code=install.country_code,
        install_time=install.time,
        conversion_time=install.time,
        expires_at=0,
        prior_install_id="",
        touch_id=touch.touch_id if touch else "",
        touch_type=_TOUCH_TYPES[touch.kind] if touch else "",
        touch_time=touch.time if touch else 0,
        media_source=touch.media_source if touch else ORGANIC,
        channel=touch.channel if touch else "",
        campaign_id=touch.campaign_id if touch else "",
        campaign_name=touch.campaign_name if touch else "",
        adset_id=touch.adset_id if touch else "",
        ad_id=touch.ad_id if touch else "",
        site_id=touch.site_id if touch else "",
        ctit_s=ctit_s(install, winner) if winner else -1,
        click_window_s=rules.click_window_ms // 1_000,
        view_window_s=rules.view_window_ms // 1_000,
        probabilistic_click_window_s=0,
        probabilistic_view_window_s=0,
        reattribution_window_s=0,
        inactivity_s=0,
        fraud_status="",
        fraud_reason="",
        rejected_media_source="",
        rejected_campaign_id="",
        rejected_touch_id="",
        rejected_reason="",
        contributors="[]",
        rule_set=rule_set,
        model_version="",
        candidates=_json.encode(decision.receipts).decode(),
        decided_at=decision.decided_at,
        source_topic=topics.SOURCES[topic].name,
        source_partition=partition,
        source_offset=offset,
    )


def booking_row(routed: MoneyRouted, install: Installed) -> Booking:
    money = routed.money
    topic, partition, offset = money.source
    half = f":move{routed.move}{'+' if routed.sign > 0 else '-'}" if routed.move else ""
    return Booking(
        booking_id=f"{money.booking_id}{half}",
        money_id=money.booking_id,
        sign=routed.sign,
        install_id=install.install_id,
        app_id=money.app_id,
        transaction_id=money.transaction_id,
        kind=MONEY_KINDS[money.kind],
        is_relink=routed.move > 0,
        amount_micros=routed.sign * money.amount_micros,
        currency=money.currency,
        product_id=money.product_id,
        event_time=money.time,
        install_time=install.time,
        source_topic=topics.SOURCES[topic].name,
        source_partition=partition,
        source_offset=offset,
    )
