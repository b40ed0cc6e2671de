"""The page for producers: its examples decode, and its tables agree with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

import schemas
from schemas.contracts.documents import read_examples
from schemas.contracts.example_blocks import with_examples
from schemas.decode import Unreadable, decode
from schemas.events import TOPIC_OF_TYPE, TYPES, TYPES_BY_TOPIC, type_name
from schemas.topics import SOURCES

PAGE = (Path(schemas.__file__).parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
A_LATER_DAY = 1_800_000_000_000


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: json.loads(text)["type"])
def test_every_example_decodes_to_its_type_on_its_topic(text: str) -> None:
    event_type = TYPES[json.loads(text)["type"], 1]

    event = decode(text.encode(), TOPIC_OF_TYPE[event_type], A_LATER_DAY, 0)

    assert not isinstance(event, Unreadable), event
    assert type(event) is event_type


def test_the_examples_are_the_published_ones() -> None:
    examples = read_examples(Path(schemas.__file__).parent / "examples")
    assert with_examples(PAGE, examples) == PAGE, "run `make docs`"


def test_every_example_is_complete() -> None:
    for text in EXAMPLES:
        event = json.loads(text)
        required = {
            field.name
            for field in msgspec.structs.fields(TYPES[event["type"], 1])
            if field.required
        }
        assert required < event.keys()
        assert len(event) > len(required) + 2


def test_there_is_one_example_of_every_type() -> None:
    assert sorted(json.loads(text)["type"] for text in EXAMPLES) == sorted(tag for tag, _ in TYPES)


def test_the_table_of_topics_is_the_one_of_the_code() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (`.*?`) \| ", PAGE, re.MULTILINE)
    types_by_topic = {topic: re.findall(r"`(\w+)`", types) for topic, types in rows}

    for topic in SOURCES:
        expected = [type_name(event_type) for event_type in TYPES_BY_TOPIC[topic.name]]
        assert types_by_topic[topic.name] == expected
