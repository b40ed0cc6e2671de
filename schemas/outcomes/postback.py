"""Postbacks of Apple's ad networks, checked and decoded."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Outcome


class PostbackRow(Outcome, frozen=True, kw_only=True, gc=False):
    """What Apple reports of one conversion. Aggregate only: never joined to a device.

    Every copy gives a row. Only `valid` ones count, each `postback_id` once: the copy with the
    least (event_time, event_id). The rest is what unchecked senders claim.
    """

    postback_id: str  # what the signature covers; of one that is not valid a hash of its bytes
    event_id: str
    app_id: str
    framework: Literal["skadnetwork", "adattributionkit"]
    version: str  # of SKAdNetwork
    ad_network_id: str
    transaction_id: str  # AdAttributionKit: postback-identifier
    sequence_index: int  # 0: days 0-2, 1: days 3-7, 2: days 8-35; -1: not told
    store_app_id: int  # number of the advertised app in the store; -1: not told
    source_identifier: str  # 2 to 4 digits
    campaign_id: int  # before SKAdNetwork 4 instead of it, 1 to 100; -1: not told
    source_app_id: int  # app that showed the ad; -1: not told
    source_domain: str  # web site that showed the ad
    did_win: bool
    conversion_type: str  # download, redownload or re-engagement
    interaction: str  # view or click
    impression_type: str
    marketplace_id: str
    country_code: str
    conversion_value: int  # 0 to 63; -1: none
    coarse_value: str  # low, medium or high
    conversion_state: Literal["none", "decoded", "undecoded", "malformed"]
    conversion_events: list[str]  # what the value stands for
    revenue_min_micros: int
    revenue_max_micros: int
    currency: str  # "" when the value stands for no money
    conversion_schema: str  # hash of the rules that decoded the value
    unsigned_fields: list[str]  # fields above that no signature covers
    signature_state: Literal["valid", "invalid", "unverifiable"]
    signature_reason: str  # code of why it is not valid
    key_id: str  # key that the postback names, or that verified it
    body: str
    event_time: int
    source_topic: str
    source_partition: int
    source_offset: int
