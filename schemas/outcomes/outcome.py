"""What every outcome has, and the descriptions of fields that mean the same in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, json

Environment = Literal["production", "sandbox"]


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    schema_version: int = 1
    """Version of the layout of this message."""


SHARED_DESCRIPTIONS: Mapping[str, str] = {
    "ad_id": "Ad.",
    "ad_name": "Name of the ad.",
    "adset_id": "Ad set.",
    "adset_name": "Name of the ad set.",
    "app_version": "Version of the app that the event came from.",
    "campaign_id": "Campaign.",
    "campaign_name": "Name of the campaign.",
    "channel": "Channel within the media source.",
    "country_code": "Country, ISO 3166-1 alpha-2.",
    "currency": "Currency, ISO 4217.",
    "device_model": "Model of the device.",
    "environment": "production, or sandbox: a test, which no view counts.",
    "install_time": "First open of the install, as the producer reported it.",
    "is_restricted": "Whether the network forbids to show its name for single users.",
    "keyword": "Search term that the ad was shown for.",
    "os_version": "Version of the operating system.",
    "platform": "ios, android or other.",
    "reported_time": "When it happened, as the producer said; 0 (1970-01-01): as event_time.",
    "site_id": "Site or app that showed the ad.",
    "source_offset": "Offset of that event.",
    "source_partition": "Partition of that event.",
    "source_topic": "Topic of the event that caused this row.",
    "sub_site_id": "Part of the site, or the publisher behind it.",
    "time_correction": "Why the time differs from the reported one; empty when it does not.",
}
"""Descriptions of fields that have none of their own where they are declared."""


def is_time_field(name: str) -> bool:
    """Whether an integer field of this name is a moment: milliseconds since 1970, UTC."""
    return name.endswith(("_time", "_at")) or name == "deadline"


outcome_encoder = json.Encoder()
