"""Revenue, exchange rates, advertising spend, and events that wait for their install."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Outcome


class RateRow(Outcome, frozen=True, kw_only=True, gc=False):
    """What one unit of `base` was worth in `quote` on a day. The highest revision counts."""

    rate_id: str  # date:base:quote
    event_id: str
    revision: int
    date: str
    base: str
    quote: str
    rate_e9: int  # billionths of a quote unit for one base unit
    rate_source: str  # who says so
    event_time: int
    source_topic: str
    source_partition: int
    source_offset: int


class Booking(Outcome, frozen=True, kw_only=True, gc=False):
    """Signed money of one install. Sums over bookings are right after any correction."""

    booking_id: str  # the money id; after a relink also which half of which move
    money_id: str  # transaction, refund or impression id
    sign: int  # 1: booked here, -1: taken from here again
    install_id: str
    app_id: str
    transaction_id: str
    kind: Literal["purchase", "subscription", "refund", "ad_revenue"]
    is_relink: bool  # one half of a signed pair that moves money between installs
    amount_micros: int
    currency: str
    product_id: str
    event_time: int
    install_time: int
    source_topic: str
    source_partition: int
    source_offset: int


class SpendRow(Outcome, frozen=True, kw_only=True, gc=False):
    spend_id: str  # hash of the dimensions; the highest revision counts
    event_id: str
    revision: int
    app_id: str
    date: str
    timezone: str
    media_source: str
    channel: str
    campaign_id: str
    campaign_name: str
    adset_id: str
    ad_id: str
    site_id: str
    country_code: str
    platform: str
    impressions: int
    clicks: int
    installs: int
    amount_micros: int
    currency: str
    event_time: int
    source_topic: str
    source_partition: int
    source_offset: int


class Parked(Outcome, frozen=True, kw_only=True, gc=False):
    """Something waits for its install, account or purchase; or waited in vain."""

    parked_id: str  # money or event id, and state
    subject_id: str  # booking_id or event_id
    state: Literal["parked", "released", "expired"]
    waits_for: Literal["install", "account", "purchase"]
    kind: str
    app_id: str
    amount_micros: int
    currency: str
    event_time: int
    deadline: int
    source_topic: str
    source_partition: int
    source_offset: int
