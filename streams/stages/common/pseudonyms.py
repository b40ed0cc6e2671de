"""Keyed pseudonyms of personal identifiers: equal ids stay equal, and cannot be turned back.

BLAKE2b keyed with the installation's secret (RFC 7693), 16 bytes, as hex.
"""

from __future__ import annotations

import hashlib


class Pseudonyms:
    def __init__(self, secret: bytes) -> None:
        self._keyed = hashlib.blake2b(key=secret[:64], digest_size=16)

    def of(self, identifier: str) -> str:
        keyed = self._keyed.copy()
        keyed.update(identifier.encode())
        return keyed.hexdigest()
