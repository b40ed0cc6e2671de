"""Outcomes of a small world of touchpoints, installs and money."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas import outcomes
from schemas.time import DAY_MS, HOUR_MS, EventMs, LogMs

NOON = 1_767_268_800_000  # 2026-01-01 12:00 UTC
AGES = {"install": 0, "1h": HOUR_MS, "6h": 6 * HOUR_MS, "1d": DAY_MS, "3d": 3 * DAY_MS}
LAST_CENTURY = "1970-01-01 00:00:00.000"

CAMPAIGN: dict[str, Any] = {
    "media_source": "alpha",
    "channel": "feed",
    "campaign_id": "spring",
    "campaign_name": "Spring",
    "adset_id": "",
    "ad_id": "",
    "country_code": "DE",
    "platform": "android",
}
"""Where every touchpoint, decision and spend of this world comes from."""

DECISION_FIELDS: dict[str, Any] = {
    "match_type": "click_id",
    "match_confidence": 1.0,
    "expires_at": EventMs(0),
    "prior_install_id": "",
    "click_window_s": 604_800,
    "view_window_s": 86_400,
    "probabilistic_click_window_s": 0,
    "probabilistic_view_window_s": 0,
    "reattribution_window_s": 7_776_000,
    "inactivity_s": 604_800,
    "fraud_status": "",
    "fraud_reason": "",
    "rejected_media_source": "",
    "rejected_campaign_id": "",
    "rejected_site_id": "",
    "rejected_touch_id": "",
    "rejected_reason": "",
    "contributors": "[]",
    "rule_set": "default",
    "model_version": "",
    "candidates": "[]",
}
"""Fields of a decision that most tests leave as they are."""


def read_at(topic: str, offset: int = 0) -> dict[str, Any]:
    """The columns that say where a record stood in the log."""
    return {"source_topic": topic, "source_partition": 0, "source_offset": offset}


def touch(event_id: str = "e1", offset: int = 0, **changes: object) -> outcomes.TouchOutcome:
    row = outcomes.TouchOutcome(
        event_id=event_id,
        app_id="puzzle",
        touch_id=f"click-{event_id}",
        touch_type="click",
        event_time=EventMs(NOON),
        received_at=LogMs(NOON + 1),
        **CAMPAIGN,
        site_id="site-1",
        device_key="",
        cost_micros=0,
        cost_currency="",
        **read_at("touchpoints", offset),
    )
    return msgspec.structs.replace(row, **changes)


def decision(install_id: str = "i1", version: int = 1, **changes: object) -> outcomes.Attribution:
    row = outcomes.Attribution(
        attribution_id=f"{install_id}:{version}",
        conversion_id=install_id,
        install_id=install_id,
        event_id=f"{install_id}-e",
        version=version,
        supersedes=version - 1,
        reason="first_decision" if version == 1 else "late_touchpoint",
        conversion_type="install",
        status="non_organic",
        app_id="puzzle",
        install_time=EventMs(NOON),
        conversion_time=EventMs(NOON),
        touch_id="click-e1",
        touch_type="click",
        touch_time=EventMs(NOON - 1000),
        site_id="site-1",
        ctit_s=1,
        decided_at=LogMs(NOON + version),
        **CAMPAIGN,
        **DECISION_FIELDS,
        **read_at("installs"),
    )
    return msgspec.structs.replace(row, **changes)


def booking(
    money_id: str = "m1", install_id: str = "i1", micros: int = 5_000_000, **changes: object
) -> outcomes.Booking:
    row = outcomes.Booking(
        booking_id=money_id,
        money_id=money_id,
        sign=1,
        install_id=install_id,
        app_id="puzzle",
        transaction_id=money_id,
        kind="purchase",
        is_relink=False,
        amount_micros=micros,
        currency="EUR",
        product_id="gems",
        event_time=EventMs(NOON + DAY_MS),
        install_time=EventMs(NOON),
        **read_at("payments"),
    )
    return msgspec.structs.replace(row, **changes)


def prediction(
    install_id: str = "i1", landmark: str = "install", probability: float = 0.25, **changes: object
) -> outcomes.Prediction:
    after = AGES[landmark]
    row = outcomes.Prediction(
        prediction_id=f"{install_id}:payer:{landmark}",
        install_id=install_id,
        app_id="puzzle",
        media_source="alpha",
        target="payer",
        landmark=landmark,
        landmark_time=NOON + after,
        horizon="d7",
        probability=probability,
        chances={"d7": probability, "d30": probability},
        amounts={},
        currency="",
        is_extrapolated=False,
        value_version="",
        segment="none",
        tier="full",
        tier_reason="",
        arm="champion",
        model_version="v1",
        shadow={"full": probability},
        latency_ms=0,
        predicted_at=NOON + after,
    )
    return msgspec.structs.replace(row, **changes)


def spend(spend_id: str = "s1", micros: int = 2_000_000, **changes: object) -> outcomes.SpendRow:
    row = outcomes.SpendRow(
        spend_id=spend_id,
        event_id=f"event-{spend_id}",
        revision=1,
        app_id="puzzle",
        date="2026-01-01",
        timezone="UTC",
        **CAMPAIGN,
        site_id="",
        impressions=100,
        clicks=10,
        installs=1,
        amount_micros=micros,
        currency="EUR",
        event_time=EventMs(NOON),
        **read_at("costs"),
    )
    return msgspec.structs.replace(row, **changes)


def rate(
    base: str = "EUR", quote: str = "USD", rate_e9: int = 1_100_000_000, **changes: object
) -> outcomes.RateRow:
    date = changes.pop("date", "2026-01-01")
    row = outcomes.RateRow(
        rate_id=f"{date}:{base}:{quote}",
        event_id=f"rate-{date}-{base}-{quote}",
        revision=0,
        date=str(date),
        base=base,
        quote=quote,
        rate_e9=rate_e9,
        rate_source="ECB",
        event_time=EventMs(NOON),
        **read_at("costs"),
    )
    return msgspec.structs.replace(row, **changes)


def verdict(install_id: str = "i1", **changes: object) -> outcomes.FraudVerdict:
    row = outcomes.FraudVerdict(
        verdict_id=f"{install_id}:e1:ctit_anomalies",
        install_id=install_id,
        app_id="puzzle",
        stage="realtime",
        reason="ctit_anomalies",
        sub_reason="",
        value=3.0,
        mode="suspicious",
        touch_id="click-e1",
        media_source="alpha",
        campaign_id="spring",
        site_id="site-1",
        real_source="alpha",
        install_time=EventMs(NOON),
        decided_at=LogMs(NOON + 1),
    )
    return msgspec.structs.replace(row, **changes)


def credit(install_id: str = "i1", revision: int = 1, **changes: object) -> outcomes.Credit:
    halves = {"alpha": 0.5, "beta": 0.5}
    row = outcomes.Credit(
        credit_id=f"{install_id}:{revision}",
        conversion_id=install_id,
        install_id=install_id,
        revision=revision,
        version=1,
        app_id="puzzle",
        model_version="",
        by_first={"alpha": 1.0},
        by_last={"beta": 1.0},
        by_linear=halves,
        by_time_decay=halves,
        by_position=halves,
        install_time=EventMs(NOON),
        decided_at=LogMs(NOON + revision),
    )
    return msgspec.structs.replace(row, **changes)


def exposure(path_id: str = "x1") -> outcomes.ExposureRow:
    return outcomes.ExposureRow(
        path_id=path_id,
        app_id="puzzle",
        channels=["alpha", "beta"],
        touch_times_ms=[NOON, NOON + 1],
        begin_time=EventMs(NOON),
        end_time=EventMs(NOON + DAY_MS),
        installed_at=EventMs(0),
        weight=100.0,
    )


def parked(
    subject_id: str, state: str, waits_for: str = "install", offset: int = 0
) -> outcomes.Parked:
    return msgspec.convert(
        {
            "parked_id": f"{subject_id}:{waits_for}:{state}",
            "subject_id": subject_id,
            "state": state,
            "waits_for": waits_for,
            "kind": "purchase",
            "app_id": "puzzle",
            "amount_micros": 1,
            "currency": "EUR",
            "event_time": NOON,
            "deadline": NOON + DAY_MS,
            **read_at("payments", offset),
        },
        outcomes.Parked,
    )


def ledger(
    disposition: outcomes.Disposition, topic: str, offsets: list[int], stage: str = "intake"
) -> outcomes.LedgerRow:
    return outcomes.LedgerRow(
        stage=stage,
        disposition=disposition,
        source_topic=topic,
        source_partition=0,
        offsets=offsets,
    )


def dead_letter(reason: str = "malformed_json", offset: int = 0) -> outcomes.DeadLetter:
    return outcomes.DeadLetter(
        reason=reason,
        detail="no JSON",
        payload="e30=",
        key="",
        received_at=LogMs(NOON),
        **read_at("activity", offset),
    )


def features(
    install_id: str = "i1", landmark: str = "install", **changes: object
) -> outcomes.FeatureRow:
    row = outcomes.FeatureRow(
        feature_id=f"{install_id}:{landmark}",
        install_id=install_id,
        app_id="puzzle",
        landmark=landmark,
        landmark_time=NOON + AGES[landmark],
        features={"bias": 1.0, "hour": 0.1},
    )
    return msgspec.structs.replace(row, **changes)
