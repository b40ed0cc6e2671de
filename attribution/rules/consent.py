"""What a refusal forbids: one row of the table for each thing that a person can refuse.

The defaults follow the rules of the platforms. Apple (User Privacy and Data Use) forbids tracking
without permission: joining a device with what other companies know of it, by the advertising id or
by likeness. The vendor id is for the apps of one developer, so it stays. Google (Advertising ID)
forbids to use an advertising id to profile or target who limits tracking; it is not used at all
here. Consent by the names of Google's consent mode: without `data_usage` nothing about the person
is compared or predicted, without `ads_personalization` nobody is recognised by likeness, and
without `ad_storage` no advertising id is read. California (Civil Code 1798.120, 1798.135) forbids
to sell or share what is known of a person who opts out: no advertising id and no likeness joins
that person with what others know, and nobody is profiled; the vendor id stays, as it is shared with
nobody. What the user's own store says (referrer, AdServices) and click ids name an ad and no
device: they always decide.
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


class ConsentRefusal(IntEnum):
    """What a person can refuse, by the names of `ConsentRules`. Bits are never renumbered."""

    ATT_DENIED = 1
    LIMITED_TRACKING = 2
    DATA_USAGE = 4
    ADS_PERSONALIZATION = 8
    AD_STORAGE = 16
    OPT_OUT = 32  # by a privacy request


class ConsentRules(Struct, frozen=True, kw_only=True):
    """The uses that each refusal forbids."""

    att_denied: tuple[UseName, ...] = ("advertising_id", "probabilistic")
    limited_tracking: tuple[UseName, ...] = ("advertising_id", "probabilistic")
    data_usage: tuple[UseName, ...] = (
        "advertising_id", "vendor_id", "probabilistic", "prediction",
    )  # fmt: skip
    ads_personalization: tuple[UseName, ...] = ("probabilistic",)
    ad_storage: tuple[UseName, ...] = ("advertising_id",)
    opt_out: tuple[UseName, ...] = ("advertising_id", "probabilistic", "prediction")


def refusals(event: DeviceEvent) -> int:
    """Bits of `ConsentRefusal` that an event states. An answer that is missing refuses
    nothing here; an unknown ATT status comes with no IDFA."""
    refused = 0
    if event.att_status is not None and event.att_status != ATT_AUTHORIZED:
        refused |= ConsentRefusal.ATT_DENIED
    if event.limit_ad_tracking:
        refused |= ConsentRefusal.LIMITED_TRACKING
    if (consent := event.consent) is not None:
        if consent.data_usage is False:
            refused |= ConsentRefusal.DATA_USAGE
        if consent.ads_personalization is False:
            refused |= ConsentRefusal.ADS_PERSONALIZATION
        if consent.ad_storage is False:
            refused |= ConsentRefusal.AD_STORAGE
    return refused


def forbidden_uses(refused: int, rules: ConsentRules) -> int:
    """Bits of `Use` that these refusals (bits of `ConsentRefusal`) forbid together."""
    forbidden = 0
    for refusal in refusal_names(refused):
        for name in getattr(rules, refusal):
            forbidden |= Use[name.upper()]
    return forbidden


def refusal_names(refused: int) -> list[str]:
    """These refusals, by the names of `ConsentRules`."""
    return [one.name.lower() for one in ConsentRefusal if refused & one]


def use_names(forbidden: int) -> list[str]:
    """These uses, as a rule file names them."""
    return [one.name.lower() for one in Use if forbidden & one]
