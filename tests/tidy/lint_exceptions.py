"""Every exception from a linter gives its reason beside it."""

from __future__ import annotations

import re
import tomllib

from tests.tidy.source_tree import Module, Tree

_EXCEPTION = re.compile(
    r"#\s*(?:ruff:\s*)?(?:noqa|type:\s*ignore|pragma:\s*no cover|mypy:)(?::?\s*\[?[\w\-, ]*\]?)?"
)


def unjustified_exceptions(tree: Tree) -> dict[str, str]:
    found = {}
    for module in tree.modules():
        for line, comment in module.comments.items():
            if _EXCEPTION.search(comment) and not _has_reason(module, line, comment):
                found[f"{module.path}: {module.lines[line - 1].strip()}"] = (
                    "has no reason: add `# why` behind the exception, or a comment above it"
                )
    return found | _unjustified_in_pyproject(tree)


def _has_reason(module: Module, line: int, comment: str) -> bool:
    rest = _EXCEPTION.sub("", comment).strip(" #-—")
    return len(rest.split()) >= 2 or module.lines[line - 2].strip().startswith("#")


def _unjustified_in_pyproject(tree: Tree) -> dict[str, str]:
    """Ignored rules and overrides in pyproject.toml stand beside a comment."""
    path = tree.root / "pyproject.toml"
    if not path.exists():
        return {}
    text = path.read_text()
    tomllib.loads(text)
    lines = text.splitlines()
    found = {}
    for number, line in enumerate(lines):
        if not re.match(r"ignore\b|per-file-ignores|disable|omit|\[\[tool\.mypy\.overrides", line):
            continue
        near = lines[number - 1 : number + 2] if line[0] == "[" else lines[number - 1 : number + 1]
        if not any("#" in one for one in near):
            found[f"pyproject.toml: {line}"] = "has no reason: add a comment beside it"
    return found
