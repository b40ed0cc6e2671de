"""Public keys that verify postbacks, by a fixed algorithm: ECDSA on P-256 with SHA-256.

The keys are those that Apple publishes (Verifying an install-validation postback; AdAttributionKit,
Verifying a postback). A message cannot choose the algorithm: what it names is only compared.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from schemas.file_error import FileError

PRODUCTION_KEY_ID = "apple-cas-identifier/0"
PRODUCTION_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWdp8GPcGqmhgzEFj9Z2nSpQVddayaPe4FMzqM9wib1+aHaaIzoHoLN9z"
    "W4K8y4SPykE3YVK3sVqW6Af0lfx3gg=="
)
"""The key of AdAttributionKit postbacks, and of SKAdNetwork postbacks since version 2.1."""

DEVELOPMENT_PREFIX = "apple-development-identifier/"
"""Prefix of keys for tests by developers: anybody with a device can obtain such a signature."""

DEVELOPMENT_KEYS = {
    "apple-development-identifier/0": (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELeEDzpJEP+/qRSE5hJVC1p1J0ssUnQGMzBBbvnACBok8OVGGLgxL"
        "0myrKiy6lvRtSlLRsWit87i+vftD8AEqeQ=="
    ),
    "apple-development-identifier/1": (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YzdO7eM97s/IJ25kdW5CZ3A14USE5IJ5Ha/vhWaxI6UBI1ZxCEv"
        "jrKxVluVGe6qWwF1BDFq+QHqKfH5u+wxHQ=="
    ),
}

SKADNETWORK_PREFIX = "skadnetwork/"
"""SKAdNetwork postbacks name no key: Apple's key is tried, and then keys with this prefix."""

OWN_KEYS_MAX = 16
"""Most keys beside Apple's: a SKAdNetwork postback may be tried with each, 0.1 ms a time."""

_ALGORITHM = ECDSA(SHA256())


@dataclass(frozen=True, slots=True)
class Keys:
    """Trusted keys by id."""

    by_id: Mapping[str, EllipticCurvePublicKey]

    def __contains__(self, key_id: str) -> bool:
        return key_id in self.by_id

    def verifies(self, key_id: str, signature: bytes, text: bytes) -> bool:
        """Whether the signature of the text is by this key; it is in DER (RFC 3279)."""
        try:
            self.by_id[key_id].verify(signature, text, _ALGORITHM)
        except InvalidSignature:
            return False
        return True

    def for_skadnetwork(self) -> Iterator[str]:
        """Ids of the keys that may have signed a SKAdNetwork postback, Apple's first."""
        if PRODUCTION_KEY_ID in self.by_id:
            yield PRODUCTION_KEY_ID
        yield from (one for one in self.by_id if one.startswith(SKADNETWORK_PREFIX))


def trusted_keys(own: Mapping[str, str], *, takes_development: bool) -> Keys:
    """Apple's keys and `own` ones, base64 of DER by id; own ones never replace Apple's.

    FileError: the id of the first key that cannot be used.
    """
    published = {PRODUCTION_KEY_ID: PRODUCTION_KEY, **DEVELOPMENT_KEYS}
    if len(own) > OWN_KEYS_MAX:
        raise FileError("", f"there are {len(own)} keys", f"at most {OWN_KEYS_MAX}")
    for key_id, written in own.items():
        if published.get(key_id, written) != written:
            raise FileError(key_id, "this is the id of a key that Apple publishes: rename yours")
    by_id: dict[str, EllipticCurvePublicKey] = {}
    for key_id, written in {**published, **own}.items():
        if key_id.startswith(DEVELOPMENT_PREFIX) and not takes_development:
            continue
        key = _read_key(written)
        if key is None:
            raise FileError(
                key_id, "this is not a public key", "base64 of a DER key on the curve P-256"
            )
        by_id[key_id] = key
    return Keys(by_id)


def _read_key(written: str) -> EllipticCurvePublicKey | None:
    try:
        key = load_der_public_key(base64.b64decode(written, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    return None
