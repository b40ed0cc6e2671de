"""Checks signatures of touchpoints and the form of advertising ids.

A media source with a secret signs each touchpoint: `signature` is the HMAC-SHA256 (RFC 2104) of
`_signed_text` in UTF-8, as 64 hexadecimal digits. A fault becomes a flag and never a rejection: the
fraud rules decide what follows from it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

from schemas.events import DeviceEvent, Install, Touchpoint
from schemas.ids import normal_device_id
from schemas.records import Flag
from schemas.time import LogMs, Millis

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch


class Signatures:
    """Secrets by media source. Sources without a secret need no signature."""

    def __init__(self, secrets: Mapping[str, bytes], age_ms_max: Millis) -> None:
        self._secrets = secrets
        self._age_ms_max = age_ms_max

    def flags(self, event: Touchpoint, ts: LogMs) -> int:
        """Bits of `Flag` for a touchpoint logged at `ts`."""
        if not self._secrets:
            return 0
        secret = self._secrets.get(event.media_source)
        if secret is None:
            return 0
        if not event.signature:
            return Flag.SIGNATURE_MISSING.value
        expected = sign(event, secret)
        if not hmac.compare_digest(expected, event.signature.lower().encode()):
            return Flag.SIGNATURE_INVALID.value
        if ts - LogMs(event.event_time) > self._age_ms_max:
            return Flag.SIGNATURE_STALE.value
        return 0


def _signed_text(event: Touchpoint) -> str | None:
    """Eight lines, without a final line break; a missing field is an empty line.

    None: a value contains a line break. It cannot be signed, as lines could change places.
    """
    values = (
        event.event_id,
        event.app_id,
        event.touch_id,
        event.touch_type,
        str(event.event_time),
        event.media_source,
        event.campaign_id or "",
        event.site_id or "",
    )
    text = "\n".join(values)
    return text if text.count("\n") == len(values) - 1 else None


def sign(event: Touchpoint, secret: bytes) -> bytes:
    """The expected signature; empty, which no signature equals, if the event cannot be signed."""
    text = _signed_text(event)
    return hmac.digest(secret, text.encode(), "sha256").hex().encode() if text else b""


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
