"""Postbacks as Apple would send them, signed with a key of our own; how is written down anew."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from attribution.postbacks.keys import Keys
from attribution.postbacks.postback_check import PostbackCheck, PostbackRules
from schemas.outcomes import PostbackRow
from schemas.time import EventMs

Body = dict[str, Any]
OURS = "skadnetwork/test"
OUR_KEY = ec.derive_private_key(1_234_567, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(7_654_321, ec.SECP256R1())

COMMON: Body = {
    "ad-network-id": "north.skadnetwork",
    "transaction-id": "6aafb7a5-0170-41b5-bbe4-fe71dedf1e28",
    "app-id": 525463029,
    "redownload": False,
    "source-app-id": 1234567891,
    "conversion-value": 20,
}
VERSION_2_1: Body = COMMON | {"version": "2.1", "campaign-id": 42}
VERSION_2_2: Body = VERSION_2_1 | {"version": "2.2", "fidelity-type": 1}
VERSION_3_0: Body = VERSION_2_2 | {"version": "3.0", "did-win": True}
VERSION_4_0: Body = COMMON | {
    "version": "4.0",
    "source-identifier": "5239",
    "fidelity-type": 1,
    "did-win": True,
    "postback-sequence-index": 0,
}
EVERY_VERSION = (VERSION_2_1, VERSION_2_2, VERSION_3_0, VERSION_4_0)

PAYLOAD: Body = {
    "postback-identifier": "85546EB7-FD39-44BC-8990-C98A4AC36A49",
    "ad-network-identifier": "north.adattributionkit",
    "advertised-item-identifier": 525463029,
    "conversion-type": "download",
    "did-win": True,
    "impression-type": "app-impression",
    "marketplace-identifier": "com.apple.AppStore",
    "postback-sequence-index": 0,
    "publisher-item-identifier": 1234567891,
    "source-identifier": "5239",
}
ENVELOPE: Body = {
    "conversion-value": 20,
    "ad-interaction-type": "click",
    "country-code": "DE",
}
HEADER: Body = {"alg": "ES256", "kid": OURS}


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    der = key.public_key().public_bytes(serialization.Encoding.DER, form)
    return base64.b64encode(der).decode()


OUR_RULES = PostbackRules(own_keys={OURS: public_key(OUR_KEY)})


def our_keys(*, takes_development: bool = False) -> Keys:
    """Apple's keys and our own."""
    rules = replace(OUR_RULES, takes_development_keys=takes_development)
    return PostbackCheck(rules).keys


def apples_keys() -> Keys:
    return PostbackCheck(PostbackRules()).keys


def signed_by(key: ec.EllipticCurvePrivateKey, text: bytes) -> bytes:
    return key.sign(text, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def text_of(body: Body) -> str:
    """The text Apple signs, one `if` per field of its documentation."""
    parts = [body["version"], body["ad-network-id"]]
    parts.append(body["source-identifier"] if body["version"] == "4.0" else body["campaign-id"])
    parts += [body["app-id"], body["transaction-id"], json.dumps(body["redownload"])]
    if "source-app-id" in body:
        parts.append(body["source-app-id"])
    elif "source-domain" in body:
        parts.append(body["source-domain"])
    if body["version"] in ("2.2", "3.0", "4.0"):
        parts.append(body["fidelity-type"])
    if body["version"] in ("3.0", "4.0"):
        parts.append(json.dumps(body["did-win"]))
    if body["version"] == "4.0":
        parts.append(body["postback-sequence-index"])
    return "\N{INVISIBLE SEPARATOR}".join(str(part) for part in parts)


def signed(body: Body, key: ec.EllipticCurvePrivateKey = OUR_KEY) -> Body:
    """A SKAdNetwork postback with its signature."""
    signature = signed_by(key, text_of(body).encode())
    return body | {"attribution-signature": base64.b64encode(signature).decode()}


def jws(payload: Body, header: Body = HEADER, key: ec.EllipticCurvePrivateKey = OUR_KEY) -> str:
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, payload))
    r, s = decode_dss_signature(signed_by(key, text.encode()))
    return f"{text}.{base64url(r.to_bytes(32) + s.to_bytes(32))}"


def enveloped(jws_string: str, envelope: Body = ENVELOPE) -> str:
    """The body of an AdAttributionKit postback."""
    return json.dumps({"jws-string": jws_string, **envelope})


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def postback_row(**changes: Any) -> PostbackRow:
    """What is said of one, for tests of the store."""
    row = PostbackRow(
        postback_id="skadnetwork:0:north.skadnetwork:t1",
        event_id="p1",
        app_id="puzzle",
        framework="skadnetwork",
        version="4.0",
        ad_network_id="north.skadnetwork",
        transaction_id="t1",
        sequence_index=0,
        store_app_id=1,
        source_identifier="5239",
        campaign_id=-1,
        source_app_id=2,
        source_domain="",
        did_win=True,
        conversion_type="download",
        interaction="click",
        impression_type="",
        marketplace_id="",
        country_code="",
        conversion_value=7,
        coarse_value="",
        conversion_state="decoded",
        conversion_events=["purchase"],
        revenue_min_micros=990_000,
        revenue_max_micros=4_990_000,
        currency="USD",
        conversion_schema="0",
        unsigned_fields=["conversion_value", "coarse_value"],
        signature_state="valid",
        signature_reason="",
        key_id="apple-cas-identifier/0",
        body="{}",
        event_time=EventMs(1_767_268_800_000),
        source_topic="postbacks",
        source_partition=0,
        source_offset=0,
    )
    return msgspec.structs.replace(row, **changes)
