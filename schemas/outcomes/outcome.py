"""What every outcome has, and the descriptions of fields that mean the same in all of them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, json


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    schema_version: int = 1
    """Version of the layout of this message."""


SHARED_DESCRIPTIONS: Mapping[str, str] = {
    "ad_id": "Ad.",
    "adset_id": "Ad set.",
    "campaign_id": "Campaign.",
    "campaign_name": "Name of the campaign.",
    "channel": "Channel within the media source.",
    "country_code": "Country, ISO 3166-1 alpha-2.",
    "currency": "Currency, ISO 4217.",
    "install_time": "First open of the install, as the producer reported it.",
    "platform": "ios, android or other.",
    "site_id": "Site or app that showed the ad.",
    "source_offset": "Offset of that event.",
    "source_partition": "Partition of that event.",
    "source_topic": "Topic of the event that caused this row.",
}
"""Descriptions of fields that have none of their own where they are declared."""


def is_time_field(name: str) -> bool:
    """Whether an integer field of this name is a moment: milliseconds since 1970, UTC."""
    return name.endswith(("_time", "_at")) or name == "deadline"


outcome_encoder = json.Encoder()
