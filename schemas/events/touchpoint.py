"""Ad clicks and impressions."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.events.event import DeviceEvent
from schemas.parts import (
    Currency,
    Descriptive,
    Id,
    LookbackSeconds,
    Micros,
    NameText,
    Text,
)


class Touchpoint(DeviceEvent, frozen=True, kw_only=True, gc=False, tag="touchpoint"):
    """A click on, or a view of, an advertisement."""

    touch_type: Literal["click", "impression"]
    touch_id: Id
    media_source: NameText
    channel: Descriptive[Text] | None = None
    campaign_id: Text | None = None
    campaign_name: Descriptive[Text] | None = None
    adset_id: Text | None = None
    adset_name: Descriptive[Text] | None = None
    ad_id: Text | None = None
    ad_name: Descriptive[Text] | None = None
    site_id: Text | None = None
    sub_site_id: Text | None = None
    keyword: Descriptive[Text] | None = None
    is_retargeting: bool = False
    click_lookback_s: LookbackSeconds | None = None
    view_lookback_s: LookbackSeconds | None = None
    cost_model: Descriptive[Literal["cpc", "cpi", "cpm", "cpa"]] | None = None
    cost_micros: Micros | None = None
    cost_currency: Currency | None = None
    signature: (
        Annotated[
            str,
            Meta(
                max_length=1024,
                description="`v2:` and the HMAC-SHA256 in hexadecimal, with the secret of the media"
                " source, of the fields that decide, one `name=value` a line; see the README",
            ),
        ]
        | None
    ) = None
    is_restricted: bool = False
