"""The detail of a dead letter says what is wrong with an identity, and never which one it is."""

from __future__ import annotations

import json
import random
from typing import Any

import orjson
import pytest

from schemas import topics
from schemas.contracts.personal import PERSONAL_FIELDS
from schemas.decode import Defect, Unreadable, decode
from tests.schemas.mutations import NOW, TAGS, VALID, mutated, topic_of
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


NOT_MET = {Defect.TIME_TOO_EARLY, Defect.TOO_LARGE, Defect.POSITIVE_REFUND}
"""Their details are written out in `schemas.refusals.checks`, and have numbers at most."""


def _arrived(raw: bytes, chance: random.Random) -> bytes:
    """The bytes of an event as they may arrive: whole, or cut, turned over, doubled or filled."""
    at = chance.randrange(1, len(raw))
    return chance.choice(
        (
            *(raw,) * 6,
            raw[:at],
            raw[:at] + bytes((raw[at] ^ 1 << chance.randrange(8),)) + raw[at + 1 :],
            raw[:at] + b"\xff" + raw[at:],
            raw[:at] + b"\x00" + raw[at:],
            b'{"gaid": "' + PERSON.encode() + b'", ' + raw[1:],
            b"",
        )
    )


def test_no_reason_for_which_an_event_is_refused_quotes_who_it_is_about() -> None:
    """Every personal field of every type of event, with every defect that an event can have."""
    chance, seen = random.Random(7), set[Defect]()
    personal = {field for owner, field in PERSONAL_FIELDS} - {"event_id"}
    for tag in TAGS:
        topic = topic_of(tag)
        for payload in VALID[tag] * 250:
            fields = mutated(tag, payload, chance)
            if chance.random() < 0.02:
                fields["schema_version"] = 9
            values = chance.choice(((PERSON,), (PERSON,), (PERSON, *WRONG)))
            for name in sorted(personal & fields.keys()):
                fields[name] = chance.choice(values)
            named = chance.choice((topic, topic, topic, topics.COSTS.name))
            read = decode(_arrived(json.dumps(fields).encode(), chance), named, NOW, 1)
            if isinstance(read, Unreadable):
                seen.add(read.reason)
                assert PERSON not in read.detail, (read.reason, read.detail)
    assert seen >= set(Defect) - NOT_MET
