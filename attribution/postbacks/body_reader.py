"""Reads the JSON of postbacks strictly, without failing as a whole if a field is wrong.

A field that cannot be read is empty, and the first reason is kept.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

import orjson

from attribution.postbacks.signature_verdict import SignatureReason

BRACKETS_MAX = 32
"""Apple's objects are flat: a body with more brackets was not sent by Apple, and is not parsed."""

WHOLE_MAX = 2**63 - 1
"""Largest number that the integer columns of the warehouse hold."""

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def parse_object(text: str | bytes) -> dict[str, Any] | None:
    """Parse a JSON object without duplicate keys; None for anything else."""
    encoded = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if encoded.count(b"{") + encoded.count(b"[") > BRACKETS_MAX:
        return None
    try:
        # orjson refuses NaN and lone surrogates, but accepts duplicate keys: json finds those.
        fields = orjson.loads(encoded)
        json.loads(encoded, object_pairs_hook=_without_duplicates, parse_int=len, parse_float=len)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a key twice")
    return found


def base64_bytes(text: str) -> bytes | None:
    """Decode standard base64 with padding (RFC 4648, section 4), canonical form only; else None."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if base64.b64encode(found).decode() == text else None


def base64url_bytes(text: str) -> bytes | None:
    """Decode base64url without padding (RFC 7515, section 2), canonical form only; else None."""
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        return None
    found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return found if base64.urlsafe_b64encode(found).decode().rstrip("=") == text else None


class BodyReader:
    """Takes typed fields from an object, and keeps the first reason why one cannot be read."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.reason: SignatureReason | None = None

    def refuse(self, reason: SignatureReason) -> None:
        """Keep the first reason."""
        self.reason = self.reason or reason

    def text(self, name: str, *, required: bool = True) -> str:
        """A text of printable characters: no control characters, and not the separator U+2063."""
        value = self._take(name, required)
        if value is None:
            return ""
        if isinstance(value, str) and value and value.isprintable():
            return value
        self.refuse(SignatureReason.MALFORMED_BODY)
        return ""

    def name(self, name: str, *, required: bool = True) -> str:
        """A text without spaces and colons."""
        value = self.text(name, required=required)
        if ":" in value or " " in value:
            self.refuse(SignatureReason.MALFORMED_BODY)
            return ""
        return value

    def whole(self, name: str, absent: int, *, required: bool = True) -> int:
        """A whole number from 0 to `WHOLE_MAX`; `absent` if there is none."""
        value = self._take(name, required)
        if value is None:
            return absent
        if type(value) is int and 0 <= value <= WHOLE_MAX:
            return value
        self.refuse(SignatureReason.MALFORMED_BODY)
        return absent

    def flag(self, name: str) -> bool:
        """A required boolean; False if it cannot be read."""
        value = self._take(name, required=True)
        if value is None or type(value) is bool:
            return bool(value)
        self.refuse(SignatureReason.MALFORMED_BODY)
        return False

    def _take(self, name: str, required: bool) -> Any:
        if name in self.fields:
            value = self.fields[name]
            if value is None:
                self.refuse(SignatureReason.MALFORMED_BODY)
            return value
        if required:
            self.refuse(SignatureReason.MISSING_FIELD)
        return None
