"""Outcomes of a small world, and how they come into a store, for tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from schemas import outcomes
from schemas.outcomes import Outcome
from schemas.time import DAY_MS, EventMs, LogMs
from streams.store.base import Store
from streams.store.columns import OutcomeDecoder
from streams.store.tables import EPOCH, OFFSET, PARTITION, TABLES
from tests.worlds.postback_world import postback_row

NOON = 1_767_268_800_000  # 2026-01-01 12:00 UTC
LAST_CENTURY = "1970-01-01 00:00:00.000"


def put(
    store: Store,
    rows: Iterable[Outcome],
    first_offset: int = 0,
    partition: int = 0,
    epoch: str = "test",
) -> None:
    """Store outcomes as messages of one partition of their topics, at consecutive offsets."""
    by_type: dict[type[Outcome], list[Outcome]] = {}
    for row in rows:
        by_type.setdefault(type(row), []).append(row)
    for table in TABLES.values():
        outcomes_of_table = by_type.get(table.outcome, [])
        if outcomes_of_table:
            messages = [outcomes.outcome_encoder.encode(row) for row in outcomes_of_table]
            offsets = list(range(first_offset, first_offset + len(messages)))
            columns = dict(OutcomeDecoder(table).decode(messages, partition, offsets).columns)
            columns[EPOCH] = [epoch] * len(messages)
            columns[PARTITION] = [partition] * len(messages)
            columns[OFFSET] = list(offsets)
            store.insert(table.name, columns)


def empty(store: Store) -> None:
    """Take every row out again; a new store costs ten times as long."""
    for table in TABLES:
        if store.query(f"SELECT count() FROM {table}").rows[0][0]:
            store.execute(f"TRUNCATE TABLE {table}")


def touch(event_id: str = "e1", offset: int = 0, **changes: object) -> outcomes.TouchOutcome:
    row = outcomes.TouchOutcome(
        event_id=event_id,
        app_id="puzzle",
        touch_id=f"click-{event_id}",
        touch_type="click",
        event_time=EventMs(NOON),
        received_at=LogMs(NOON + 1),
        media_source="alpha",
        channel="feed",
        campaign_id="spring",
        campaign_name="Spring",
        adset_id="",
        ad_id="",
        site_id="site-1",
        country_code="DE",
        platform="android",
        device_key="",
        cost_micros=0,
        cost_currency="",
        source_topic="touchpoints",
        source_partition=0,
        source_offset=offset,
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
        match_type="click_id",
        match_confidence=1.0,
        app_id="puzzle",
        platform="android",
        country_code="DE",
        install_time=EventMs(NOON),
        conversion_time=EventMs(NOON),
        expires_at=EventMs(0),
        prior_install_id="",
        touch_id="click-e1",
        touch_type="click",
        touch_time=EventMs(NOON - 1000),
        media_source="alpha",
        channel="feed",
        campaign_id="spring",
        campaign_name="Spring",
        adset_id="",
        ad_id="",
        site_id="site-1",
        ctit_s=1,
        click_window_s=604_800,
        view_window_s=86_400,
        probabilistic_click_window_s=0,
        probabilistic_view_window_s=0,
        reattribution_window_s=7_776_000,
        inactivity_s=604_800,
        fraud_status="",
        fraud_reason="",
        rejected_media_source="",
        rejected_campaign_id="",
        rejected_site_id="",
        rejected_touch_id="",
        rejected_reason="",
        contributors="[]",
        rule_set="default",
        model_version="",
        candidates="[]",
        decided_at=LogMs(NOON + version),
        source_topic="installs",
        source_partition=0,
        source_offset=0,
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
        source_topic="payments",
        source_partition=0,
        source_offset=0,
    )
    return msgspec.structs.replace(row, **changes)


def prediction(
    install_id: str = "i1", landmark: str = "install", probability: float = 0.25, **changes: object
) -> outcomes.Prediction:
    after = {"install": 0, "1h": 3_600_000, "1d": DAY_MS}[landmark]
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
        media_source="alpha",
        channel="feed",
        campaign_id="spring",
        campaign_name="Spring",
        adset_id="",
        ad_id="",
        site_id="",
        country_code="DE",
        platform="android",
        impressions=100,
        clicks=10,
        installs=1,
        amount_micros=micros,
        currency="EUR",
        event_time=EventMs(NOON),
        source_topic="costs",
        source_partition=0,
        source_offset=0,
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
        source_topic="costs",
        source_partition=0,
        source_offset=0,
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
            "source_topic": "payments",
            "source_partition": 0,
            "source_offset": offset,
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
        source_topic="activity",
        source_partition=0,
        source_offset=offset,
    )


def features(install_id: str = "i1") -> outcomes.FeatureRow:
    return outcomes.FeatureRow(
        feature_id=f"{install_id}:install",
        install_id=install_id,
        app_id="puzzle",
        landmark="install",
        landmark_time=NOON,
        features={"bias": 1.0, "hour": 0.1},
    )


def every_kind() -> list[Outcome]:
    """One outcome for every table."""
    return [
        touch(),
        decision(),
        booking(),
        features(),
        prediction(),
        verdict(),
        credit(),
        exposure(),
        spend(),
        rate(),
        postback_row(),
        outcomes.PrivacyRow(
            subject_request_id="r1",
            app_id="puzzle",
            request_type="erasure",
            identity_types=["idfa", "idfv"],
            identity_keys=["k1", "k2"],
            submitted_time=EventMs(NOON),
            source_topic="privacy-requests",
            source_partition=0,
            source_offset=0,
        ),
        parked("m9", "parked"),
        ledger("decided", "installs", [0]),
        dead_letter(),
        outcomes.Freshness(stage="matching", partition=0, stage_time=LogMs(NOON)),
        model_version(1, "payer-10-aaaaaaaa", "published"),
        outcomes.ModelContent(
            content_id="v:0", model="payer", version="v", chunk=0, chunks=1, content="BCIYTQ=="
        ),
        model_quality(),
        reliability_row(),
        drift_alarm(),
    ]


def model_quality(number: int = 1, **changed: Any) -> outcomes.ModelQuality:
    fields: dict[str, Any] = {
        "quality_id": f"payer:d7:1h:full:{number}",
        "target": "payer",
        "horizon": "d7",
        "landmark": "1h",
        "platform": "",
        "tier": "full",
        "model_version": "",
        "media_source": "",
        "rows": 1000,
        "predicted": 0.05,
        "observed": 0.05,
        "log_loss": 0.18,
        "normalised_entropy": 0.9,
        "calibration_ratio": 1.0,
        "ece": 0.01,
        "auc": 0.7,
        "normalised_gini": -1.0,
        "decile_mape": -1.0,
        "begin_time": NOON,
        "end_time": NOON + number,
    }
    return outcomes.ModelQuality(**{**fields, **changed})


def reliability_row(number: int = 1, bin_: int = 0, **changed: Any) -> outcomes.ReliabilityRow:
    fields: dict[str, Any] = {
        "reliability_id": f"payer:d7:1h:full:{number}:{bin_}",
        "quality_id": f"payer:d7:1h:full:{number}",
        "target": "payer",
        "horizon": "d7",
        "landmark": "1h",
        "tier": "full",
        "bin": bin_,
        "lower": 0.0,
        "upper": 0.1,
        "rows": 100,
        "predicted": 0.05,
        "observed": 0.04,
        "end_time": NOON + number,
    }
    return outcomes.ReliabilityRow(**{**fields, **changed})


def drift_alarm(number: int = 1, **changed: Any) -> outcomes.DriftAlarm:
    fields: dict[str, Any] = {
        "alarm_id": f"residual:payer::app.one:alpha:{number}",
        "kind": "residual",
        "target": "payer",
        "subject": "",
        "app_id": "app.one",
        "media_source": "alpha",
        "mean_before": 0.0,
        "mean_after": 0.05,
        "rows_before": 4000,
        "rows_after": 600,
        "response": "loosened",
        "raised_at": NOON + number,
    }
    return outcomes.DriftAlarm(**{**fields, **changed})


def model_version(number: int, version: str, state: str, **changed: Any) -> outcomes.ModelVersion:
    fields: dict[str, Any] = {
        "change_id": f"payer:{number}",
        "model": "payer",
        "number": number,
        "version": version,
        "state": state,
        "live_version": version,
        "is_held": False,
        "contestant": "main",
        "parent": "",
        "reason": "",
        "figures": {"rows": 1000.0, "normalised_entropy": 0.9},
        "learned_offset": 10 * number,
        "learned_at": NOON + number,
        "command_id": "",
    }
    return outcomes.ModelVersion(**{**fields, **changed})
