"""Reads SKAdNetwork postbacks, versions 2.1 to 4.0, and verifies their signature.

The signed text consists of the fields of the version, joined by U+2063 (Apple, Verifying an
install-validation postback). Versions 1.0 and 2.0 were signed with other keys; they are not
supported.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from attribution.postbacks.body_reader import BodyReader, base64_bytes, parse_object
from attribution.postbacks.keys import Keys
from attribution.postbacks.postback import NO_NUMBER, Postback, conversion_value
from attribution.postbacks.signature_verdict import SignatureReason, SignatureVerdict

SEPARATOR = "\u2063"
SOURCE = "source-app-id"  # or source-domain instead; signed if present

_UNTIL_SOURCE = ("version", "ad-network-id", "campaign-id", "app-id", "transaction-id",
                 "redownload", SOURCE)  # fmt: skip
SIGNED_FIELDS: dict[str, tuple[str, ...]] = {
    "2.1": _UNTIL_SOURCE,
    "2.2": (*_UNTIL_SOURCE, "fidelity-type"),
    "3.0": (*_UNTIL_SOURCE, "fidelity-type", "did-win"),
    "4.0": ("version", "ad-network-id", "source-identifier", "app-id", "transaction-id",
            "redownload", SOURCE, "fidelity-type", "did-win", "postback-sequence-index"),
}  # fmt: skip
"""Signed fields by version, in the order of the signed text."""

_INTERACTIONS = {0: "view", 1: "click"}  # fidelity-type: view-through, or StoreKit-rendered ad


def read_skadnetwork(body: str, keys: Keys) -> Postback:
    """Read and verify the postback in `body`, JSON as Apple sent it.

    Apart from the conversion value only signed fields are used.
    """
    fields = parse_object(body)
    if fields is None:
        return Postback(
            framework="skadnetwork", verdict=SignatureVerdict(SignatureReason.MALFORMED_BODY)
        )
    reader = BodyReader(fields)
    version = reader.text("version")
    if version not in SIGNED_FIELDS:
        reader.refuse(SignatureReason.UNSUPPORTED_VERSION)
    postback = _postback(reader, SIGNED_FIELDS.get(version, SIGNED_FIELDS["4.0"]))
    if postback.verdict.reason is not None:
        return postback
    return replace(postback, verdict=_verdict(fields, keys))


def signed_text(fields: dict[str, Any]) -> bytes:
    """The text that Apple signs, in UTF-8, for a postback of a supported version."""
    parts = []
    for name in SIGNED_FIELDS[fields["version"]]:
        value = fields.get(name)
        if name == SOURCE and value is None and fields["version"] == "4.0":
            value = fields.get("source-domain")
        if value is not None:
            parts.append(str(value).lower() if isinstance(value, bool) else str(value))
    return SEPARATOR.join(parts).encode()


def _verdict(fields: dict[str, Any], keys: Keys) -> SignatureVerdict:
    encoded = fields.get("attribution-signature")
    if not encoded:
        return SignatureVerdict(SignatureReason.MISSING_SIGNATURE)
    signature = base64_bytes(encoded) if isinstance(encoded, str) else None
    if signature is None:
        return SignatureVerdict(SignatureReason.BAD_SIGNATURE)
    text = signed_text(fields)
    for key_id in keys.for_skadnetwork():
        if keys.verifies(key_id, signature, text):
            return SignatureVerdict(None, key_id)
    return SignatureVerdict(SignatureReason.BAD_SIGNATURE)


def _postback(reader: BodyReader, signed: tuple[str, ...]) -> Postback:
    """The content of the signed fields; its verdict says whether they can be read."""

    def number(name: str, otherwise: int) -> int:
        return reader.whole(name, NO_NUMBER) if name in signed else otherwise

    is_latest = "source-identifier" in signed
    interaction = _INTERACTIONS.get(number("fidelity-type", NO_NUMBER), "")
    source_app_id, source_domain = _source(reader, takes_domain=is_latest)
    return Postback(
        framework="skadnetwork",
        version=reader.text("version"),
        ad_network_id=reader.name("ad-network-id"),
        transaction_id=reader.text("transaction-id"),
        # Before version 4 there is a single postback; before version 3 only the winner gets it.
        sequence_index=number("postback-sequence-index", 0),
        store_app_id=reader.whole("app-id", NO_NUMBER),
        source_identifier=reader.name("source-identifier") if is_latest else "",
        campaign_id=number("campaign-id", NO_NUMBER),
        source_app_id=source_app_id,
        source_domain=source_domain,
        did_win=reader.flag("did-win") if "did-win" in signed else True,
        conversion_type="redownload" if reader.flag("redownload") else "download",
        interaction=interaction,
        value=conversion_value(reader.fields),
        unsigned=("conversion_value", "coarse_value"),
        verdict=SignatureVerdict(reader.reason),
    )


def _source(reader: BodyReader, *, takes_domain: bool) -> tuple[int, str]:
    """Where the ad was shown: an app or, since version 4, a web site; never both."""
    app_id = reader.whole(SOURCE, NO_NUMBER, required=False)
    if not takes_domain or "source-domain" not in reader.fields:
        return app_id, ""
    domain = reader.name("source-domain", required=False)
    # The signed text does not distinguish the two, so a number must not pass for a domain.
    if SOURCE in reader.fields or domain.isdecimal():
        reader.refuse(SignatureReason.MALFORMED_BODY)
        return app_id, ""
    return app_id, domain
