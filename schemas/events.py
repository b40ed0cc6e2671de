"""Input events, as producers publish them: JSON objects, typed and versioned by `type`.

Times named `*_time` are integer milliseconds since 1970 in UTC; `*_s` are integer seconds.
Money is integer micros of the currency unit (1.99 USD = 1_990_000), never a float.
Vocabulary: AppsFlyer raw data, Adjust callbacks, Play Install Referrer, SKAdNetwork 4,
AdAttributionKit, OpenDSR.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas import topics
from schemas.parts import (
    AppId,
    Consent,
    Count,
    Country,
    Currency,
    Day,
    Id,
    Identity,
    LongText,
    Micros,
    RateE9,
    Seconds,
    Text,
    TimeMs,
)


class Event(Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """What every event says. `event_id` decides what is a duplicate; content never does."""

    event_id: Id
    app_id: AppId
    event_time: TimeMs
    schema_version: Literal[1]
    environment: Literal["production", "sandbox"] = "production"
    source: Literal["sdk", "s2s", "network", "store"] = "sdk"


class DeviceEvent(Event, frozen=True, kw_only=True, gc=False):
    """An event that knows something of a device. Identifiers are pseudonymised at intake."""

    gaid: Id | None = None
    idfa: Id | None = None
    idfv: Id | None = None
    oaid: Id | None = None
    ip: Text | None = None
    user_agent: Text | None = None
    platform: Literal["android", "ios", "other"] | None = None
    os_version: Text | None = None
    app_version: Text | None = None
    country_code: Country | None = None
    att_status: Annotated[int, Meta(ge=0, le=3)] | None = None
    limit_ad_tracking: bool | None = None
    consent: Consent | None = None
    customer_user_id: Id | None = None


class Touchpoint(DeviceEvent, frozen=True, kw_only=True, gc=False, tag="touchpoint"):
    """A click on, or a view of, an advertisement."""

    touch_type: Literal["click", "impression"]
    touch_id: Id
    media_source: Id
    channel: Text | None = None
    campaign_id: Text | None = None
    campaign_name: Text | None = None
    adset_id: Text | None = None
    ad_id: Text | None = None
    site_id: Text | None = None
    sub_site_id: Text | None = None
    keyword: Text | None = None
    is_retargeting: bool = False
    click_lookback_s: Seconds | None = None
    view_lookback_s: Seconds | None = None
    cost_model: Literal["cpc", "cpi", "cpm", "cpa"] | None = None
    cost_micros: Micros | None = None
    cost_currency: Currency | None = None
    signature: (
        Annotated[
            str,
            Meta(
                max_length=1024,
                description="HMAC-SHA256 in hexadecimal, with the secret of the media source, of"
                " event_id, app_id, touch_id, touch_type, event_time, media_source, campaign_id"
                " and site_id, one a line; what is absent is an empty line",
            ),
        ]
        | None
    ) = None
    is_restricted: bool = False


class AdServices(Struct, frozen=True, kw_only=True, gc=False):
    """Apple AdServices attribution payload."""

    attribution: bool
    org_id: int | None = None
    campaign_id: int | None = None
    ad_group_id: int | None = None
    keyword_id: int | None = None
    ad_id: int | None = None
    country_or_region: Text | None = None
    conversion_type: Literal["Download", "Redownload"] | None = None
    claim_type: Literal["Click", "Impression"] | None = None
    click_time: TimeMs | None = None
    impression_time: TimeMs | None = None


class Install(DeviceEvent, frozen=True, kw_only=True, gc=False, tag="install"):
    """First open of the app. `event_time` is the install time, as measurement partners count."""

    install_id: Id
    click_id: Id | None = None
    install_referrer: LongText | None = None
    referrer_click_time_s: Seconds | None = None
    referrer_click_time_server_s: Seconds | None = None
    install_begin_time_s: Seconds | None = None
    install_begin_time_server_s: Seconds | None = None
    install_finish_time_s: Seconds | None = None
    install_version: Text | None = None
    store: Text | None = None
    is_reinstall: bool | None = None
    adservices_token: LongText | None = None
    adservices: AdServices | None = None
    sdk_signature_valid: bool | None = None


class Session(DeviceEvent, frozen=True, kw_only=True, gc=False, tag="session"):
    install_id: Id
    session_id: Id
    duration_ms: Count | None = None
    deeplink_url: LongText | None = None
    touch_id: Id | None = None


class InAppEvent(DeviceEvent, frozen=True, kw_only=True, gc=False, tag="in_app_event"):
    install_id: Id
    name: Id
    value_json: LongText | None = None


class PaymentEvent(DeviceEvent, frozen=True, kw_only=True, gc=False):
    """Money. Known by its own id for ever; the payer is an install, an account, or both."""

    install_id: Id | None = None
    amount_micros: Micros
    currency: Currency


class StoreTransaction(PaymentEvent, frozen=True, kw_only=True, gc=False):
    """What a store sold, with what the store and the state took of it."""

    transaction_id: Id
    original_transaction_id: Id | None = None
    product_id: Text | None = None
    quantity: Count = 1
    net_micros: Micros | None = None
    store_fee_micros: Micros | None = None
    tax_micros: Micros | None = None
    receipt_status: Literal["valid", "invalid", "pending", "unchecked"] = "unchecked"


class Purchase(StoreTransaction, frozen=True, kw_only=True, gc=False, tag="purchase"):
    """Something bought once."""


class Subscription(StoreTransaction, frozen=True, kw_only=True, gc=False, tag="subscription"):
    """A step in the life of a subscription; most cost nothing."""

    kind: Literal[
        "trial_start",
        "start",
        "renewal",
        "recovery",
        "grace",
        "billing_retry",
        "expire",
        "cancel",
        "product_change",
    ]
    period_start_time: TimeMs | None = None
    period_end_time: TimeMs | None = None
    is_trial: bool = False
    offer_id: Text | None = None


class Refund(PaymentEvent, frozen=True, kw_only=True, gc=False, tag="refund"):
    """Takes money back (negative), or gives it again when a refund is reversed (positive)."""

    refund_id: Id
    transaction_id: Id
    kind: Literal["refund", "chargeback", "reversed"] = "refund"
    reason: Text | None = None


class AdRevenue(PaymentEvent, frozen=True, kw_only=True, gc=False, tag="ad_revenue"):
    impression_id: Id
    mediation_network: Text | None = None
    monetization_network: Text | None = None
    ad_unit: Text | None = None
    ad_format: Text | None = None
    placement: Text | None = None
    precision: Literal["exact", "estimated", "publisher_defined", "undisclosed"] = "undisclosed"


class Cost(Event, frozen=True, kw_only=True, gc=False, tag="cost"):
    """Spend of one day in one place. A higher revision of the same dimensions replaces the whole
    line; one with amount 0 takes it back. Of equal revisions the later event_time counts."""

    date: Day
    timezone: Text = "UTC"
    media_source: Id
    channel: Text | None = None
    campaign_id: Text | None = None
    campaign_name: Text | None = None
    adset_id: Text | None = None
    ad_id: Text | None = None
    site_id: Text | None = None
    country_code: Country | None = None
    platform: Literal["android", "ios", "other"] | None = None
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
    """OpenDSR-shaped request of a data subject."""

    subject_request_id: Id
    request_type: Literal["erasure", "access", "opt_out"]
    identities: Annotated[list[Identity], Meta(min_length=1, max_length=64)]
    submitted_time: TimeMs


InputEvent = (
    Touchpoint
    | Install
    | Session
    | InAppEvent
    | Purchase
    | Subscription
    | Refund
    | AdRevenue
    | Cost
    | ExchangeRate
    | SkanPostback
    | AakPostback
    | PrivacyRequest
)

TYPES_BY_TOPIC: dict[str, tuple[type[InputEvent], ...]] = {
    topics.TOUCHPOINTS.name: (Touchpoint,),
    topics.INSTALLS.name: (Install,),
    topics.ACTIVITY.name: (Session, InAppEvent),
    topics.PAYMENTS.name: (Purchase, Subscription, Refund, AdRevenue),
    topics.COSTS.name: (Cost, ExchangeRate),
    topics.POSTBACKS.name: (SkanPostback, AakPostback),
    topics.PRIVACY_REQUESTS.name: (PrivacyRequest,),
}


def type_name(event_type: type[InputEvent]) -> str:
    """The value of `type` that names this struct on the wire."""
    return str(event_type.__struct_config__.tag)


TYPES: dict[tuple[str, int], type[InputEvent]] = {
    (type_name(event_type), 1): event_type
    for event_types in TYPES_BY_TOPIC.values()
    for event_type in event_types
}
TOPIC_OF_TYPE: dict[type[InputEvent], str] = {
    event_type: topic for topic, event_types in TYPES_BY_TOPIC.items() for event_type in event_types
}
