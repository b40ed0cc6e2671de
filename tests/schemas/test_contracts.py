"""The published contracts say what the code does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from schemas import contracts, topics
from schemas.decode import decode
from schemas.events import TOPIC_OF_TYPE, TYPES, TYPES_BY_TOPIC
from schemas.outcomes import OUTCOME_OF_TOPIC

SCHEMAS = Path(contracts.__file__).parent.parent
EXAMPLES = contracts.read_examples(SCHEMAS / "examples")
MIGRATIONS = contracts.read_migrations(SCHEMAS / "migrations")
METRICS = (SCHEMAS / "metrics.toml").read_text(encoding="utf-8")
EVERY_EXAMPLE = [
    pytest.param(name, payload, id=f"{name}/{label}")
    for name, labelled in EXAMPLES.items()
    for label, payload in labelled
]
INPUT_EXAMPLES = [case for case in EVERY_EXAMPLE if (case.values[0], 1) in TYPES]
OUTCOME_EXAMPLES = [case for case in EVERY_EXAMPLE if case.values[0] in OUTCOME_OF_TOPIC]
A_LATER_DAY = 1_800_000_000_000
DOCUMENT: dict[str, Any] = json.loads((SCHEMAS / "asyncapi.json").read_bytes())


def leaves_of(value: Any, place: str = "") -> list[tuple[str, object]]:
    """Every leaf of a JSON value with its path."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves_of(item, f"{place}.{key}")]
    if isinstance(value, list):
        return [leaf for at, item in enumerate(value) for leaf in leaves_of(item, f"{place}.{at}")]
    return [(place, value)]


@pytest.mark.parametrize(("name", "payload"), INPUT_EXAMPLES)
def test_every_example_event_decodes_to_its_type(name: str, payload: dict[str, Any]) -> None:
    event_type = TYPES[name, payload["schema_version"]]

    event = decode(json.dumps(payload).encode(), TOPIC_OF_TYPE[event_type], A_LATER_DAY, 0)

    assert type(event) is event_type
    # What is read is what was said; the rest are defaults.
    assert set(leaves_of(payload)) <= set(leaves_of(msgspec.to_builtins(event)))


@pytest.mark.parametrize(("name", "payload"), OUTCOME_EXAMPLES)
def test_every_example_outcome_reads_back_as_written(name: str, payload: dict[str, Any]) -> None:
    outcome = msgspec.convert(payload, OUTCOME_OF_TOPIC[name])

    assert msgspec.to_builtins(outcome) == payload


@pytest.mark.parametrize(("name", "payload"), EVERY_EXAMPLE)
def test_every_example_is_valid_by_its_json_schema(name: str, payload: dict[str, Any]) -> None:
    schema = contracts.json_schema(name)

    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(payload)) == []


@pytest.mark.parametrize("name", sorted({tag for tag, _ in TYPES}))
def test_full_examples_name_every_field_and_a_minimal_one_only_what_is_required(name: str) -> None:
    fields = msgspec.structs.fields(contracts.message_types()[name])
    every = {field.name for field in fields} | {"type"}
    required = {field.name for field in fields if field.required} | {"type"}
    examples = dict(EXAMPLES[name])

    full = [payload for label, payload in examples.items() if label.startswith("full")]
    assert full
    assert all(set(payload) == every for payload in full)
    # A payer is an install or an account, and spend comes from networks: optional, but needed.
    assert required <= set(examples["minimal"])
    assert set(examples["minimal"]) - required <= {"install_id", "customer_user_id", "source"}


def test_every_message_has_an_example_and_stated_semantics() -> None:
    assert set(contracts.SEMANTICS) == set(contracts.message_types())
    assert [name for name, examples in EXAMPLES.items() if not examples] == []


def test_no_example_folder_is_forgotten() -> None:
    folders = {path.name for path in (SCHEMAS / "examples").iterdir() if path.is_dir()}

    assert folders == set(contracts.message_types())


def test_the_ids_named_in_the_semantics_are_fields() -> None:
    for name, semantics in contracts.SEMANTICS.items():
        fields = {field.name for field in msgspec.structs.fields(contracts.message_types()[name])}
        ids = set(semantics.id.split(", ")) - {"dimensions"}
        assert ids <= fields, name


def test_the_document_lists_every_source_and_outcome_topic_and_no_internal_one() -> None:
    public = {topic.name for topic in (*topics.SOURCES, *topics.OUTCOMES)}

    assert set(DOCUMENT["channels"]) == public
    assert {operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()} == {
        f"#/channels/{name}" for name in public
    }


def test_each_channel_carries_the_messages_that_its_topic_accepts() -> None:
    for topic, event_types in TYPES_BY_TOPIC.items():
        names = {tag for (tag, _), event_type in TYPES.items() if event_type in event_types}
        assert set(DOCUMENT["channels"][topic]["messages"]) == names
        assert "clock" in DOCUMENT["channels"][topic]["description"]
    for topic in OUTCOME_OF_TOPIC:
        assert set(DOCUMENT["channels"][topic]["messages"]) == {topic}


def test_every_message_says_id_key_repeats_writer_and_reader() -> None:
    messages = DOCUMENT["components"]["messages"]

    assert set(messages) == set(contracts.message_types())
    for message in messages.values():
        assert message["bindings"]["kafka"]["key"]["description"]
        assert all(message[f"x-{word}"] for word in ("id", "repeats", "writers", "readers"))


def test_every_reference_in_the_document_leads_somewhere() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for item in value.values() for found in references(item)]
        if isinstance(value, list):
            return [found for item in value for found in references(item)]
        return []

    for reference in references(DOCUMENT):
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]


def test_committed_documents_are_what_the_structs_generate() -> None:
    generated = contracts.documents(EXAMPLES, MIGRATIONS, METRICS)
    committed = {
        str(path.relative_to(SCHEMAS)): path.read_bytes()
        for path in (
            *(
                SCHEMAS / name
                for name in ("asyncapi.json", "VIEWS.md", "FIELDS.md", "PRIVACY.md", "METRICS.md")
            ),
            *(SCHEMAS / "json").glob("*"),
        )
    }

    stale = sorted(
        name
        for name in generated.keys() | committed.keys()
        if generated.get(name) != committed.get(name)
    )
    assert stale == [], "run `python -m schemas.contracts`"


def test_generating_gives_the_same_bytes_in_every_process() -> None:
    program = (
        "import hashlib; from schemas import contracts as c; d = c.documents({}, []); "
        "print(hashlib.sha256(repr(sorted(d.items())).encode()).hexdigest())"
    )

    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            cwd=SCHEMAS.parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_every_field_of_an_outcome_is_described() -> None:
    missing = [
        f"{outcome.__name__}.{field}"
        for outcome in OUTCOME_OF_TOPIC.values()
        for field in outcome.__struct_fields__
        if not contracts.field_descriptions(outcome).get(field, "").endswith(".")
    ]
    assert missing == [], "write a docstring, a sentence with a full stop, below each field"


def test_every_view_and_every_column_of_it_is_described() -> None:
    text = "\n".join(MIGRATIONS)
    views = [view for migration in MIGRATIONS for view in contracts.views_of(migration)]

    assert len(views) == text.count("CREATE OR REPLACE VIEW")
    missing = [
        f"{view.name}.{column.name}"
        for view in views
        for column in view.columns
        if not column.description.endswith(".")
    ]
    assert missing == [], "write a COMMENT, a sentence with a full stop"
    assert [view.name for view in views if not (view.row.endswith(".") and view.columns)] == []
