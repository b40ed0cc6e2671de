"""What a postback says, whichever framework sent it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from attribution.postbacks.signature_verdict import SignatureVerdict

Framework = Literal["skadnetwork", "adattributionkit"]
FINE_VALUE_MAX = 63
COARSE_VALUES = ("low", "medium", "high")
NO_NUMBER = -1


@dataclass(frozen=True, slots=True)
class ConversionValue:
    """What the advertised app told of its user, in six bits or three words. Never signed."""

    fine: int = NO_NUMBER
    coarse: str = ""
    is_malformed: bool = False  # there was a value that cannot be one


@dataclass(frozen=True, slots=True, kw_only=True)
class Postback:
    """Texts are empty and numbers -1 where the postback does not tell."""

    framework: Framework
    verdict: SignatureVerdict
    version: str = ""
    ad_network_id: str = ""
    transaction_id: str = ""  # AdAttributionKit: postback-identifier
    sequence_index: int = NO_NUMBER  # of up to three: days 0–2, 3–7, 8–35 after the install
    store_app_id: int = NO_NUMBER  # the advertised app's number in the store
    source_identifier: str = ""  # 2 to 4 digits
    campaign_id: int = NO_NUMBER  # before SKAdNetwork 4 instead of it, 1 to 100
    source_app_id: int = NO_NUMBER  # the app that showed the ad
    source_domain: str = ""
    did_win: bool = False
    conversion_type: str = ""  # download, redownload or re-engagement
    interaction: str = ""  # view or click
    impression_type: str = ""
    marketplace_id: str = ""
    country_code: str = ""
    value: ConversionValue = ConversionValue()
    unsigned: tuple[str, ...] = ()  # which of these fields anybody could have written


def postback_id(postback: Postback, body: str) -> str:
    """Names a postback by what its signature covers.

    One that is not valid is named by its bytes: a forgery must not take the place of the real one.
    """
    state = postback.verdict.state
    if state != "valid":
        digest = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
        return f"{postback.framework}:{state}:{digest}"
    place = f"{postback.framework}:{postback.sequence_index}:{postback.ad_network_id}"
    return f"{place}:{postback.transaction_id}"


def conversion_value(fields: dict[str, Any]) -> ConversionValue:
    """`conversion-value` (0 to 63) and `coarse-conversion-value` (low, medium, high)."""
    fine, coarse = fields.get("conversion-value"), fields.get("coarse-conversion-value")
    if fine is not None and (type(fine) is not int or not 0 <= fine <= FINE_VALUE_MAX):
        return ConversionValue(is_malformed=True)
    if coarse is not None and (type(coarse) is not str or coarse not in COARSE_VALUES):
        return ConversionValue(is_malformed=True)
    return ConversionValue(NO_NUMBER if fine is None else fine, coarse or "")
