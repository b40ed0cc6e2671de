"""The content of a postback, whichever framework sent it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from attribution.postbacks.signature_verdict import SignatureVerdict

Framework = Literal["skadnetwork", "adattributionkit"]
FINE_VALUE_MAX = 63  # six bits, by Apple's definition
COARSE_VALUES = ("low", "medium", "high")
NO_NUMBER = -1  # stored in columns of numbers that a postback may leave out


@dataclass(frozen=True, slots=True)
class ConversionValue:
    """What the advertised app reported of its user: six bits, or one of three words. Never
    signed."""

    fine: int = NO_NUMBER
    coarse: str = ""
    is_malformed: bool = False  # the value is out of range or of another type


@dataclass(frozen=True, slots=True, kw_only=True)
class Postback:
    """One postback. Texts are empty and numbers are -1 if the postback does not contain them."""

    framework: Framework
    verdict: SignatureVerdict
    version: str = ""
    ad_network_id: str = ""
    transaction_id: str = ""  # AdAttributionKit: postback-identifier
    sequence_index: int = NO_NUMBER  # of up to three: days 0–2, 3–7, 8–35 after the install
    store_app_id: int = NO_NUMBER  # number of the advertised app in the store
    source_identifier: str = ""  # 2 to 4 digits
    campaign_id: int = NO_NUMBER  # instead of it before SKAdNetwork 4, 1 to 100
    source_app_id: int = NO_NUMBER  # the app that showed the ad
    source_domain: str = ""
    did_win: bool = False
    conversion_type: str = ""  # download, redownload or re-engagement
    interaction: str = ""  # view or click
    impression_type: str = ""
    marketplace_id: str = ""
    country_code: str = ""
    value: ConversionValue = ConversionValue()
    unsigned: tuple[str, ...] = ()  # fields that no signature covers


def postback_id(postback: Postback, body: str) -> str:
    """The id of a postback, made from fields that its signature covers.

    A postback that is not valid is identified by its bytes, so that a forgery cannot replace the
    real one.
    """
    state = postback.verdict.state
    if state != "valid":
        digest = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
        return f"{postback.framework}:{state}:{digest}"
    network = f"{postback.framework}:{postback.sequence_index}:{postback.ad_network_id}"
    return f"{network}:{postback.transaction_id}"


def conversion_value(fields: dict[str, Any]) -> ConversionValue:
    """Read `conversion-value` (0 to 63) and `coarse-conversion-value` (low, medium or high)."""
    fine, coarse = fields.get("conversion-value"), fields.get("coarse-conversion-value")
    if fine is not None and (type(fine) is not int or not 0 <= fine <= FINE_VALUE_MAX):
        return ConversionValue(is_malformed=True)
    if coarse is not None and (type(coarse) is not str or coarse not in COARSE_VALUES):
        return ConversionValue(is_malformed=True)
    return ConversionValue(NO_NUMBER if fine is None else fine, coarse or "")
