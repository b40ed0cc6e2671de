"""Laws of reading referrers: no encoding loses a click id, and work is bounded."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attribution.matching.referrer import (
    CLICK_IDS_MAX,
    REFERRER_CHARS_MAX,
    Referrer,
    ReferrerReader,
)
from schemas.ids import normal_click_id

READER = ReferrerReader()
NAMES = (
    *("click_id", "clickid", "af_tranid", "adjust_reftag", "gclid", "gbraid", "wbraid", "fbclid"),
    *("ttclid", "twclid", "msclkid", "ScCid", "irclickid", "transaction_id", "link_click_id"),
)
LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
Encoding = Callable[[str, random.Random], str]


def _in_any_case(text: str, chance: random.Random) -> str:
    name, equals, rest = text.partition("=")
    return chance.choice((name.upper(), name.lower(), name.title())) + equals + rest


ENCODINGS: dict[str, Encoding] = {
    "plain": lambda text, _: text,
    "once": lambda text, _: quote(text, safe=""),
    "twice": lambda text, _: quote(quote(text, safe=""), safe=""),
    "thrice": lambda text, _: quote(quote(quote(text, safe=""), safe=""), safe=""),
    "plus": lambda text, _: quote_plus(text),
    "html": lambda text, _: text.replace("&", "&amp;"),
    "html, then percent": lambda text, _: quote(text.replace("&", "&amp;"), safe=""),
    "semicolons": lambda text, _: text.replace("&", ";"),
    "store link": lambda text, _: (
        f"https://play.google.com/store/x?id=com.x&referrer={quote(text)}"
    ),
    "nested": lambda text, _: f"utm_source=y&referrer={quote(text, safe='')}",
    "nested, plain": lambda text, _: f"referrer={text}",
    "question mark": lambda text, _: f"?{text}",
    "any case": _in_any_case,
    "half encoded": lambda text, _: text.replace("&", "%26").replace("%26", "&", 1),
}


def members(count: int, seed: int) -> list[tuple[str, str, str]]:
    """(encoding, referrer, click id) as store links are built."""
    chance, made = random.Random(seed), []
    for n in range(count):
        body = "".join(chance.choices(LETTERS + "+/_-", k=chance.randint(5, 40)))
        click = f"{chance.choice(LETTERS)}{body}9" + chance.choice(("", "", "=", "=="))
        pairs = [f"{chance.choice(NAMES)}={quote(click, safe=chance.choice(('', '+/=')))}"]
        pairs += chance.sample(
            ["utm_source=adnova", "utm_medium=cpi", "utm_campaign=a%20b", "c=1"], 2
        )
        chance.shuffle(pairs)
        name = list(ENCODINGS)[n % len(ENCODINGS)]
        made.append((name, ENCODINGS[name]("&".join(pairs), chance), click))
    return made


def test_no_encoding_loses_a_click_id() -> None:
    for name, referrer, click in members(5_000, 1):
        assert READER.read(referrer).click_ids == (normal_click_id(click),), (name, referrer)


@pytest.mark.parametrize("name", ENCODINGS)
def test_no_encoding_makes_an_id_of_what_is_nobodys(name: str) -> None:
    chance = random.Random(2)
    for nobody in ("(not set)", "null", "{click_id}", "__CLICK_ID__", "%%CLICK%%", "0", "", "[ID]"):
        text = f"utm_source=x&{chance.choice(NAMES)}={quote(nobody, safe='')}&utm_medium=organic"
        read = READER.read(ENCODINGS[name](text, chance))
        assert read == Referrer((), 0, True), (name, nobody)


def _steps(text: str) -> int:
    """Lines of Python that reading takes, as a measure of work that no machine disturbs."""
    count = 0

    def trace(_frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        READER.read(text)
    finally:
        sys.settrace(before)
    return count


HOSTILE = (
    *("&", "=", "%", "%25", "&amp;", "click_id=a,", ";a=", "gclid=aa&", "a-", " ", ",", "?c="),
    *("&#", "%2525252525", "referrer=", "((", "\u0130", "&click_id=%7B", "%26gclid%3Da"),
)


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_hostile_referrer_costs_work_in_proportion_to_its_length(unit: str) -> None:
    half, whole = (
        _steps((unit * REFERRER_CHARS_MAX)[:length])
        for length in (REFERRER_CHARS_MAX // 2, REFERRER_CHARS_MAX)
    )
    assert whole <= 2.2 * half + 1_000
    assert whole <= 60 * REFERRER_CHARS_MAX


PARTS = st.sampled_from([*HOSTILE, *NAMES, "=", "&", "utm_medium=organic", "x", "\0", "%00", "%ff"])


@given(st.lists(PARTS | st.text(max_size=4), max_size=40).map("".join))
@example("%" * 300)
def test_any_text_is_read_to_at_most_so_many_printable_ids(text: str) -> None:
    read = READER.read(text)
    assert len(read.click_ids) <= CLICK_IDS_MAX
    for click in read.click_ids:
        assert click.isprintable()
        assert 0 < len(click) <= 256


AROUND = st.lists(
    st.sampled_from(["+", " ", "%20", "%2B", '"', "%22", "%2522", "'", "`"]), max_size=3
)


@settings(max_examples=300)
@example("A0009", ["+", '"'], [], False)
@example("A0009", ["%2B", '"', "%20"], ["+"], True)
@given(st.from_regex(r"[A-Za-z][\w/+-]{3,40}9", fullmatch=True), AROUND, AROUND, st.booleans())
def test_spaces_and_quotes_around_a_click_id_are_none_of_it(
    click: str, before: list[str], after: list[str], is_encoded: bool
) -> None:
    text = "".join([*before, quote(click, safe="") if is_encoded else click, *after])
    assert normal_click_id(text) == normal_click_id(click) == click
    if click.isascii():
        assert READER.read(f"utm_source=x&click_id={text}&c=1").click_ids == (click,)


@given(st.text(max_size=60))
def test_the_form_of_a_click_id_is_stable(text: str) -> None:
    once = normal_click_id(text)
    assert normal_click_id(once) == once or "%" in once
