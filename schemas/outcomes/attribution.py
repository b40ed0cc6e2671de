"""Touchpoints, the decisions made from them, and suspicions of fraud."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Outcome


class TouchOutcome(Outcome, frozen=True, kw_only=True, gc=False):
    """An accepted touchpoint. Repeats of an event keep its `event_id`."""

    event_id: str
    app_id: str
    touch_id: str
    touch_type: str
    event_time: int
    received_at: int
    media_source: str
    channel: str
    campaign_id: str
    campaign_name: str
    adset_id: str
    ad_id: str
    site_id: str
    country_code: str
    platform: str
    device_key: str  # pseudonym; "" when the producer sent no device id
    cost_micros: int
    cost_currency: str
    source_topic: str
    source_partition: int
    source_offset: int


class Attribution(Outcome, frozen=True, kw_only=True, gc=False):
    """One version of the decision for one conversion: an install, or a later re-engagement of
    its user. The highest version is the current one. After an erasure ids are empty."""

    attribution_id: str  # conversion_id:version
    conversion_id: str  # install_id; of a re-engagement install_id~event_id of its touchpoint
    install_id: str
    event_id: str  # of the install
    version: int
    supersedes: int  # 0: nothing
    reason: Literal[
        "first_decision",
        "deadline",
        "late_touchpoint",
        "late_install",
        "late_activity",
        "fraud_verdict",
        "erasure",
        "rule_change",
    ]
    conversion_type: Literal["install", "reinstall", "reattribution", "reengagement"]
    status: Literal["organic", "non_organic", "reattributed", "reengaged", "withdrawn"]
    match_type: Literal["referrer", "click_id", "device_id", "adservices", "probabilistic", "none"]
    match_confidence: float  # 1 when deterministic or organic
    app_id: str
    platform: str
    country_code: str
    install_time: int
    conversion_time: int  # of the install, or of the session that re-engaged
    expires_at: int  # from here on the previous source counts again; 0: never
    prior_install_id: str  # the install this one follows on the same device; "" for a new user
    touch_id: str
    touch_type: str
    touch_time: int  # 0: organic, or unknown
    media_source: str  # "organic" when organic
    channel: str
    campaign_id: str
    campaign_name: str
    adset_id: str
    ad_id: str
    site_id: str
    ctit_s: int  # click-to-install time; -1 when organic or unknown
    click_window_s: int  # windows in force for the winner; of the app when organic
    view_window_s: int
    probabilistic_click_window_s: int  # 0: off
    probabilistic_view_window_s: int
    reattribution_window_s: int
    inactivity_s: int
    fraud_status: Literal["", "tag", "suspicious"]  # of the touchpoint with the credit
    fraud_reason: str
    rejected_media_source: str  # who would have had the credit, were it not for fraud; "" nobody
    rejected_campaign_id: str
    rejected_site_id: str
    rejected_touch_id: str
    rejected_reason: str
    contributors: str  # JSON, up to three: [{media_source, campaign_id, touch_type, touch_time, …}]
    rule_set: str
    model_version: str  # of the pair model, when the match is probabilistic
    candidates: str  # JSON receipt: [{touch_id, verdict, rule}]
    decided_at: int
    source_topic: str
    source_partition: int
    source_offset: int


class FraudVerdict(Outcome, frozen=True, kw_only=True, gc=False):
    """Something about a touchpoint of an install looks like fraud."""

    verdict_id: str  # install_id:event_id:reason, for sites also the hour of the judgement
    install_id: str
    app_id: str
    stage: Literal["realtime", "site"]  # by the install alone, or by the history of a site
    reason: str
    sub_reason: str
    value: float  # seconds, counts or a posterior probability, as the reason says
    mode: Literal["tag", "suspicious", "reject"]
    touch_id: str
    media_source: str
    campaign_id: str
    site_id: str
    real_source: str  # who has the credit instead; the same source when it was not taken away
    install_time: int
    decided_at: int
