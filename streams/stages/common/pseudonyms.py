"""Keyed pseudonyms of personal identifiers: equal ids give equal pseudonyms, and nobody without the
secret can find the id of a pseudonym.

BLAKE2b keyed with the installation's secret (RFC 7693), 16 bytes, as hex. A key has at most 64
bytes, so a longer secret is hashed to a key, as HMAC does: cut off, its end would protect nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from schemas.time import LogMs

_KEY_BYTES_MAX = 64


class Pseudonyms:
    """Makes pseudonyms with one secret."""

    def __init__(self, secret: bytes) -> None:
        key = secret if len(secret) <= _KEY_BYTES_MAX else hashlib.blake2b(secret).digest()
        self._keyed = hashlib.blake2b(key=key, digest_size=16)

    def of(self, identifier: str) -> str:
        """32 hexadecimal digits."""
        keyed = self._keyed.copy()
        keyed.update(identifier.encode())
        return keyed.hexdigest()


@dataclass(frozen=True, slots=True)
class FormerPseudonyms:
    """Pseudonyms of the secret before, which are looked up beside those in force until a date."""

    pseudonyms: Pseudonyms
    until: LogMs

    def at(self, ts: LogMs) -> Pseudonyms | None:
        """The pseudonyms, for a record logged at `ts`; None: their time is over."""
        return self.pseudonyms if ts < self.until else None
