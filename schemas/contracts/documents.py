"""The generated files, as bytes by path."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.contracts.asyncapi import asyncapi
from schemas.contracts.fields_page import fields_page
from schemas.contracts.messages import Examples, Json, json_schema, message_types, version_of
from schemas.contracts.personal import privacy_page
from schemas.contracts.views import views_of, views_page
from schemas.metrics import growth_metrics, metrics_page


def documents(examples: Examples, migrations: Sequence[str], metrics: str = "") -> dict[str, bytes]:
    """Every generated file by its path below `schemas/`, from the examples and the SQL texts.

    `metrics`: the file of metrics; FileError when it is wrong.
    """
    schemas: dict[str, Json] = {name: json_schema(name) for name in message_types()}
    files = {f"json/{name}.v{version_of(name)}.json": body for name, body in schemas.items()}
    files["asyncapi.json"] = asyncapi(examples)
    texts = {
        path: json.dumps(_dedented(body), indent=2, ensure_ascii=False) + "\n"
        for path, body in files.items()
    }
    texts["VIEWS.md"] = views_page(migrations)
    texts["FIELDS.md"] = fields_page()
    texts["PRIVACY.md"] = privacy_page()
    if metrics:
        views = {view.name: view for text in migrations for view in views_of(text)}
        texts["METRICS.md"] = metrics_page(growth_metrics(metrics, views))
    return {path: text.encode() for path, text in texts.items()}


def _dedented(body: Any) -> Any:
    """Docstrings as descriptions: Python 3.13 takes their indentation off, older ones do not."""
    if isinstance(body, dict):
        return {
            name: inspect.cleandoc(part)
            if name == "description" and isinstance(part, str)
            else _dedented(part)
            for name, part in body.items()
        }
    return [_dedented(part) for part in body] if isinstance(body, list) else body


def read_examples(folder: Path) -> dict[str, list[tuple[str, Json]]]:
    """The example messages in `<folder>/<message>/v<version>/<example>.json`, in name order."""
    return {
        name: [
            (path.stem, json.loads(path.read_bytes()))
            for path in sorted((folder / name / f"v{version_of(name)}").glob("*.json"))
        ]
        for name in message_types()
    }


def read_migrations(folder: Path) -> list[str]:
    """The texts of the SQL files in a folder, by rising number."""
    files = sorted(folder.glob("*.sql"), key=lambda path: int(path.name.partition("_")[0]))
    return [path.read_text(encoding="utf-8") for path in files]
