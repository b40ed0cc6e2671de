"""Laws of the normal form of ids: one UUID is one id however it is written, and nothing else is."""

from __future__ import annotations

import string
import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.decode import decode
from schemas.events import TYPES, InputEvent, Session, type_name
from schemas.ids import is_odd_form, normal_id
from schemas.leniency import PLANS, Leniency
from schemas.time import EventMs, LogMs
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.intake.intake import Intake, IntakeRules
from tests.worlds.clock import NOON
from tests.worlds.example_events import example_of
from tests.worlds.stage_world import source

FORMS: dict[str, Callable[[uuid.UUID], str]] = {
    "dashed": str,
    "bare": lambda one: one.hex,
    "braced": lambda one: f"{{{one}}}",
    "urn": lambda one: one.urn,
    "quoted": lambda one: f'"{one}"',
    "spaced": lambda one: f" {one}\t",
    "marked": lambda one: f"\ufeff{one}\u200b",
    "encoded": lambda one: quote(f"{{{one}}}"),
    "encoded twice": lambda one: quote(quote(f"{{{one}}}")),
    "mixed": lambda one: str(one)[:18] + str(one)[18:].upper(),
    "look-alike": lambda one: str(one).replace("-", "\u2011"),
}
RULES = IntakeRules(b"secret", EventMs(0), dead_letter_share_max=1.0, dead_letter_window=9)
STAGE = Intake(0, 1, replace(RULES, passes_watermarks=False), StageObserver())
FOLDED: dict[str, tuple[str, ...]] = {
    "session": ("event_id", "install_id", "customer_user_id"),
    "in_app_event": ("event_id", "install_id", "customer_user_id"),
    "install": ("event_id", "install_id", "customer_user_id"),
    "purchase": ("event_id", "install_id", "customer_user_id", "transaction_id"),
    "subscription": ("install_id", "transaction_id", "original_transaction_id"),
    "refund": ("event_id", "install_id", "refund_id", "transaction_id"),
    "ad_revenue": ("event_id", "install_id", "impression_id"),
    "touchpoint": ("event_id", "customer_user_id"),
    "cost": ("event_id",),
}
TOPICS = {"session": "activity", "in_app_event": "activity", "install": "installs"} | {
    "touchpoint": "touchpoints",
    "cost": "costs",
}


@st.composite
def written(draw: st.DrawFn, one: uuid.UUID) -> str:
    """The UUID in one of the forms in which producers write it."""
    text = draw(st.sampled_from([form(one) for form in FORMS.values()]))
    return text.upper() if draw(st.booleans()) and "%" not in text else text


def oracle(text: str) -> str:
    """A second reading: what Python's uuid makes of a text of ASCII, else the text."""
    plain = text.strip()
    try:
        one = uuid.UUID(plain)
    except ValueError:
        return text
    return str(one)


@settings(max_examples=1_000)
@given(st.data(), st.uuids(), st.uuids())
def test_two_texts_are_one_id_exactly_if_they_are_one_uuid(
    data: st.DataObject, first: uuid.UUID, second: uuid.UUID
) -> None:
    other = data.draw(st.sampled_from([first, second]))
    texts = data.draw(written(first)), data.draw(written(other))
    assert (normal_id(texts[0]) == normal_id(texts[1])) is (first == other)
    assert normal_id(texts[0]) == str(first)


@settings(max_examples=1_000)
@given(st.text(string.ascii_letters + string.digits + "+/=._-~:", max_size=80))
@example("token.AO-J1OxHkbbQnVx0r0b8K2qZ3yT9aBcDeFgHiJkLmNoPqRsTuVw")
@example("GPA.3371-0002-1234-56789")
@example("AbCdEfAbCdEfAbCdEfAbCdEfAbCdEfAb=")
@example("A" * 40)
def test_a_token_of_a_store_keeps_its_case(text: str) -> None:
    assert normal_id(text) == oracle(text)


@settings(max_examples=1_000)
@given(
    st.text(max_size=80) | st.uuids().flatmap(written) | st.text("aA-0f\u200b{}%7B ", max_size=48)
)
@example("1" * 32)
@example("\u0958" * 256)
@example("\ufeff")
def test_the_normal_form_is_stable_and_the_quick_question_overlooks_nothing(text: str) -> None:
    once = normal_id(text)
    assert normal_id(once) == once
    assert len(once) <= max(len(text), 256)
    if not is_odd_form(text) and len(text) <= 256:
        assert once == text


@settings(max_examples=1_000)
@given(st.text(st.characters(codec="utf-8", categories=["L", "M", "N", "P"]), max_size=40))
def test_composed_and_decomposed_text_is_one_id(text: str) -> None:
    forms = {normal_id(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}
    assert len(forms) == 1 or max(map(len, forms)) > 256


def routed(name: str, ids: dict[str, str]) -> Effects:
    topic = TOPICS.get(name, "payments")
    return STAGE.decide([source(topic, example_of(name) | ids)], MemoryStore())


@settings(max_examples=400)
@given(st.data(), st.sampled_from(sorted(FOLDED)), st.uuids(version=4))
def test_who_writes_an_id_otherwise_says_the_same(
    data: st.DataObject, name: str, one: uuid.UUID
) -> None:
    plain = {field: str(uuid.UUID(int=one.int ^ n)) for n, field in enumerate(FOLDED[name])}
    ids = {field: data.draw(written(uuid.UUID(text))) for field, text in plain.items()}
    assert routed(name, ids) == routed(name, plain)


def test_every_id_that_decides_has_a_normal_form_or_a_key_of_its_own() -> None:
    own_form = {"app_id", "gaid", "idfa", "idfv", "oaid", "touch_id", "click_id"}
    # Stored as sent: compared with nothing, or, as an order's, with copies of itself alone.
    no_form = {"session_id", "subject_request_id", "order_id"}
    for kind in TYPES.values():
        ids = set(PLANS[kind].ids) - own_form - no_form
        assert ids == folded(kind), type_name(kind)


def folded(kind: type[InputEvent]) -> set[str]:
    fields: dict[str, Any] = dict.fromkeys(PLANS[kind].ids, "AB" * 16)
    PLANS[kind].normalise(fields)
    return {name for name, text in fields.items() if text != "AB" * 16}


def test_an_installation_of_before_goes_on_with_ids_as_they_are_sent() -> None:
    text = "5F0C1A52-7D0E-4F6B-9A53-2D1C7F1B8E10"
    raw = orjson.dumps(example_of("session") | {"install_id": text, "customer_user_id": text})
    leniency = Leniency(has_normal_ids=False)
    event = decode(raw, "activity", LogMs(NOON * 2), EventMs(0), leniency)
    assert isinstance(event, Session)
    assert (event.install_id, event.customer_user_id) == (text, text)
