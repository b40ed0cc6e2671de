"""AdAttributionKit postbacks are believed as far as their JWS goes, and with ES256 only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from attribution.postbacks.adattributionkit import read_adattributionkit
from attribution.postbacks.keys import DEVELOPMENT_KEYS, Keys
from attribution.postbacks.postback import Postback, postback_id
from attribution.postbacks.signature_verdict import SignatureReason
from tests.worlds.postback_world import (
    HEADER,
    OTHER_KEY,
    OUR_KEY,
    OURS,
    PAYLOAD,
    apples_keys,
    base64url,
    enveloped,
    jws,
    our_keys,
    public_key,
)

KEYS = our_keys()


def read(jws_string: str, keys: Keys = KEYS) -> Postback:
    return read_adattributionkit(enveloped(jws_string), keys)


def reason_of(jws_string: str, keys: Keys = KEYS) -> SignatureReason | None:
    return read(jws_string, keys).verdict.reason


def test_a_postback_signed_by_an_injected_key_is_valid() -> None:
    found = read(jws(PAYLOAD))
    assert (found.verdict.state, found.verdict.key_id) == ("valid", OURS)
    assert (found.transaction_id, found.sequence_index) == (PAYLOAD["postback-identifier"], 0)
    assert (found.conversion_type, found.store_app_id) == ("download", 525463029)


def test_no_character_of_what_is_signed_can_be_another() -> None:
    good = jws(PAYLOAD)
    end = good.rindex(".")
    tampered = [
        good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
        for at in range(end)
        if good[at] != "."
    ]
    assert len(tampered) > 400
    assert [one for one in tampered if read(one).verdict.state == "valid"] == []


@pytest.mark.parametrize("name", sorted(PAYLOAD))
def test_a_payload_that_says_otherwise_is_invalid(name: str) -> None:
    header, _, signature = jws(PAYLOAD).split(".")
    value = PAYLOAD[name]
    other = not value if value is True else value + ("x" if isinstance(value, str) else 1)
    payload = base64url(json.dumps(PAYLOAD | {name: other}).encode())
    assert reason_of(f"{header}.{payload}.{signature}") is SignatureReason.BAD_SIGNATURE


def test_no_character_of_the_signature_can_be_another() -> None:
    good = jws(PAYLOAD)
    start = good.rindex(".") + 1
    # The last character has four bits that decode to nothing: they must be zero.
    tampered = [
        good[:at] + other + good[at + 1 :]
        for at in range(start, len(good))
        for other in "ABCDwxyz-_"
        if other != good[at]
    ]
    assert {read(one).verdict.reason for one in tampered} == {SignatureReason.BAD_SIGNATURE}


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "ES384", "RS256", "es256", None, 7])
def test_another_algorithm_is_not_even_tried(algorithm: Any) -> None:
    verdict = read(jws(PAYLOAD, HEADER | {"alg": algorithm})).verdict
    assert (verdict.state, verdict.reason) == ("unverifiable", SignatureReason.WRONG_ALGORITHM)


def test_no_signature_at_all_is_not_accepted_under_any_algorithm() -> None:
    for algorithm, reason in (
        ("none", SignatureReason.WRONG_ALGORITHM),
        ("ES256", SignatureReason.MISSING_SIGNATURE),
    ):
        header, payload, _ = jws(PAYLOAD, HEADER | {"alg": algorithm}).split(".")
        assert reason_of(f"{header}.{payload}.") is reason


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    header, payload, _ = jws(PAYLOAD, HEADER | {"alg": "HS256"}).split(".")
    secret = base64.b64decode(public_key(OUR_KEY))
    mac = hmac.new(secret, f"{header}.{payload}".encode(), hashlib.sha256).digest()
    assert reason_of(f"{header}.{payload}.{base64url(mac)}") is SignatureReason.WRONG_ALGORITHM
    assert (
        reason_of(f"{jws(PAYLOAD).rsplit('.', 1)[0]}.{base64url(mac)}")
        is SignatureReason.BAD_SIGNATURE
    )


def test_a_key_in_the_header_is_not_used() -> None:
    header = {"alg": "ES256", "kid": "stranger/0", "jwk": {"kty": "EC", "crv": "P-256"}}
    verdict = read(jws(PAYLOAD, header, OTHER_KEY)).verdict
    assert (verdict.state, verdict.reason) == ("unverifiable", SignatureReason.UNKNOWN_KEY)


@pytest.mark.parametrize(
    "key_id", ["apple-cas-identifier/1", "", None, 7, "apple-cas-identifier/0 "]
)
def test_an_unknown_key_cannot_be_verified(key_id: Any) -> None:
    assert reason_of(jws(PAYLOAD, {"alg": "ES256", "kid": key_id})) is SignatureReason.UNKNOWN_KEY


def test_whoever_claims_apples_key_must_have_it() -> None:
    assert reason_of(jws(PAYLOAD, HEADER | {"kid": "apple-cas-identifier/0"})) is (
        SignatureReason.BAD_SIGNATURE
    )


@pytest.mark.parametrize("key_id", sorted(DEVELOPMENT_KEYS))
def test_development_keys_count_only_where_they_are_wanted(key_id: str) -> None:
    forged = jws(PAYLOAD, HEADER | {"kid": key_id})
    assert reason_of(forged, apples_keys()) is SignatureReason.DEVELOPMENT_KEY
    assert reason_of(forged, our_keys(takes_development=True)) is SignatureReason.BAD_SIGNATURE


def test_extensions_that_must_be_understood_are_not() -> None:
    header = HEADER | {"crit": ["b64"], "b64": False}
    assert reason_of(jws(PAYLOAD, header)) is SignatureReason.UNSUPPORTED_VERSION


def test_what_is_signed_but_incomplete_is_invalid() -> None:
    for name in PAYLOAD:
        without = {key: value for key, value in PAYLOAD.items() if key != name}
        is_optional = name in ("marketplace-identifier", "publisher-item-identifier")
        assert reason_of(jws(without)) is (None if is_optional else SignatureReason.MISSING_FIELD)


@pytest.mark.parametrize(
    "value", ["", "a.b", "a.b.c", "e30.e30", "e30.e30.e30.e30", "e3=.e30.AA", "e30.W10.AA", 7, [1]]
)
def test_what_is_no_jws_is_malformed_or_unsigned(value: Any) -> None:
    reason = read_adattributionkit(json.dumps({"jws-string": value}), KEYS).verdict.reason
    assert reason is (
        SignatureReason.MALFORMED_BODY if value else SignatureReason.MISSING_SIGNATURE
    )


def test_a_claim_twice_in_the_payload_is_refused() -> None:
    header = base64url(json.dumps(HEADER).encode())
    payload = base64url(b'{"did-win": true, "did-win": true}')
    assert reason_of(f"{header}.{payload}.{base64url(bytes(64))}") is SignatureReason.MALFORMED_BODY


def test_the_envelope_is_kept_but_marked_as_unsigned() -> None:
    other = {"conversion-value": 1, "ad-interaction-type": "view", "country-code": "FR"}
    found = read_adattributionkit(enveloped(jws(PAYLOAD), other), KEYS)
    assert found.verdict.state == "valid"
    assert (found.value.fine, found.interaction, found.country_code) == (1, "view", "FR")
    assert {"conversion_value", "interaction", "country_code"} <= set(found.unsigned)
    first, second = (postback_id(one, "") for one in (found, read(jws(PAYLOAD))))
    assert first == second
