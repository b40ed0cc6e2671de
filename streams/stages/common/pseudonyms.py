"""Keyed pseudonyms of personal identifiers: equal ids give equal pseudonyms, and nobody without the
secret can find the id of a pseudonym.

BLAKE2b keyed with the installation's secret (RFC 7693), 16 bytes, as hex.
"""

from __future__ import annotations

import hashlib


class Pseudonyms:
    """Makes pseudonyms with one secret, of which the first 64 bytes count."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = hashlib.blake2b(key=secret[:64], digest_size=16)

    def of(self, identifier: str) -> str:
        """32 hexadecimal digits."""
        keyed = self._keyed.copy()
        keyed.update(identifier.encode())
        return keyed.hexdigest()
