"""Puts the published examples into the page for producers, so that they cannot differ."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping

from schemas.contracts.messages import Examples, Json

LINE_CHARS_MAX = 100
"""Width of a line in the page, as everywhere else in the documents."""

_BLOCK = re.compile(r"^```json\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def with_examples(page: str, examples: Examples) -> str:
    """The page with every JSON block replaced by the full example of the type that it names."""
    return _BLOCK.sub(lambda block: f"```json\n{_example_text(block[1], examples)}```", page)


def _example_text(block: str, examples: Examples) -> str:
    name = json.loads(block)["type"]
    return example_lines(next(body for label, body in examples[name] if label.startswith("full")))


def example_lines(event: Mapping[str, Json]) -> str:
    """An event as JSON with several fields on a line, without those that are null."""
    parts = [
        f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in event.items()
        if value is not None
    ]
    lines = [""]
    for part in parts:
        if len(lines[-1]) + len(part) + 3 > LINE_CHARS_MAX and lines[-1]:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{part},"
    return "{" + textwrap.indent("\n".join(lines), " ")[1:].rstrip(",") + "}\n"
