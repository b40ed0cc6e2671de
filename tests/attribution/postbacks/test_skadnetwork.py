"""SKAdNetwork postbacks are valid only when Apple, or a key chosen to be trusted, signed them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from attribution.postbacks.postback import ConversionValue, Postback, postback_id
from attribution.postbacks.signature_verdict import SignatureReason
from attribution.postbacks.skadnetwork import SIGNED_FIELDS, read_skadnetwork, signed_text
from tests.worlds.postback_world import (
    COMMON,
    EVERY_VERSION,
    OTHER_KEY,
    OURS,
    VERSION_2_1,
    VERSION_3_0,
    VERSION_4_0,
    Body,
    apples_keys,
    our_keys,
    signed,
    text_of,
)

KEYS = our_keys()
every_version = pytest.mark.parametrize("body", EVERY_VERSION, ids=lambda body: body["version"])


def read(body: Body) -> Postback:
    return read_skadnetwork(json.dumps(body), KEYS)


def reason_of(body: Body) -> SignatureReason | None:
    return read(body).verdict.reason


@every_version
def test_a_signed_postback_is_valid_and_names_the_key(body: Body) -> None:
    verdict = read(signed(body)).verdict
    assert (verdict.state, verdict.key_id) == ("valid", OURS)


@every_version
def test_the_signed_text_is_what_the_documentation_says(body: Body) -> None:
    assert signed_text(body) == text_of(body).encode()


@every_version
def test_no_byte_of_the_signed_text_can_be_another(body: Body) -> None:
    assert sum(_survives(body, name) for name in SIGNED_FIELDS[body["version"]]) == 0


def _survives(body: Body, name: str) -> int:
    """How many postbacks with one character of a signed field changed are still valid."""
    original, whole = signed(body), str(body[name])
    changed = [whole[:at] + other + whole[at + 1 :] for at in range(len(whole)) for other in "17x"]
    values: list[Any] = [text for text in changed if text != whole]
    if isinstance(body[name], bool):
        values = [not body[name]]
    elif isinstance(body[name], int):
        values = [int(text) for text in values if text.isdecimal()]
    assert values
    return sum(read(original | {name: value}).verdict.state == "valid" for value in values)


@every_version
def test_a_signed_field_that_is_gone_is_missing(body: Body) -> None:
    for name in SIGNED_FIELDS[body["version"]]:
        without = {key: value for key, value in signed(body).items() if key != name}
        expected = (
            SignatureReason.BAD_SIGNATURE
            if name == "source-app-id"
            else SignatureReason.MISSING_FIELD
        )
        assert reason_of(without) is expected


@every_version
def test_the_source_app_may_be_missing_where_apple_did_not_tell_it(body: Body) -> None:
    without = {key: value for key, value in body.items() if key != "source-app-id"}
    found = read(signed(without))
    assert (found.verdict.state, found.source_app_id) == ("valid", -1)


def test_from_version_4_on_a_web_site_may_be_the_source() -> None:
    web = {key: value for key, value in VERSION_4_0.items() if key != "source-app-id"}
    found = read(signed(web | {"source-domain": "example.com"}))
    assert (found.verdict.state, found.source_domain) == ("valid", "example.com")


def test_an_app_cannot_be_passed_off_as_a_web_site_under_the_same_signature() -> None:
    web = {key: value for key, value in signed(VERSION_4_0).items() if key != "source-app-id"}
    assert reason_of(web | {"source-domain": "1234567891"}) is SignatureReason.MALFORMED_BODY
    assert (
        reason_of(signed(VERSION_4_0) | {"source-domain": "a.b"}) is SignatureReason.MALFORMED_BODY
    )


def test_fields_cannot_be_shifted_by_writing_the_separator_into_one() -> None:
    shifted = VERSION_4_0 | {"ad-network-id": "north\N{INVISIBLE SEPARATOR}x"}
    assert reason_of(signed(shifted)) is SignatureReason.MALFORMED_BODY


@pytest.mark.parametrize("value", ["525463029", 525463029.0, -1, True, None, 2**63, [1]])
def test_a_number_is_a_number(value: Any) -> None:
    assert reason_of(signed(VERSION_4_0 | {"app-id": value})) is SignatureReason.MALFORMED_BODY


@pytest.mark.parametrize("value", ["false", 0, None])
def test_a_flag_is_a_flag(value: Any) -> None:
    assert reason_of(signed(VERSION_4_0 | {"redownload": value})) is SignatureReason.MALFORMED_BODY


@pytest.mark.parametrize("value", ["", "a:b", "a b", "a\0", 7])
def test_an_ad_network_is_named_without_spaces_colons_and_controls(value: Any) -> None:
    assert (
        reason_of(signed(VERSION_4_0 | {"ad-network-id": value})) is SignatureReason.MALFORMED_BODY
    )


@pytest.mark.parametrize("version", ["1.0", "2.0", "5.0", "4"])
def test_another_version_cannot_be_verified(version: str) -> None:
    verdict = read(signed(VERSION_4_0) | {"version": version}).verdict
    assert (verdict.state, verdict.reason) == ("unverifiable", SignatureReason.UNSUPPORTED_VERSION)


def test_another_key_is_a_bad_signature_because_a_postback_names_none() -> None:
    verdict = read(signed(VERSION_4_0, OTHER_KEY)).verdict
    assert (verdict.state, verdict.reason) == ("invalid", SignatureReason.BAD_SIGNATURE)
    trusting_apple_only = read_skadnetwork(json.dumps(signed(VERSION_4_0)), apples_keys())
    assert trusting_apple_only.verdict.reason is SignatureReason.BAD_SIGNATURE


@pytest.mark.parametrize("signature", ["simulated", "AAAA", "A", 7, "MEUCIQ==\n"])
def test_what_is_no_signature_is_a_bad_one(signature: Any) -> None:
    forged = VERSION_4_0 | {"attribution-signature": signature}
    assert reason_of(forged) is SignatureReason.BAD_SIGNATURE


def test_a_postback_without_signature_cannot_be_verified() -> None:
    verdict = read(VERSION_4_0).verdict
    assert (verdict.state, verdict.reason) == ("unverifiable", SignatureReason.MISSING_SIGNATURE)


@pytest.mark.parametrize(
    "body",
    ["", "null", "[]", '{"version": "4.0", "version": "4.0"}', '{"a": NaN}', '{"a": "\\ud800"}',
     "[" * 9_000, '{"a":' * 40 + "1" + "}" * 40, '{"version": 1' + "0" * 5_000 + "}"],
)  # fmt: skip
def test_what_is_no_strict_json_object_is_malformed(body: str) -> None:
    assert read_skadnetwork(body, KEYS).verdict.reason is SignatureReason.MALFORMED_BODY


def test_a_key_that_comes_twice_is_refused_even_if_the_last_one_would_verify() -> None:
    good = json.dumps(signed(VERSION_4_0))
    twice = good[:-1] + ', "app-id": 525463029}'
    assert read_skadnetwork(twice, KEYS).verdict.reason is SignatureReason.MALFORMED_BODY


def test_only_signed_fields_are_taken_from_a_postback() -> None:
    extra = {"did-win": False, "postback-sequence-index": 2, "source-identifier": "1111"}
    found = read(signed(VERSION_2_1) | extra)
    assert found.verdict.state == "valid"
    assert (found.did_win, found.sequence_index, found.source_identifier) == (True, 0, "")
    assert found.campaign_id == 42


def test_the_conversion_value_is_not_signed_and_says_so() -> None:
    found = read(signed(VERSION_4_0) | {"conversion-value": 63})
    assert found.verdict.state == "valid"
    assert found.value == ConversionValue(fine=63)
    assert "conversion_value" in found.unsigned


@pytest.mark.parametrize(
    "value",
    [{"conversion-value": 64}, {"conversion-value": -1}, {"conversion-value": True},
     {"conversion-value": "7"}, {"coarse-conversion-value": "top"},
     {"coarse-conversion-value": ["low"]}],
)  # fmt: skip
def test_an_impossible_conversion_value_spoils_only_itself(value: Body) -> None:
    found = read(signed(VERSION_4_0) | value)
    assert found.verdict.state == "valid"
    assert found.value == ConversionValue(is_malformed=True)


def test_a_loser_is_told_so() -> None:
    lost = {key: value for key, value in VERSION_3_0.items() if key != "source-app-id"}
    found = read(signed(lost | {"did-win": False}))
    assert (found.verdict.state, found.did_win) == ("valid", False)


def test_copies_share_an_id_and_every_signed_name_changes_it() -> None:
    def id_of(body: Body) -> str:
        return postback_id(read(signed(body)), json.dumps(body))

    first = id_of(VERSION_4_0)
    assert id_of(VERSION_4_0 | {"conversion-value": 1}) == first
    for name, value in (("ad-network-id", "south"), ("transaction-id", "t"),
                        ("postback-sequence-index", 1)):  # fmt: skip
        assert id_of(VERSION_4_0 | {name: value}) != first


def test_a_forgery_never_has_the_id_of_the_real_one() -> None:
    real, forged = json.dumps(signed(VERSION_4_0)), json.dumps(signed(VERSION_4_0, OTHER_KEY))
    ids = {postback_id(read_skadnetwork(one, KEYS), one) for one in (real, forged)}
    assert len(ids) == 2
    assert COMMON["transaction-id"] not in postback_id(read_skadnetwork(forged, KEYS), forged)
