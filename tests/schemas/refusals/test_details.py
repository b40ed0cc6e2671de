"""The detail of a dead letter says what is wrong with an identity, and never which one it is."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas import topics
from schemas.decode import Unreadable, decode
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event

PERSON = "jane.doe@example.com"
WRONG: list[Any] = [
    PERSON * 40,
    f"{PERSON}\x00",
    [PERSON],
    {PERSON: PERSON},
    f"{PERSON}\n' - at `$.",
    {"a": [{"b": PERSON}]},
]
IDENTITIES = ("gaid", "idfa", "idfv", "oaid", "ip", "user_agent", "customer_user_id", "install_id")


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", IDENTITIES)
def test_an_identity_in_the_wrong_form_is_not_quoted(name: str, wrong: Any) -> None:
    fields = event("install", **({"install_id": "i"} | {name: wrong}))
    read = decode(orjson.dumps(fields), topics.INSTALLS.name, NOON, 0)
    assert not isinstance(read, Unreadable) or PERSON not in read.detail


@pytest.mark.parametrize("wrong", [PERSON, *WRONG])
@pytest.mark.parametrize("name", ["identity_type", "identity_value", "identity_format", "request"])
def test_a_request_whose_parts_are_exchanged_names_nobody(name: str, wrong: Any) -> None:
    identity = {"identity_type": "gaid", "identity_value": "g"} | {name: wrong}
    kind = wrong if name == "request" else "erasure"
    request = event("privacy_request", subject_request_id="r", request_type=kind)
    fields = request | {"identities": [identity], "submitted_time": NOON}
    read = decode(orjson.dumps(fields), topics.PRIVACY_REQUESTS.name, NOON, 0)
    if name in ("identity_type", "identity_format", "request"):
        assert isinstance(read, Unreadable)
    assert not isinstance(read, Unreadable) or PERSON not in read.detail
