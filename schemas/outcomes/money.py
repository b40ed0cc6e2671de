"""Revenue, exchange rates, advertising spend, and events that wait for their install."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Environment, Outcome
from schemas.time import EventMs, LogMs


class RateRow(Outcome, frozen=True, kw_only=True, gc=False):
    """How much one unit of `base` was worth in `quote` on a day. The highest revision counts."""

    rate_id: str
    """Id of the rate: date:base:quote."""
    event_id: str
    """Id of the event that stated the rate."""
    revision: int
    """Revision of the rate; a restatement has a higher one, and the highest counts."""
    date: str
    """Day of the rate, YYYY-MM-DD."""
    base: str
    """Currency of which one unit is priced, ISO 4217."""
    quote: str
    """Currency in which it is priced, ISO 4217."""
    rate_e9: int
    """Price of one base unit, in billionths of a quote unit."""
    rate_source: str
    """Who published the rate."""
    event_time: EventMs
    """When the rate was stated, as the producer reported it."""
    source_topic: str
    source_partition: int
    source_offset: int
    environment: Environment = "production"


class Booking(Outcome, frozen=True, kw_only=True, gc=False):
    """Signed money of one install. Sums over bookings stay right after any correction."""

    booking_id: str
    """Id of the booking: the money_id and the step; then how often the step was booked anew, which
    half of which relink it is, or that it takes the booking back."""
    money_id: str
    """Transaction, refund or impression that the money comes from."""
    sign: int
    """1: booked to this install; -1: taken from it again."""
    install_id: str
    """Install that the money belongs to."""
    app_id: str
    """App in which the money was made."""
    transaction_id: str
    """Id of the transaction, assigned by the store."""
    kind: Literal["purchase", "subscription", "refund", "ad_revenue"]
    """purchase, subscription, refund or ad_revenue."""
    is_relink: bool
    """Whether this is one half of a signed pair that moves money between installs."""
    amount_micros: int
    """Signed amount, in millionths of the currency."""
    currency: str
    product_id: str
    """Product that was bought."""
    event_time: EventMs
    """When the money moved, as the producer reported it."""
    install_time: EventMs
    source_topic: str
    source_partition: int
    source_offset: int
    environment: Environment = "production"
    reported_time: EventMs = EventMs(0)
    time_correction: str = ""
    event_id: str = ""
    """Event that reported the money."""
    step: str = ""
    """What happened to the transaction: purchase, start, renewal, refund, chargeback, reversed,
    restored or another kind of the contract."""
    receipt_status: str = ""
    """Receipt of the store: valid, invalid, pending or unchecked; empty for other money."""
    original_transaction_id: str = ""
    """First transaction of a subscription, or the purchase that was restored; empty: not stated."""
    net_micros: int = 0
    """Signed amount after the store's fee and tax, in millionths; meaningful if is_net_known."""
    fee_micros: int = 0
    """Signed fee of the store, in millionths of the currency; 0: not stated."""
    tax_micros: int = 0
    """Signed tax, in millionths of the currency; 0: not stated."""
    is_net_known: bool = False
    """Whether the producer stated the net amount, or what it follows from."""
    quantity: int = 1
    """How many were bought at once."""
    is_trial: bool = False
    """Whether the step belongs to a trial period."""
    offer_id: str = ""
    """Offer of the store under which it was bought."""
    period_start_time: EventMs = EventMs(0)
    """Begin of the period that was paid for; 0 (1970-01-01): not stated."""
    period_end_time: EventMs = EventMs(0)
    """End of that period; 0 (1970-01-01): not stated."""
    mediation_network: str = ""
    """Platform that chose the network of the ad."""
    monetization_network: str = ""
    """Network that paid for the ad."""
    ad_unit: str = ""
    """Ad unit that was shown."""
    ad_format: str = ""
    """Format of the ad, as the producer named it."""
    placement: str = ""
    """Where in the app the ad was shown."""
    precision: str = ""
    """How exact ad revenue is: exact, estimated, publisher_defined or undisclosed; empty for other
    money."""
    stated_micros: int = 0
    """Amount that the step states, whatever it counts, in millionths; 0: none."""


class SpendRow(Outcome, frozen=True, kw_only=True, gc=False):
    """One line of an advertising cost report. The highest revision of a spend_id counts."""

    spend_id: str
    """Id of the report line: a hash of its dimensions."""
    event_id: str
    """Id of the event that reported it."""
    revision: int
    """Revision of the line; a restatement has a higher one, and the highest counts."""
    app_id: str
    """App that was advertised."""
    date: str
    """Day of the spend in the time zone of the report, YYYY-MM-DD."""
    timezone: str
    """Time zone of the day, IANA name."""
    media_source: str
    """Network that was paid."""
    channel: str
    campaign_id: str
    campaign_name: str
    adset_id: str
    ad_id: str
    site_id: str
    country_code: str
    platform: str
    impressions: int
    """Impressions, as counted by the network."""
    clicks: int
    """Clicks, as counted by the network."""
    installs: int
    """Installs, as counted by the network."""
    amount_micros: int
    """Cost, in millionths of the currency."""
    currency: str
    event_time: EventMs
    """When the report was made, as the producer reported it."""
    source_topic: str
    source_partition: int
    source_offset: int
    environment: Environment = "production"


class Parked(Outcome, frozen=True, kw_only=True, gc=False):
    """Something that waits for its install, account or purchase, or whose wait has ended."""

    parked_id: str
    """Id of this row: the subject, what it waits for, and the state."""
    subject_id: str
    """Id of the money or event that is parked: a booking_id or an event_id."""
    state: Literal["parked", "released", "expired"]
    """parked while it waits; released or expired when the wait has ended."""
    waits_for: Literal["install", "account", "purchase"]
    """install, account or purchase."""
    kind: str
    """Kind of money or event."""
    app_id: str
    """App that it belongs to."""
    amount_micros: int
    """Signed amount, in millionths of the currency."""
    currency: str
    """Currency, ISO 4217; empty when it is not money."""
    event_time: EventMs
    """When it happened, as the producer reported it."""
    deadline: LogMs
    """Log time at which the wait ends."""
    source_topic: str
    source_partition: int
    source_offset: int
    environment: Environment = "production"
    event_id: str = ""
    """Event that is parked."""
