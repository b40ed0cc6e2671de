"""Is a touchpoint signed by the media source it names, and are advertising ids ids at all?

A media source with a secret signs each touchpoint: `signature` is the HMAC-SHA256 (RFC 2104) of
`_signed_text` in UTF-8, as 64 hexadecimal digits. What is wrong becomes a flag, never a refusal:
the fraud rules say what follows.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

from schemas.events import DeviceEvent, Install, Touchpoint
from schemas.records import Flag
from schemas.time import LogMs, Millis
from streams.stages.common.match_keys import ZERO_DEVICE_IDS

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch


class Signatures:
    """Secrets by media source; sources without a secret are not asked for signatures."""

    def __init__(self, secrets: Mapping[str, bytes], age_ms_max: Millis) -> None:
        self._secrets = secrets
        self._age_ms_max = age_ms_max

    def flags(self, event: Touchpoint, ts: LogMs) -> int:
        """Bits of `Flag` for a touchpoint logged at `ts`, in milliseconds."""
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
    """Eight lines without a last line break; what the event does not say is an empty line.

    None: a value that itself has a line break cannot be signed, or lines could change places.
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
    """The right signature; empty, which no signature equals, when there cannot be one."""
    text = _signed_text(event)
    return hmac.digest(secret, text.encode(), "sha256").hex().encode() if text else b""


def id_flags(event: DeviceEvent) -> int:
    """Google's and Apple's advertising ids are UUIDs; OAID and Apple's vendor id may be others."""
    for device_id in (event.gaid, event.idfa):
        if device_id is not None and not _UUID(device_id) and device_id not in ZERO_DEVICE_IDS:
            return Flag.MALFORMED_ID.value
    return 0


def install_flags(event: Install) -> int:
    """What the SDK found wrong with its own signature, and the form of ids."""
    is_forged = event.sdk_signature_valid is False
    return id_flags(event) | (Flag.SIGNATURE_INVALID.value if is_forged else 0)
