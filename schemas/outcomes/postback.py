"""Postbacks of Apple's ad networks, checked and decoded."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Environment, Outcome
from schemas.time import EventMs


class PostbackRow(Outcome, frozen=True, kw_only=True, gc=False):
    """Apple's report of one conversion. It is aggregate only, and never joined to a device.

    Every copy gives a row. Only copies with a valid signature count, and each `postback_id` once:
    the copy with the least (event_time, event_id). The other rows are claims of unverified senders.
    """

    postback_id: str
    """Id of the postback: what the signature covers, so that every copy has the same; for an
    invalid copy a hash of its bytes."""
    event_id: str
    """Id of the event that brought this copy."""
    app_id: str
    """App that was advertised, as the producer reported it."""
    framework: Literal["skadnetwork", "adattributionkit"]
    """skadnetwork or adattributionkit."""
    version: str
    """Version of SKAdNetwork; empty for AdAttributionKit."""
    ad_network_id: str
    """Ad network, by its registration with Apple."""
    transaction_id: str
    """Id that Apple gave the postback; for AdAttributionKit its postback-identifier."""
    sequence_index: int
    """Which of up to three postbacks this is: 0 for days 0-2, 1 for days 3-7, 2 for days 8-35;
    -1: not stated."""
    store_app_id: int
    """Number of the advertised app in the store; -1: not stated."""
    source_identifier: str
    """Campaign, as 2 to 4 digits; empty before SKAdNetwork 4."""
    campaign_id: int
    """Campaign before SKAdNetwork 4, from 1 to 100; -1: not stated."""
    source_app_id: int
    """Number of the app that showed the ad; -1: not stated."""
    source_domain: str
    """Web site that showed the ad."""
    did_win: bool
    """Whether the network won the conversion."""
    conversion_type: str
    """download, redownload or re-engagement."""
    interaction: str
    """view or click; empty: not stated."""
    impression_type: str
    """Kind of advertisement; AdAttributionKit only."""
    marketplace_id: str
    """Marketplace that the app came from; AdAttributionKit only."""
    country_code: str
    """Country, ISO 3166-1 alpha-2; AdAttributionKit only."""
    conversion_value: int
    """Fine conversion value, from 0 to 63; -1: none."""
    coarse_value: str
    """Coarse conversion value: low, medium or high; empty: none."""
    conversion_state: Literal["none", "decoded", "undecoded", "malformed"]
    """What became of the conversion value: none, decoded, undecoded or malformed."""
    conversion_events: list[str]
    """Events that the conversion value stands for."""
    revenue_min_micros: int
    """Least revenue that the conversion value stands for, in millionths of the currency."""
    revenue_max_micros: int
    """Most revenue that the conversion value stands for, in millionths of the currency."""
    currency: str
    """Currency, ISO 4217; empty when the conversion value stands for no revenue."""
    conversion_schema: str
    """Hash of the rules that decoded the conversion value."""
    unsigned_fields: list[str]
    """Columns of this row that no signature covers: anybody could have written them."""
    signature_state: Literal["valid", "invalid", "unverifiable"]
    """valid, invalid (not signed by Apple) or unverifiable (the key is not known here)."""
    signature_reason: str
    """Code that says why the signature is not valid; empty when it is."""
    key_id: str
    """Key that the postback names, or that verified it."""
    body: str
    """The postback as received, JSON."""
    event_time: EventMs
    """When the postback came in, as the producer reported it."""
    source_topic: str
    source_partition: int
    source_offset: int
    environment: Environment = "production"
