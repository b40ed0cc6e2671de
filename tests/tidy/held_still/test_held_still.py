"""What others hold on to stays as it is, unless somebody means to change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.store.migrations import apply_migrations
from tests.tidy.held_still import shapes

ADVICE = (
    "Producers, analysts or dashboards rely on this. If the change is meant: keep the old name "
    "working for a version, say so in CHANGELOG.md, and run `python -m tests.tidy.held_still`."
)


def _compare(name: str, shape: shapes.Shape) -> None:
    lines = shapes.differences(shapes.stored(name), shape)
    assert not lines, f"{ADVICE}\n" + "\n".join(f"  {name}{line}" for line in lines)


@pytest.mark.parametrize("name", shapes.SHAPES)
def test_names_and_shapes_are_held_still(name: str) -> None:
    _compare(name, shapes.SHAPES[name]())


def test_tables_and_views_are_held_still(tmp_path: Path) -> None:
    pytest.importorskip("chdb")
    from streams.store.embedded import EmbeddedStore

    store = EmbeddedStore(tmp_path)
    apply_migrations(store)
    _compare("tables", shapes.tables(store))
    store.close()


def test_a_difference_names_its_place() -> None:
    before = {"a": {"x": 1, "y": [1]}, "b": {}}
    after = {"a": {"x": 2, "z": [1]}, "b": {}}
    assert shapes.differences(before, after) == [
        "/a/x: 1 became 2",
        "/a/y: gone",
        "/a/z: new",
    ]


def test_prose_and_names_of_classes_are_no_part_of_a_message() -> None:
    schema = {
        "$ref": "#/$defs/Outcome",
        "$defs": {
            "Outcome": {
                "title": "Outcome",
                "description": "Prose.",
                "properties": {"description": {"type": "string", "description": "Prose."}},
            }
        },
    }
    assert shapes._without_prose(schema) == {"properties": {"description": {"type": "string"}}}
