"""First opens of an app."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from schemas.events.event import DeviceEvent
from schemas.parts import (
    Descriptive,
    EpochSeconds,
    Id,
    LongText,
    NormalId,
    Text,
    TimeMs,
)

_APPLE_TEST_ID = 1_234_567_890


class AdServices(Struct, frozen=True, kw_only=True, gc=False):
    """Apple AdServices attribution payload."""

    attribution: bool
    org_id: int | None = None
    campaign_id: int | None = None
    ad_group_id: int | None = None
    keyword_id: int | None = None
    ad_id: int | None = None
    country_or_region: Descriptive[Text] | None = None
    conversion_type: Literal["Download", "Redownload"] | None = None
    claim_type: Literal["Click", "Impression"] | None = None
    click_time: TimeMs | None = None
    impression_time: TimeMs | None = None

    @property
    def is_test(self) -> bool:
        """Whether this is the payload that Apple gives to apps that are not from its store: every
        id of the campaign is the same number, that of its documentation."""
        ids = {self.org_id, self.campaign_id, self.ad_group_id} - {None}
        return ids == {_APPLE_TEST_ID}


class Install(DeviceEvent, frozen=True, kw_only=True, gc=False, tag="install"):
    """First open of the app. `event_time` is the install time, as measurement partners count."""

    install_id: NormalId
    click_id: Id | None = None
    install_referrer: LongText | None = None
    referrer_click_time_s: Descriptive[EpochSeconds] | None = None
    referrer_click_time_server_s: Descriptive[EpochSeconds] | None = None
    install_begin_time_s: Descriptive[EpochSeconds] | None = None
    install_begin_time_server_s: Descriptive[EpochSeconds] | None = None
    install_finish_time_s: Descriptive[EpochSeconds] | None = None
    install_version: Descriptive[Text] | None = None
    store: Descriptive[Text] | None = None
    is_reinstall: bool | None = None
    adservices_token: Descriptive[LongText] | None = None
    adservices: AdServices | None = None
    sdk_signature_valid: bool | None = None
