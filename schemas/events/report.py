"""Events about no single device: spend, exchange rates, postbacks, requests for privacy."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.events.event import Event
from schemas.parts import (
    Count,
    Country,
    Currency,
    Day,
    Descriptive,
    Id,
    Identity,
    LongText,
    Micros,
    NameText,
    Platform,
    RateE9,
    Text,
    TimeMs,
)


class Cost(Event, frozen=True, kw_only=True, gc=False, tag="cost"):
    """Spend of one day in one place. A higher revision of the same dimensions replaces the whole
    line; one with amount 0 takes it back. Of equal revisions the later event_time counts."""

    date: Day
    timezone: Annotated[str, Meta(min_length=1, max_length=1024)] = "UTC"
    media_source: NameText
    channel: Text | None = None
    campaign_id: Text | None = None
    campaign_name: Descriptive[Text] | None = None
    adset_id: Text | None = None
    ad_id: Text | None = None
    site_id: Text | None = None
    country_code: Country | None = None
    platform: Platform | None = None
    impressions: Count | None = None
    clicks: Count | None = None
    installs: Count | None = None
    amount_micros: Micros
    currency: Currency
    revision: Count = 0


class ExchangeRate(Event, frozen=True, kw_only=True, gc=False, tag="exchange_rate"):
    """What one unit of a currency was worth in another on a day. A higher revision of the same
    day and pair replaces. State the worth of the heavier currency, which loses no digits."""

    app_id: Text = ""  # rates are for all apps
    date: Day
    base_currency: Currency
    quote_currency: Currency
    rate_e9: RateE9
    rate_source: Text = ""
    revision: Count = 0


class SkanPostback(Event, frozen=True, kw_only=True, gc=False, tag="skan_postback"):
    """SKAdNetwork postback; `body` is the JSON text exactly as Apple sent it."""

    body: LongText


class AakPostback(Event, frozen=True, kw_only=True, gc=False, tag="aak_postback"):
    """AdAttributionKit postback; `body` is the JSON text exactly as Apple sent it."""

    body: LongText


class PrivacyRequest(Event, frozen=True, kw_only=True, gc=False, tag="privacy_request"):
    """OpenDSR-shaped request of a data subject. An opt_in takes an earlier opt_out back."""

    subject_request_id: Id
    request_type: Literal["erasure", "access", "opt_out", "opt_in"]
    identities: Annotated[list[Identity], Meta(min_length=1, max_length=64)]
    submitted_time: TimeMs
