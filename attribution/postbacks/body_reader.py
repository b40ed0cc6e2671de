"""Reads the JSON of postbacks: strictly, and without failing where a part is wrong.

What cannot be read is empty, and the first reason why is remembered.
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
"""Apple's objects are flat; what has more brackets than this is nothing Apple sent."""

WHOLE_MAX = 2**63 - 1
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def parse_object(text: str | bytes) -> dict[str, Any] | None:
    """One JSON object in which no key comes twice; None for anything else."""
    written = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if written.count(b"{") + written.count(b"[") > BRACKETS_MAX:
        return None
    try:
        # orjson takes no NaN and no half characters, but the last of two equal keys.
        fields = orjson.loads(written)
        json.loads(written, object_pairs_hook=_once, parse_int=len, parse_float=len)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a key twice")
    return found


def base64_bytes(text: str) -> bytes | None:
    """Standard base64 with padding (RFC 4648, section 4), in its one canonical writing."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if base64.b64encode(found).decode() == text else None


def base64url_bytes(text: str) -> bytes | None:
    """base64url without padding (RFC 7515, section 2), in its one canonical writing."""
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        return None
    found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return found if base64.urlsafe_b64encode(found).decode().rstrip("=") == text else None


class BodyReader:
    """Takes typed fields from an object and remembers what first was wrong."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.reason: SignatureReason | None = None

    def refuse(self, reason: SignatureReason) -> None:
        self.reason = self.reason or reason

    def text(self, name: str, *, required: bool = True) -> str:
        """A text of printable characters: no controls, and not the separator U+2063."""
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
        """A whole number, not negative; `absent` when there is none."""
        value = self._take(name, required)
        if value is None:
            return absent
        if type(value) is int and 0 <= value <= WHOLE_MAX:
            return value
        self.refuse(SignatureReason.MALFORMED_BODY)
        return absent

    def flag(self, name: str) -> bool:
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
