"""Laws of decoding, checked against a naive reader that walks the text itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import Defect, Unreadable, decode
from schemas.events import TYPES_BY_TOPIC, InAppEvent, type_name
from schemas.json_text import NESTING_MAX, is_too_deep
from tests.schemas.test_decode import EARLIEST, IN_APP, NOW

TOPICS = st.sampled_from(sorted(TYPES_BY_TOPIC))

# Few and troublesome, so that keys repeat and texts look like structure.
KEYS = st.sampled_from(["a", "b", "", ":", '":', "é", "name", "\\", "a ", " :"])
TEXTS = KEYS | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"),
    max_size=8,
)
SPACES = st.text(" \t\n\r", max_size=2)


class DoubledKeyError(Exception):
    """The naive reader saw a key twice."""


def naive_read(text: str) -> Any:
    def refuse(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(keys) != len(set(keys)):
            raise DoubledKeyError
        return dict(pairs)

    return json.loads(text, object_pairs_hook=refuse)


def has_doubled_key(text: str) -> bool:
    try:
        naive_read(text)
    except DoubledKeyError:
        return True
    return False


@st.composite
def objects_of(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    """JSON text of an object with any white space, whose keys may repeat."""
    members = draw(st.lists(st.tuples(KEYS, values), max_size=4))
    return "{" + ",".join(draw(member_text(key, value)) for key, value in members) + "}"


@st.composite
def member_text(draw: st.DrawFn, key: str, value: str) -> str:
    before, between, after, end = (draw(SPACES) for _ in range(4))
    quoted = json.dumps(key, ensure_ascii=draw(st.booleans()))
    return f"{before}{quoted}{between}:{after}{value}{end}"


def arrays_of(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=3).map(lambda parts: "[" + ", ".join(parts) + "]")


SCALARS = st.builds(
    json.dumps,
    TEXTS | st.integers(-(10**18), 10**18) | st.booleans() | st.none(),
    ensure_ascii=st.booleans(),
)
JSON_TEXTS: st.SearchStrategy[str] = st.recursive(
    SCALARS, lambda inner: objects_of(inner) | arrays_of(inner), max_leaves=12
)


@st.composite
def in_app_events(draw: st.DrawFn) -> str:
    """A valid in-app event, its members in any order and space, with arbitrary other fields."""
    members = [draw(member_text(key, json.dumps(value))) for key, value in IN_APP.items()]
    for _ in range(draw(st.integers(0, 3))):
        key = draw(KEYS.filter(lambda name: name != "name"))
        members.append(draw(member_text(key, draw(JSON_TEXTS))))
    return "{" + ",".join(draw(st.permutations(members))) + "}"


@given(in_app_events())
def test_an_event_is_refused_exactly_when_an_object_in_it_names_a_key_twice(text: str) -> None:
    event = decode(text.encode(), "activity", NOW, EARLIEST)

    if has_doubled_key(text):
        assert isinstance(event, Unreadable)
        assert event.reason is Defect.DUPLICATE_KEY
    else:
        assert isinstance(event, InAppEvent)


@given(objects_of(JSON_TEXTS), TOPICS)
def test_any_object_with_a_key_twice_is_refused_for_that(text: str, topic: str) -> None:
    event = decode(text.encode(), topic, NOW, EARLIEST)

    assert isinstance(event, Unreadable)
    assert (event.reason is Defect.DUPLICATE_KEY) == has_doubled_key(text)


@given(st.binary(max_size=200), TOPICS)
def test_arbitrary_bytes_are_a_value_never_an_error(raw: bytes, topic: str) -> None:
    assert isinstance(decode(raw, topic, NOW, EARLIEST), Unreadable)


@given(in_app_events().map(str.encode), st.data())
def test_damaged_events_are_a_value_never_an_error(raw: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(raw)))
    damage = data.draw(st.binary(max_size=3))
    length = data.draw(st.integers(0, 3))

    event = decode(raw[:place] + damage + raw[place + length :], "activity", NOW, EARLIEST)

    assert isinstance(event, Unreadable | InAppEvent)


ANY_VALUE = st.recursive(
    TEXTS | st.integers() | st.floats() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)


def field_names(topic: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        sorted({name for kind in TYPES_BY_TOPIC[topic] for name in kind.__struct_fields__})
    )


@given(TOPICS, st.data())
def test_any_value_in_any_field_is_read_or_refused_never_an_error(
    topic: str, data: st.DataObject
) -> None:
    tags = sorted(type_name(kind) for kind in TYPES_BY_TOPIC[topic])
    fields = data.draw(st.dictionaries(field_names(topic), ANY_VALUE, max_size=6))
    fields |= {"type": data.draw(st.sampled_from(tags)), "schema_version": 1}

    event = decode(json.dumps(fields).encode(), topic, NOW, EARLIEST)

    assert isinstance(event, (Unreadable, *TYPES_BY_TOPIC[topic]))


@given(JSON_TEXTS)
def test_the_reader_tells_doubled_keys_as_the_walk_over_pairs_does(text: str) -> None:
    """The oracle itself, checked by another count: pairs read against keys kept."""
    pairs_read = 0
    keys_kept = 0

    def count(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal pairs_read, keys_kept
        pairs_read += len(pairs)
        keys_kept += len(dict(pairs))
        return dict(pairs)

    hook: Callable[[list[tuple[str, Any]]], dict[str, Any]] = count
    json.loads(text, object_pairs_hook=hook)
    assert has_doubled_key(text) == (pairs_read != keys_kept)


@st.composite
def deep_texts(draw: st.DrawFn) -> tuple[str, int]:
    """A value, nested about as deep as the limit, with siblings at every level; and its depth."""
    text, depth = "1", 0
    for _ in range(draw(st.integers(NESTING_MAX - 3, NESTING_MAX + 2))):
        sibling = draw(st.sampled_from(["[]", "{}", "[[]]", '"[{"', "2"]))
        text = draw(st.sampled_from([f"[{sibling},{text}]", f'{{"a":{text},"b":{sibling}}}']))
        depth = 1 + max(depth, {"[]": 1, "{}": 1, "[[]]": 2}.get(sibling, 0))
    return text, depth


@given(deep_texts())
def test_nesting_is_counted_by_levels_whatever_stands_beside(deep: tuple[str, int]) -> None:
    text, depth = deep
    assert is_too_deep(text.encode()) == (depth > NESTING_MAX)
