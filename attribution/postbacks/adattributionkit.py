"""Reads AdAttributionKit postbacks: a JSON envelope around a JWS signed by Apple (RFC 7515, ES256).

The envelope itself is not signed: anybody could have written its conversion value, interaction and
country (Apple, Identifying the parameters in a postback).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from attribution.postbacks.body_reader import BodyReader, base64url_bytes, parse_object
from attribution.postbacks.keys import DEVELOPMENT_PREFIX, Keys
from attribution.postbacks.postback import NO_NUMBER, Postback, conversion_value
from attribution.postbacks.signature_verdict import SignatureReason, SignatureVerdict

ALGORITHM = "ES256"
SIGNATURE_BYTES = 64
"""r and s, 32 bytes each, one after the other (RFC 7518, section 3.4)."""

_UNSIGNED = ("conversion_value", "coarse_value", "interaction", "country_code")


class _Jws(NamedTuple):
    """The parts of a compact JWS."""

    signed: bytes
    header: dict[str, Any]
    payload: dict[str, Any]
    signature: str


def read_adattributionkit(body: str, keys: Keys) -> Postback:
    """Read and verify the postback in `body`, JSON as Apple sent it."""
    envelope = parse_object(body)
    if envelope is None:
        return _unread(SignatureReason.MALFORMED_BODY)
    compact = envelope.get("jws-string")
    if not compact:
        return _unread(SignatureReason.MISSING_SIGNATURE)
    jws = _split(compact)
    if jws is None:
        return _unread(SignatureReason.MALFORMED_BODY)
    postback = _postback(jws.payload, envelope)
    verdict = _verdict(jws, keys)
    if verdict.reason is None and postback.verdict.reason is not None:
        verdict = replace(verdict, reason=postback.verdict.reason)  # signed, but malformed
    return replace(postback, verdict=verdict)


def _unread(reason: SignatureReason) -> Postback:
    return Postback(framework="adattributionkit", verdict=SignatureVerdict(reason))


def _split(compact: object) -> _Jws | None:
    parts = compact.split(".") if isinstance(compact, str) else []
    if len(parts) != 3:
        return None
    header_bytes, payload_bytes = base64url_bytes(parts[0]), base64url_bytes(parts[1])
    if header_bytes is None or payload_bytes is None:
        return None
    header, payload = parse_object(header_bytes), parse_object(payload_bytes)
    if header is None or payload is None:
        return None
    return _Jws(f"{parts[0]}.{parts[1]}".encode(), header, payload, parts[2])


def _verdict(jws: _Jws, keys: Keys) -> SignatureVerdict:
    """Verify the signature. The header is only compared; it never chooses the algorithm."""
    named = jws.header.get("kid")
    key_id = named if isinstance(named, str) and named.isprintable() else ""
    if jws.header.get("alg") != ALGORITHM:
        return SignatureVerdict(SignatureReason.WRONG_ALGORITHM, key_id)
    if "crit" in jws.header:  # names extensions that must be understood (RFC 7515, 4.1.11)
        return SignatureVerdict(SignatureReason.UNSUPPORTED_VERSION, key_id)
    if key_id not in keys:
        is_development = key_id.startswith(DEVELOPMENT_PREFIX)
        reason = SignatureReason.DEVELOPMENT_KEY if is_development else SignatureReason.UNKNOWN_KEY
        return SignatureVerdict(reason, key_id)
    if not jws.signature:
        return SignatureVerdict(SignatureReason.MISSING_SIGNATURE, key_id)
    pair = base64url_bytes(jws.signature) or b""
    if len(pair) != SIGNATURE_BYTES:
        return SignatureVerdict(SignatureReason.BAD_SIGNATURE, key_id)
    half = SIGNATURE_BYTES // 2
    der = encode_dss_signature(int.from_bytes(pair[:half]), int.from_bytes(pair[half:]))
    is_signed = keys.verifies(key_id, der, jws.signed)
    return SignatureVerdict(None if is_signed else SignatureReason.BAD_SIGNATURE, key_id)


def _postback(payload: dict[str, Any], envelope: dict[str, Any]) -> Postback:
    """The content of payload and envelope; its verdict says whether the payload can be read."""
    signed, unsigned = BodyReader(payload), BodyReader(envelope)
    return Postback(
        framework="adattributionkit",
        ad_network_id=signed.name("ad-network-identifier"),
        transaction_id=signed.text("postback-identifier"),
        sequence_index=signed.whole("postback-sequence-index", NO_NUMBER),
        store_app_id=signed.whole("advertised-item-identifier", NO_NUMBER),
        source_identifier=signed.name("source-identifier"),
        source_app_id=signed.whole("publisher-item-identifier", NO_NUMBER, required=False),
        did_win=signed.flag("did-win"),
        conversion_type=signed.text("conversion-type"),
        impression_type=signed.text("impression-type"),
        marketplace_id=signed.text("marketplace-identifier", required=False),
        interaction=unsigned.text("ad-interaction-type", required=False),
        country_code=unsigned.text("country-code", required=False),
        value=conversion_value(envelope),
        unsigned=_UNSIGNED,
        verdict=SignatureVerdict(signed.reason),
    )
