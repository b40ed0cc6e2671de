"""Rules on what people read: docstrings, comments, messages, help texts, documents."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from tests.tidy.source_tree import Module, Tree

PHRASES = {
    "lesson": "prequential block",
    "lessons": "prequential blocks",
    "golden": "shift-check set",
    "foresee": "score",
    "foresees": "scores",
    "foreseen": "scored, predicted",
    "loosen": "forget",
    "loosens": "forgets",
    "contestant": "challenger",
    "contestants": "challengers",
    "matches without ids": "probabilistic matching",
    "matched without ids": "matched probabilistically",
    "shared credit": "multi-touch attribution",
    "left behind can be asked": "query what it stored",
    "faster from there on": "raises the learning rate",
    "what becomes of": "say what happens to it",
    "what waits": "name what is waiting",
    "told and came": "predicted and actual",
    "what came": "the actual outcome",
    "nobody's": "placeholder",
    "ordeal": "chaos run",
    "simply": "leave it out",
    "basically": "leave it out",
    "obviously": "leave it out",
    "and so on": "list them, or say what they have in common",
    "in order to": "to",
    "utilize": "use",
    "leverage": "use",
}
"""Phrases that a reader has to guess at, and what to write."""

_PATTERNS = {
    phrase: re.compile(rf"(?<![\w-]){re.escape(phrase)}(?![\w-]| true)", re.IGNORECASE)
    for phrase in PHRASES
}


def private_phrases(tree: Tree) -> dict[str, str]:
    places: dict[str, dict[str, None]] = defaultdict(dict)
    for path, text in _texts(tree):
        for phrase, pattern in _PATTERNS.items():
            if pattern.search(text):
                places[phrase][path] = None
    return {
        phrase: f"({', '.join(paths)}) is a phrase of ours: write {PHRASES[phrase]!r}"
        for phrase, paths in places.items()
    }


def _texts(tree: Tree) -> Iterator[tuple[str, str]]:
    for module in tree.modules():
        if not module.path.startswith("tests/tidy/"):  # They quote what they forbid.
            yield module.path, "\n".join(_prose_of(module))
    for path, text in tree.documents().items():
        yield path, " ".join(text.split())


def _prose_of(module: Module) -> Iterator[str]:
    """Comments joined over lines, and text constants of more than one word."""
    last = -1
    block: list[str] = []
    for line, comment in sorted(module.comments.items()):
        if line != last + 1:
            yield " ".join(block)
            block = []
        block.append(comment.lstrip("#: "))
        last = line
    yield " ".join(block)
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield " ".join(node.value.split())
