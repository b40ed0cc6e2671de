"""Checks signatures of touchpoints and the form of advertising ids.

A media source with a secret signs each touchpoint: `signature` is `v2:` and the HMAC-SHA256 (RFC
2104) of `_signed_text` in UTF-8, as 64 hexadecimal digits. It covers every field that decides, as
the source sent it: otherwise one signed click could be sent again for other devices, with longer
windows or at another price. A fault becomes a flag and never a rejection: the fraud rules decide
what follows.

Signatures without `v2:` cover eight fields only. They hold until a date, are flagged and counted.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

from schemas.events import DeviceEvent, Install, Touchpoint
from schemas.ids import normal_device_id
from schemas.records import Flag
from schemas.time import LogMs, Millis

VERSION_2 = "v2:"
TOUCHPOINT_SIGNED_FIELDS = (
    *("ad_id", "adset_id", "app_id", "att_status", "campaign_id", "channel", "click_lookback_s"),
    *("consent", "cost_currency", "cost_micros", "cost_model", "country_code", "customer_user_id"),
    *("environment", "event_id", "event_time", "gaid", "idfa", "idfv", "ip", "is_restricted"),
    *("is_retargeting", "keyword", "limit_ad_tracking", "media_source", "oaid", "os_version"),
    *("platform", "sent_time", "site_id", "sub_site_id", "touch_id", "touch_type", "user_agent"),
    "view_lookback_s",
)
"""Fields that a signature of version 2 covers, in the order in which they are signed."""
_VERSION_1_FIELDS = (
    *("event_id", "app_id", "touch_id", "touch_type", "event_time", "media_source"),
    *("campaign_id", "site_id"),
)
_SIGNED_CONSENT = ("ad_storage", "ads_personalization", "data_usage", "gdpr_applies")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch


class SignatureRules(Struct, frozen=True, gc=False):
    """Secrets by media source, and how long what they sign holds. Sources without a secret need
    no signature."""

    secrets: Mapping[str, bytes]
    age_ms_max: Millis
    version_1_until: LogMs  # log time from which signatures of version 1 are invalid


class Signatures:
    """Checks the signatures of touchpoints."""

    def __init__(self, rules: SignatureRules) -> None:
        self._rules = rules

    def flags(self, event: Touchpoint, ts: LogMs, raw: bytes) -> int:
        """Bits of `Flag` for a touchpoint logged at `ts`; `raw` is the message as it was sent."""
        rules = self._rules
        if not rules.secrets or (secret := rules.secrets.get(event.media_source)) is None:
            return 0
        if not event.signature:
            return Flag.SIGNATURE_MISSING.value
        # As it was sent: decoding leaves out what is no id, and corrects times.
        message: dict[str, Any] = orjson.loads(raw)
        signature, old = event.signature.strip().lower(), 0
        if signature.startswith(VERSION_2):
            signature = signature[len(VERSION_2) :]
            text = _signed_text(message)
        elif ts < rules.version_1_until:
            text = _version_1_text(message)
            old = Flag.SIGNATURE_OLD.value
        else:
            return Flag.SIGNATURE_INVALID.value
        if not hmac.compare_digest(_digest(text, secret), signature.encode()):
            return Flag.SIGNATURE_INVALID.value
        if ts - message["event_time"] > rules.age_ms_max:
            return old | Flag.SIGNATURE_STALE.value
        return old


def _signed_text(message: Mapping[str, Any]) -> str | None:
    """`v2`, and `name=value` for each signed field that the message has, one a line, without a
    final line break. Values are as sent; `null` is absent; flags are `true` and `false`.

    None: a value contains a line break, or is neither text, integer nor flag. It cannot be signed.
    """
    lines = ["v2"]
    for name in TOUCHPOINT_SIGNED_FIELDS:
        value = message.get(name)
        if name == "consent" and isinstance(value, dict):
            parts = [(f"consent.{part}", value.get(part)) for part in _SIGNED_CONSENT]
        else:
            parts = [(name, value)]
        for path, leaf in parts:
            if leaf is None:
                continue
            text = _signed_value(leaf)
            if text is None or "\n" in text:
                return None
            lines.append(f"{path}={text}")
    return "\n".join(lines)


def _signed_value(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _version_1_text(message: Mapping[str, Any]) -> str | None:
    """Eight lines, without a final line break; a missing field is an empty line.

    None: a value contains a line break. It cannot be signed, as lines could change places.
    """
    text = "\n".join(str(message.get(name) or "") for name in _VERSION_1_FIELDS)
    return text if text.count("\n") == len(_VERSION_1_FIELDS) - 1 else None


def _digest(text: str | None, secret: bytes) -> bytes:
    """The expected signature; empty, which no signature equals, if the event cannot be signed."""
    if text is None:
        return b""
    return hmac.digest(secret, text.encode(), "sha256").hex().encode()


def id_flags(event: DeviceEvent) -> int:
    """Flag advertising ids of Google and Apple that are no UUIDs. OAID and IDFV have other
    forms."""
    for device_id in (event.gaid, event.idfa):
        if device_id is not None and not _UUID(normal_device_id(device_id)):
            return Flag.MALFORMED_ID.value
    return 0


def install_flags(event: Install) -> int:
    """Flags of an install: the SDK found its own signature wrong, or an id is malformed."""
    is_forged = event.sdk_signature_valid is False
    return id_flags(event) | (Flag.SIGNATURE_INVALID.value if is_forged else 0)
