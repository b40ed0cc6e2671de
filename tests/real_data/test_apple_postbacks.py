"""The postbacks that Apple publishes verify with the key it publishes; anything else does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from attribution.postbacks.body_reader import base64_bytes
from attribution.postbacks.keys import (
    DEVELOPMENT_KEYS,
    PRODUCTION_KEY,
    PRODUCTION_KEY_ID,
)
from attribution.postbacks.skadnetwork import SEPARATOR, read_skadnetwork, signed_text
from tests.real_data.real_histories import folder
from tests.worlds.postback_world import apples_keys

Vector = dict[str, Any]
KEYS = apples_keys()
VERSIONS = ("2.1", "2.2", "3.0", "4.0")


def _published(name: str) -> Any:
    return json.loads((folder("apple_postbacks") / name).read_text())


@pytest.fixture(params=VERSIONS)
def vector(request: pytest.FixtureRequest) -> Vector:
    vectors: list[Vector] = _published("skadnetwork_vectors.json")["vectors"]
    (found,) = [one for one in vectors if one["postback"]["version"] == request.param]
    return found


def _is_valid(postback: dict[str, Any]) -> bool:
    return read_skadnetwork(json.dumps(postback), KEYS).verdict.state == "valid"


def _signed_names(vector: Vector) -> list[str]:
    """The names that stand in this postback, of fields where one of two may stand."""
    names = [name.split("|") for name in vector["signed_fields"]]
    return [next(one for one in choice if one in vector["postback"]) for choice in names]


def test_there_are_no_other_vectors() -> None:
    vectors = _published("skadnetwork_vectors.json")["vectors"]
    assert sorted(one["postback"]["version"] for one in vectors) == list(VERSIONS)


def test_the_keys_are_the_published_ones() -> None:
    assert _published("skadnetwork_vectors.json")["public_key_b64_der"] == PRODUCTION_KEY
    published = _published("adattributionkit_public_keys.json")["public_keys_b64_der"]
    assert published == {PRODUCTION_KEY_ID: PRODUCTION_KEY, **DEVELOPMENT_KEYS}


def test_every_published_postback_verifies(vector: Vector) -> None:
    found = read_skadnetwork(json.dumps(vector["postback"]), KEYS)
    assert (found.verdict.state, found.verdict.key_id) == ("valid", PRODUCTION_KEY_ID)


def test_the_fields_signed_are_the_published_ones(vector: Vector) -> None:
    parts = signed_text(vector["postback"]).decode().split(SEPARATOR)
    assert len(parts) == len(_signed_names(vector))


def test_every_byte_of_the_signed_text_counts(vector: Vector) -> None:
    signature = base64_bytes(vector["postback"]["attribution-signature"]) or b""
    text = signed_text(vector["postback"])
    assert KEYS.verifies(PRODUCTION_KEY_ID, signature, text)
    for at in range(len(text)):
        changed = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        assert not KEYS.verifies(PRODUCTION_KEY_ID, signature, changed)


def test_every_byte_of_the_signature_counts(vector: Vector) -> None:
    signature = vector["postback"]["attribution-signature"]
    for at, was in enumerate(signature):
        changed = signature[:at] + ("A" if was != "A" else "B") + signature[at + 1 :]
        assert not _is_valid(vector["postback"] | {"attribution-signature": changed})


def test_no_signed_field_may_change_its_value_or_its_type(vector: Vector) -> None:
    postback = vector["postback"]
    for name in _signed_names(vector):
        others = list(_others(postback[name]))
        assert len(others) >= 2
        for other in others:
            assert not _is_valid(postback | {name: other}), (name, other)


def test_no_signed_field_may_be_missing_and_no_source_added(vector: Vector) -> None:
    postback = vector["postback"]
    for name in _signed_names(vector):
        assert not _is_valid({key: value for key, value in postback.items() if key != name})
    if "source-domain" in postback:
        assert not _is_valid(postback | {"source-app-id": 1234567891})


def test_what_is_not_signed_may_change_and_is_never_called_signed(vector: Vector) -> None:
    changed = vector["postback"] | {"conversion-value": 1}
    found = read_skadnetwork(json.dumps(changed), KEYS)
    assert (found.verdict.state, found.value.fine) == ("valid", 1)
    assert "conversion_value" in found.unsigned


def _others(value: object) -> Iterator[object]:
    """Values near this one, and this one as another type."""
    if isinstance(value, bool):
        yield from (not value, str(value).lower(), int(value))
        return
    yield int(value) if isinstance(value, str) and value.isdecimal() else str(value) + "0"
    text = str(value)
    convert: Callable[[str], object] = int if isinstance(value, int) else str
    for at, was in enumerate(text):
        yield convert(text[:at] + ("1" if was != "1" else "2") + text[at + 1 :])
    yield convert(text + "1")
    if isinstance(value, int):
        yield from (text, float(value))
