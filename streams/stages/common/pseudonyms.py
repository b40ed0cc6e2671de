"""Keyed pseudonyms of personal identifiers: equal ids give equal pseudonyms, and nobody without the
secret can find the id of a pseudonym.

BLAKE2b keyed with the installation's secret (RFC 7693), 16 bytes, as hex. A key has at most 64
bytes, so a longer secret is hashed to a key, as HMAC does: cut off, its end would protect nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from schemas.time import LogMs

_KEY_BYTES_MAX = 64


class Pseudonyms:
    """Makes pseudonyms with one secret."""

    def __init__(self, secret: bytes) -> None:
        key = secret if len(secret) <= _KEY_BYTES_MAX else hashlib.blake2b(secret).digest()
        self._keyed = hashlib.blake2b(key=key, digest_size=16)
        self.anonymous = AnonymousIds(secret)

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


ANONYMOUS_PREFIX = "erased-"
ANONYMOUS_DIGITS = 32
ANONYMOUS_FORM = f"^{ANONYMOUS_PREFIX}(:|[0-9a-f]{{{ANONYMOUS_DIGITS}}})"
"""How a text begins that names nobody any more. A user's id may begin with the same word."""

is_anonymous_text = re.compile(ANONYMOUS_FORM).search


class AnonymousIds:
    """Ids that take the place of those of erased people: HMAC-SHA256 (RFC 2104) with a key made of
    the secret, 16 bytes of it as hex. ClickHouse computes the same."""

    def __init__(self, secret: bytes) -> None:
        self.key = hashlib.blake2b(secret, digest_size=32, person=b"hw erased ids").digest()

    def of(self, identifier: str) -> str:
        """The anonymous id of an id; an empty one and an anonymous one stay."""
        if not identifier or is_anonymous_text(identifier):
            return identifier
        digest = hmac.digest(self.key, identifier.encode(), hashlib.sha256)
        return ANONYMOUS_PREFIX + digest.hex()[:ANONYMOUS_DIGITS]
