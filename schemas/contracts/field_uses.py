"""How every field of an event is used: stored, decisive, or ignored, and then why.

The list is complete, a test compares it with the structs, the tables and the code that decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple


class FieldUse(Enum):
    STORED = "stored"  # in columns of tables
    DECIDES = "decides"  # it changes what is counted, matched or credited
    IGNORED = "ignored"


class UsedField(NamedTuple):
    """A field by the struct that declares it, and its columns, its effect, or why it has none."""

    owner: str
    field: str
    use: FieldUse
    detail: str


_STORED: Mapping[str, Mapping[str, str]] = {
    "DeviceEvent": {
        "platform": "touches, attributions",
        "os_version": "touches, attributions",
        "device_model": "touches, attributions",
        "app_version": "touches, attributions",
        "country_code": "touches, attributions",
    },
    "Touchpoint": {
        "campaign_name": "touches, attributions",
        "adset_id": "touches, attributions",
        "adset_name": "touches, attributions",
        "ad_id": "touches, attributions",
        "ad_name": "touches, attributions",
        "sub_site_id": "touches, attributions",
        "cost_model": "touches",
        "cost_micros": "touches",
        "cost_currency": "touches",
        "is_restricted": "touches, attributions",
    },
    "Install": {"install_version": "attributions", "store": "attributions"},
    "StoreTransaction": {"product_id": "revenue", "quantity": "revenue", "net_micros": "revenue"},
    "Subscription": {
        "period_start_time": "revenue",
        "period_end_time": "revenue",
        "offer_id": "revenue",
    },
    "AdRevenue": {
        "mediation_network": "revenue",
        "monetization_network": "revenue",
        "ad_unit": "revenue",
        "ad_format": "revenue",
        "placement": "revenue",
        "precision": "revenue",
    },
    "Cost": {
        "campaign_name": "spend",
        "impressions": "spend",
        "clicks": "spend",
        "installs": "spend",
        "amount_micros": "spend",
        "currency": "spend",
    },
    "ExchangeRate": {"rate_e9": "rates", "rate_source": "rates"},
    "PrivacyRequest": {"submitted_time": "privacy_rows"},
    "ExperimentOrder": {
        "order_id": "experiment_orders",
        "kind": "experiment_orders",
        "experiment_id": "experiment_orders",
        "definition": "experiment_orders",
        "variant": "experiment_orders",
        "ordered_by": "experiment_orders",
        "reason": "experiment_orders",
        "evidence": "experiment_orders",
    },
    "ExperimentExposure": {
        "experiment_id": "experiment_exposures",
        "variant": "experiment_exposures",
    },
    "SkanPostback": {"body": "postback_rows"},
    "AakPostback": {"body": "postback_rows"},
}
"""Tables by field; the column has the name of the field."""

_STORED_UNDER_ANOTHER_NAME: Mapping[tuple[str, str], str] = {
    ("StoreTransaction", "store_fee_micros"): "revenue.fee_micros",
    ("StoreTransaction", "tax_micros"): "revenue.tax_micros",
    ("AdServices", "campaign_id"): "attributions.campaign_id",
    ("AdServices", "ad_group_id"): "attributions.adset_id",
    ("AdServices", "keyword_id"): "attributions.keyword",
    ("AdServices", "ad_id"): "attributions.ad_id",
    ("AdServices", "country_or_region"): "attributions.country_code",
    ("PrivacyRequest", "request_type"): "privacy_rows.request_type",
    ("ExperimentOrder", "share"): "experiment_orders.ramp_share",
}

_DEVICE_ID = "joins touchpoints, installs and accounts"
_LINE = "tells lines of a report apart"
_TIME_OF_STORE = "corrects the clock of the device, and shows injected clicks"

_DECIDES: Mapping[str, Mapping[str, str]] = {
    "Event": {
        "event_id": "what is a repeat",
        "app_id": "what every id is unique within",
        "event_time": "when it happened",
        "schema_version": "how the event is read",
        "environment": "whether it counts",
        "sent_time": "corrects the clock of the device",
    },
    "DeviceEvent": {
        "gaid": _DEVICE_ID,
        "idfa": _DEVICE_ID,
        "idfv": _DEVICE_ID,
        "oaid": _DEVICE_ID,
        "ip": "likeness, where probabilistic matching is on",
        "user_agent": "likeness, where probabilistic matching is on",
        "att_status": "which ids and likeness may be used",
        "limit_ad_tracking": "which ids and likeness may be used",
        "consent": "which ids and likeness may be used",
        "customer_user_id": "whose money it is",
    },
    "Consent": {
        "data_usage": "which ids and likeness may be used",
        "ads_personalization": "which ids and likeness may be used",
        "ad_storage": "which ids and likeness may be used",
    },
    "Touchpoint": {
        "touch_type": "clicks come before impressions",
        "touch_id": "joins the click and the install",
        "media_source": "who gets the credit, and under which rules",
        "channel": "owned media are judged by rules of their own",
        "campaign_id": "rules of campaigns",
        "site_id": "fraud is judged by site",
        "keyword": "a search shows intent",
        "is_retargeting": "re-engagement",
        "click_lookback_s": "how long a click counts",
        "view_lookback_s": "how long an impression counts",
        "signature": "whether the sender is who it claims to be",
    },
    "Install": {
        "install_id": "which journey",
        "click_id": "joins the click and the install",
        "install_referrer": "names the click",
        "referrer_click_time_s": _TIME_OF_STORE,
        "referrer_click_time_server_s": _TIME_OF_STORE,
        "install_begin_time_s": _TIME_OF_STORE,
        "install_begin_time_server_s": _TIME_OF_STORE,
        "adservices": "the click that Apple names",
        "sdk_signature_valid": "whether the install is real",
    },
    "AdServices": {
        "attribution": "whether Apple names a click",
        "org_id": "Apple's test payload is a test install",
        "conversion_type": "re-engagement",
        "claim_type": "click or impression",
        "click_time": "when it happened",
        "impression_time": "when it happened",
    },
    "Session": {"install_id": "which journey", "touch_id": "the click that brought the user back"},
    "InAppEvent": {"install_id": "which journey", "name": "features and milestones"},
    "ExperimentExposure": {"install_id": "which journey"},
    "PaymentEvent": {
        "install_id": "whose money it is",
        "amount_micros": "how much",
        "currency": "how much",
    },
    "StoreTransaction": {
        "amount_micros": "how much",
        "currency": "how much",
        "transaction_id": "which transaction",
        "original_transaction_id": "restored purchases count once",
        "receipt_status": "whether it counts",
    },
    "Subscription": {
        "kind": "which step of the transaction",
        "is_trial": "a start that is one is free",
    },
    "Refund": {
        "refund_id": "which refund",
        "transaction_id": "which transaction",
        "kind": "which step of the transaction",
    },
    "AdRevenue": {
        "impression_id": "which impression",
        "amount_micros": "how much",
        "currency": "how much",
    },
    "Cost": {
        "date": _LINE,
        "timezone": _LINE,
        "media_source": _LINE,
        "channel": _LINE,
        "campaign_id": _LINE,
        "adset_id": _LINE,
        "ad_id": _LINE,
        "site_id": _LINE,
        "country_code": _LINE,
        "platform": _LINE,
        "revision": "the highest counts",
    },
    "ExchangeRate": {
        "app_id": "nothing: rates hold for all apps, and the field may be left out",
        "date": "from when the rate holds",
        "base_currency": "which pair",
        "quote_currency": "which pair",
        "revision": "the highest counts",
    },
    "PrivacyRequest": {
        "subject_request_id": "which request",
        "identities": "whom it is about",
    },
    "Identity": {
        "identity_type": "which id",
        "identity_value": "whom it is about",
        "identity_format": "only raw ids can be found",
    },
}

_IGNORED: Mapping[str, Mapping[str, str]] = {
    "Event": {"source": "what a sender claims to be is no evidence; signatures are"},
    "Consent": {
        "gdpr_applies": "what is forbidden is forbidden, whichever law says so",
    },
    "Install": {
        "install_finish_time_s": "the begin of the download and the first open enclose it",
        "is_reinstall": "the history of the device decides, and a claim could not be checked",
        "adservices_token": "Apple's answer to it is adservices; nothing here asks Apple",
    },
    "Session": {
        "session_id": "event_id tells one session from another",
        "duration_ms": "a session counts by its begin; long ones are no more active",
        "deeplink_url": "it may name the user; touch_id says what brought the user back",
    },
    "InAppEvent": {
        "value_json": "its meaning is the app's own; money has types of its own, and what is"
        " counted of events is their name"
    },
    "Refund": {"reason": "free text of the store, which no two word alike"},
}


def used_fields() -> Iterator[UsedField]:
    """Every field of every event, in no particular order."""
    for owner, tables in _STORED.items():
        for field, names in tables.items():
            columns = ", ".join(f"{table}.{field}" for table in names.split(", "))
            yield UsedField(owner, field, FieldUse.STORED, columns)
    for (owner, field), column in _STORED_UNDER_ANOTHER_NAME.items():
        yield UsedField(owner, field, FieldUse.STORED, column)
    for use, listed in ((FieldUse.DECIDES, _DECIDES), (FieldUse.IGNORED, _IGNORED)):
        for owner, fields in listed.items():
            for field, detail in fields.items():
                yield UsedField(owner, field, use, detail)
