"""Whatever is done to a postback, it says what was signed or it is not valid; copies count once."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.matching.facts import Settled
from attribution.postbacks.adattributionkit import read_adattributionkit
from attribution.postbacks.postback import Postback, postback_id
from attribution.postbacks.seen_postback import SeenPostback, count_postback
from attribution.postbacks.signature_verdict import SignatureReason
from attribution.postbacks.skadnetwork import SIGNED_FIELDS, read_skadnetwork, signed_text
from schemas.records import PostbackSeen
from schemas.time import LogMs
from tests.worlds.clock import NOON
from tests.worlds.postback_world import (
    ENVELOPE,
    PAYLOAD,
    Body,
    enveloped,
    jws,
    our_keys,
    signed,
    text_of,
)

KEYS = our_keys()
names = st.text(st.sampled_from("ab.1-"), min_size=1, max_size=4)
numbers = st.sampled_from((0, 1, 2, 12, 42, 525463029))
junk = st.one_of(
    names, numbers, st.booleans(), st.none(), st.just(""), st.just("a\u2063b"), st.just([1]),
    st.just("42"), st.just("true"), st.just(1.0),
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    """A well-formed postback of any version, before it is signed."""
    version = draw(st.sampled_from(sorted(SIGNED_FIELDS)))
    body: Body = {"version": version, "ad-network-id": draw(names), "app-id": draw(numbers)}
    body |= {"transaction-id": draw(names), "redownload": draw(st.booleans())}
    if version == "4.0":
        body["source-identifier"] = draw(st.sampled_from(("12", "42", "5239")))
        body["postback-sequence-index"] = draw(st.sampled_from((0, 1, 2)))
    else:
        body["campaign-id"] = draw(numbers)
    if version != "2.1":
        body["fidelity-type"] = draw(st.sampled_from((0, 1)))
    if version in ("3.0", "4.0"):
        body["did-win"] = draw(st.booleans())
    source = draw(st.sampled_from(("app", "web", "none")))
    if source == "app":
        body["source-app-id"] = draw(numbers)
    elif source == "web" and version == "4.0":
        body["source-domain"] = draw(st.sampled_from(("a.b", "1.2", "example.com")))
    return body


def content(postback: Postback) -> dict[str, Any]:
    """What a postback says, without what is marked as unsigned."""
    unsigned = {"conversion_value": "value", "coarse_value": "value"}
    hidden = {unsigned.get(name, name) for name in postback.unsigned}
    fields = {name: getattr(postback, name) for name in postback.__slots__}
    return {name: value for name, value in fields.items() if name not in hidden}


@given(bodies())
def test_what_is_well_formed_and_signed_is_valid(body: Body) -> None:
    assert signed_text(body) == text_of(body).encode()
    assert read_skadnetwork(json.dumps(signed(body)), KEYS).verdict.state == "valid"


@given(bodies(), st.data())
def test_a_postback_that_was_touched_says_the_same_or_is_not_valid(
    body: Body, data: st.DataObject
) -> None:
    original = signed(body)
    touched = dict(original)
    every = sorted({name for signed_names in SIGNED_FIELDS.values() for name in signed_names})
    for name in data.draw(st.lists(st.sampled_from([*every, "source-domain"]), max_size=3)):
        if data.draw(st.booleans()):
            touched.pop(name, None)
        else:
            touched[name] = data.draw(junk)
    found = read_skadnetwork(json.dumps(touched), KEYS)
    if found.verdict.state == "valid":
        assert content(found) == content(read_skadnetwork(json.dumps(original), KEYS))


@given(bodies(), bodies())
def test_postbacks_that_say_different_things_never_share_a_signed_text(
    one: Body, other: Body
) -> None:
    found = [content(read_skadnetwork(json.dumps(signed(body)), KEYS)) for body in (one, other)]
    assert (signed_text(one) == signed_text(other)) == (found[0] == found[1])


EDITS = st.lists(st.tuples(st.integers(0, 2_000), st.characters(max_codepoint=0x2100)), max_size=3)


def edited(text: str, edits: list[tuple[int, str]]) -> str:
    for at, other in edits:
        at %= len(text)
        text = text[:at] + other + text[at + 1 :]
    return text


@given(bodies(), EDITS)
def test_an_edited_text_says_the_same_or_is_not_valid(
    body: Body, edits: list[tuple[int, str]]
) -> None:
    original = json.dumps(signed(body))
    found = read_skadnetwork(edited(original, edits), KEYS)
    if found.verdict.state == "valid":
        assert content(found) == content(read_skadnetwork(original, KEYS))


@given(EDITS)
def test_an_edited_jws_says_the_same_or_is_not_valid(edits: list[tuple[int, str]]) -> None:
    original = enveloped(jws(PAYLOAD))
    found = read_adattributionkit(edited(original, edits), KEYS)
    if found.verdict.state == "valid":
        assert content(found) == content(read_adattributionkit(original, KEYS))


@given(st.dictionaries(st.sampled_from(sorted(PAYLOAD)), junk, max_size=3))
def test_a_payload_signed_by_apple_is_valid_or_has_a_reason(changes: Body) -> None:
    found = read_adattributionkit(enveloped(jws(PAYLOAD | changes)), KEYS)
    reasons = (None, SignatureReason.MALFORMED_BODY, SignatureReason.MISSING_FIELD)
    assert found.verdict.reason in reasons


@given(st.one_of(st.text(), st.recursive(junk, lambda one: st.lists(one)).map(json.dumps)))
def test_nothing_that_is_no_postback_is_valid_and_nothing_raises(text: str) -> None:
    for read in (read_skadnetwork, read_adattributionkit):
        assert read(text, KEYS).verdict.state != "valid"


copies = st.tuples(
    bodies().map(lambda body: json.dumps(signed(body))), st.integers(1, 3), st.booleans()
)


@settings(max_examples=50)
@given(st.lists(copies, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_in_any_order_each_postback_is_decided_once(
    wanted: list[tuple[str, int, bool]], chance: Any
) -> None:
    sent = [body for body, times, _ in wanted for _ in range(times)]
    # Forgeries of the same postback come before, after and between.
    sent += [body.replace('"redownload": ', '"redownload":  !') for body, _, forged in wanted
             if forged]  # fmt: skip
    chance.shuffle(sent)
    states: dict[str, SeenPostback] = {}
    fates: dict[str, list[str]] = {}
    for offset, body in enumerate(sent):
        name = postback_id(read_skadnetwork(body, KEYS), body)
        seen = PostbackSeen(name, LogMs(NOON + offset), (5, 0, offset))
        states[name], facts = count_postback(states.get(name), seen)
        (fact,) = facts
        assert isinstance(fact, Settled)
        fates.setdefault(name, []).append(fact.disposition)
    assert {fate[0] for fate in fates.values()} == {"decided"}
    assert {one for fate in fates.values() for one in fate[1:]} <= {"duplicate"}
    assert len(fates) == len(_names(sent))


def _names(sent: list[str]) -> set[Any]:
    """Each real postback by what its signature covers, each forgery by its text."""
    found: set[Any] = set()
    for text in sent:
        if "!" in text:
            found.add(text)
            continue
        body = json.loads(text)
        index = body.get("postback-sequence-index", 0)
        found.add((body["ad-network-id"], body["transaction-id"], index))
    return found


def test_the_envelope_is_all_that_may_change_in_adattributionkit() -> None:
    quiet = read_adattributionkit(enveloped(jws(PAYLOAD), {}), KEYS)
    reported = read_adattributionkit(enveloped(jws(PAYLOAD), ENVELOPE), KEYS)
    assert content(quiet) == content(reported)
    assert quiet != reported
