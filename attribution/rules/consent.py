"""What a refusal forbids: one row of the table for each thing that a person can refuse.

The defaults follow the rules of the platforms. Apple (User Privacy and Data Use) forbids tracking
without permission: joining a device with what other companies know of it, by the advertising id or
by likeness. The vendor id is for the apps of one developer, so it stays. Google (Advertising ID)
forbids to use an advertising id to profile or target who limits tracking; it is not used at all
here. Consent by the names of Google's consent mode: without `data_usage` nothing about the person
is compared or predicted, without `ads_personalization` nobody is recognised by likeness, and
without `ad_storage` no advertising id is read. What the user's own store says (referrer,
AdServices) and click ids name an ad and no device: they always decide.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, get_args

from msgspec import Struct

from schemas.events import DeviceEvent

ATT_AUTHORIZED = 3
"""Apple's ATTrackingManager status. Without it Apple forbids tracking."""


class Use(IntEnum):
    """Uses of personal data that a refusal may forbid. Stored as bits: never renumbered."""

    ADVERTISING_ID = 1  # matching by gaid, idfa and oaid
    VENDOR_ID = 2  # matching by idfv
    PROBABILISTIC = 4  # matching by likeness, which needs explicit consent besides
    PREDICTION = 8  # features, predictions and what models learn


UseName = Literal["advertising_id", "vendor_id", "probabilistic", "prediction"]
USE_NAMES: tuple[str, ...] = get_args(UseName)


class ConsentRules(Struct, frozen=True, kw_only=True):
    """The uses that each refusal forbids."""

    att_denied: tuple[UseName, ...] = ("advertising_id", "probabilistic")
    limited_tracking: tuple[UseName, ...] = ("advertising_id", "probabilistic")
    data_usage: tuple[UseName, ...] = (
        "advertising_id", "vendor_id", "probabilistic", "prediction",
    )  # fmt: skip
    ads_personalization: tuple[UseName, ...] = ("probabilistic",)
    ad_storage: tuple[UseName, ...] = ("advertising_id",)


def refusals(event: DeviceEvent) -> list[str]:
    """What the person behind an event refuses, by the names of `ConsentRules`. An answer that is
    missing refuses nothing here; an unknown ATT status comes with no IDFA."""
    refused = []
    if event.att_status is not None and event.att_status != ATT_AUTHORIZED:
        refused.append("att_denied")
    if event.limit_ad_tracking:
        refused.append("limited_tracking")
    if (consent := event.consent) is not None:
        if consent.data_usage is False:
            refused.append("data_usage")
        if consent.ads_personalization is False:
            refused.append("ads_personalization")
        if consent.ad_storage is False:
            refused.append("ad_storage")
    return refused


def forbidden_uses(refused: list[str], rules: ConsentRules) -> int:
    """Bits of `Use` that these refusals forbid together."""
    return sum({Use[name.upper()] for one in refused for name in getattr(rules, one)})
