"""The generated files, as bytes by path."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from schemas.contracts.asyncapi import asyncapi
from schemas.contracts.messages import Examples, Json, json_schema, message_types, version_of


def documents(examples: Examples) -> dict[str, bytes]:
    """Every generated file by its path below this folder."""
    files = {f"json/{name}.v{version_of(name)}.json": json_schema(name) for name in message_types()}
    files["asyncapi.json"] = asyncapi(examples)
    return {
        path: (json.dumps(_dedented(body), indent=2, ensure_ascii=False) + "\n").encode()
        for path, body in files.items()
    }


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
    """The golden messages in `<folder>/<message>/v<version>/<example>.json`, in name order."""
    return {
        name: [
            (path.stem, json.loads(path.read_bytes()))
            for path in sorted((folder / name / f"v{version_of(name)}").glob("*.json"))
        ]
        for name in message_types()
    }
