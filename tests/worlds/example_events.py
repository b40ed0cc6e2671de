"""The published examples of events, for tests that change them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import schemas

FOLDER = Path(schemas.__file__).parent / "examples"


def example_of(name: str) -> dict[str, Any]:
    """A new copy of the full example of an event type, without the fields that are null."""
    file = min((FOLDER / name / "v1").glob("full*.json"))
    fields: dict[str, Any] = json.loads(file.read_text())
    return {field: value for field, value in fields.items() if value is not None}
