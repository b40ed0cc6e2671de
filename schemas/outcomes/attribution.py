"""Touchpoints, the decisions made from them, and suspicions of fraud."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from schemas.outcomes.outcome import Environment, Outcome
from schemas.time import EventMs, LogMs

Basis = Literal[
    "store_referrer",
    "adservices",
    "click_id",
    "device_id",
    "vendor_id",
    "probabilistic",
    "none",
]

DecisionReason = Literal[
    "first_decision",
    "deadline",
    "late_touchpoint",
    "late_install",
    "late_activity",
    "fraud_verdict",
    "erasure",
    "privacy_choice",
    "rule_change",
    "read_later",
]
"""Why a version was made. Only what was logged after an install is late for it: `read_later` names
records that were in the log before, and were read after the first version."""


class TouchOutcome(Outcome, frozen=True, kw_only=True, gc=False):
    """An accepted touchpoint. A repeat of an event keeps its `event_id`."""

    event_id: str
    """Id of the event; a repeat keeps it."""
    app_id: str
    """App that the ad is for."""
    touch_id: str
    """Id of the click or impression, assigned by the network."""
    touch_type: str
    """click or impression."""
    event_time: EventMs
    """When it happened, as the producer reported it."""
    received_at: LogMs
    """Log time at which it reached Kafka."""
    media_source: str
    """Network or channel that claims the touchpoint."""
    channel: str
    campaign_id: str
    campaign_name: str
    adset_id: str
    ad_id: str
    site_id: str
    country_code: str
    platform: str
    device_key: str
    """Pseudonym of the device id; empty when the producer sent none."""
    cost_micros: int
    """Cost of this touchpoint, in millionths of cost_currency."""
    cost_currency: str
    """Currency of the cost, ISO 4217; empty when there is no cost."""
    source_topic: str
    source_partition: int
    source_offset: int
    environment: Environment = "production"
    reported_time: EventMs = EventMs(0)
    time_correction: str = ""
    sub_site_id: str = ""
    keyword: str = ""
    adset_name: str = ""
    ad_name: str = ""
    cost_model: str = ""
    """What is paid for: cpc, cpi, cpm or cpa; empty when there is no cost."""
    is_retargeting: bool = False
    """Whether the ad was for people who have the app."""
    is_restricted: bool = False
    app_version: str = ""
    os_version: str = ""
    device_model: str = ""


class Attribution(Outcome, frozen=True, kw_only=True, gc=False):
    """One version of the decision on one conversion: an install, or a later re-engagement of
    its user. The highest version is the current one. An erasure empties the ids."""

    attribution_id: str
    """Id of this version: conversion_id:version."""
    conversion_id: str
    """The install_id; for a re-engagement install_id~event_id of its touchpoint."""
    install_id: str
    """Install that converted, or whose user came back."""
    event_id: str
    """Event that reported the install."""
    version: int
    """Version of the decision, from 1; the highest is current."""
    supersedes: int
    """Version that this one replaces; 0: none."""
    reason: DecisionReason
    """Why this version was made: first_decision, deadline, late_touchpoint, late_install,
    late_activity, fraud_verdict, erasure, privacy_choice or rule_change."""
    conversion_type: Literal["install", "reinstall", "reattribution", "reengagement"]
    """install, reinstall, reattribution or reengagement."""
    status: Literal["organic", "non_organic", "reattributed", "reengaged", "withdrawn"]
    """organic, non_organic, reattributed, reengaged or withdrawn (no longer a conversion)."""
    match_type: Literal["referrer", "click_id", "device_id", "adservices", "probabilistic", "none"]
    """Evidence for the match: referrer, click_id, device_id, adservices, probabilistic or none."""
    match_confidence: float
    """Probability that the match is right; 1 when deterministic or organic."""
    app_id: str
    """App that was installed."""
    platform: str
    country_code: str
    install_time: EventMs
    conversion_time: EventMs
    """When the conversion happened: the first open, or the session that re-engaged the user."""
    expires_at: EventMs
    """When the credit returns to the previous source; 0 (1970-01-01): never."""
    prior_install_id: str
    """Install that this one follows on the same device; empty for a new user."""
    touch_id: str
    """Touchpoint that gets the credit; empty when organic."""
    touch_type: str
    """Type of that touchpoint: click or impression; empty when organic."""
    touch_time: EventMs
    """When that touchpoint happened; 0 (1970-01-01) when organic or unknown."""
    media_source: str
    """Network that gets the credit; organic when none does."""
    channel: str
    campaign_id: str
    campaign_name: str
    adset_id: str
    ad_id: str
    site_id: str
    ctit_s: int
    """Click-to-install time in seconds; -1 when organic or unknown."""
    click_window_s: int
    """Lookback window for clicks in force for the winner, in seconds; for organic the app's."""
    view_window_s: int
    """Lookback window for impressions, in seconds."""
    probabilistic_click_window_s: int
    """Lookback window for clicks that match only probabilistically, in seconds; 0: off."""
    probabilistic_view_window_s: int
    """Lookback window for impressions that match only probabilistically, in seconds; 0: off."""
    reattribution_window_s: int
    """How long, in seconds, another install on the same device is not a new user."""
    inactivity_s: int
    """How long, in seconds, a user must be inactive before a re-engagement counts."""
    fraud_status: Literal["", "tag", "suspicious"]
    """tag or suspicious when the credited touchpoint looks like fraud; else empty."""
    fraud_reason: str
    """Why it looks like fraud."""
    rejected_media_source: str
    """Network that would have had the credit but for fraud; empty when none."""
    rejected_campaign_id: str
    """Campaign of the rejected touchpoint."""
    rejected_site_id: str
    """Site of the rejected touchpoint."""
    rejected_touch_id: str
    """The rejected touchpoint."""
    rejected_reason: str
    """Why it was rejected."""
    contributors: str
    """Up to three other touchpoints that qualified, as a JSON array of objects with media_source,
    campaign_id, touch_type and touch_time."""
    rule_set: str
    """Id of the rules in force."""
    model_version: str
    """Version of the pair model for a probabilistic match; else empty."""
    candidates: str
    """Receipt, as a JSON array: every candidate with touch_id, verdict and the rule behind it."""
    decided_at: LogMs
    """Log time of the decision."""
    source_topic: str
    source_partition: int
    source_offset: int
    environment: Environment = "production"
    reported_time: EventMs = EventMs(0)
    """First open, as the producer reported it; 0 (1970-01-01): as install_time."""
    time_correction: str = ""
    sub_site_id: str = ""
    keyword: str = ""
    adset_name: str = ""
    ad_name: str = ""
    app_version: str = ""
    os_version: str = ""
    device_model: str = ""
    store: str = ""
    """Store that the app came from, as the producer named it."""
    install_version: str = ""
    """Version of the app that was installed first, by the store."""
    is_restricted: bool = False
    settles_at: LogMs = LogMs(0)
    """Log time from which the decision changes no more in time; 0 (1970-01-01): unknown."""
    basis: Basis = "none"
    """What the credit rests on: store_referrer, adservices, click_id, device_id (an advertising
    id), vendor_id, probabilistic or none."""
    refused: list[str] = field(default_factory=list)
    """What the person had refused when this version was made: att_denied, limited_tracking,
    data_usage, ads_personalization, ad_storage or opt_out."""
    forbidden_uses: list[str] = field(default_factory=list)
    """What the table of the app forbids for that: advertising_id, vendor_id, probabilistic or
    prediction. With prediction there are no features and predictions."""


class FraudVerdict(Outcome, frozen=True, kw_only=True, gc=False):
    """A finding that a touchpoint of an install looks like fraud."""

    verdict_id: str
    """Id of the verdict: install_id:event_id:reason; for a site also the hour of the judgement."""
    install_id: str
    """Install whose touchpoint is judged."""
    app_id: str
    """App that was installed."""
    stage: Literal["realtime", "site", "key"]
    """realtime: judged by the install alone; site: by the history of the site; key: an id of the
    install met too many installs to be evidence."""
    reason: str
    """Which check failed."""
    sub_reason: str
    """Detail of the reason."""
    value: float
    """Seconds, a count or a posterior probability, depending on the reason."""
    mode: Literal["tag", "suspicious", "reject"]
    """What follows: tag, suspicious or reject."""
    touch_id: str
    """Touchpoint that is judged."""
    media_source: str
    """Network that claims the touchpoint."""
    campaign_id: str
    site_id: str
    real_source: str
    """Network that has the credit now; the same network unless the credit was taken away."""
    install_time: EventMs
    decided_at: LogMs
    """Log time of the verdict."""
    environment: Environment = "production"
