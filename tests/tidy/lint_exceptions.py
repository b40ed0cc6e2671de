"""Every exception from a linter gives its reason beside it."""

from __future__ import annotations

import re
import tomllib

from tests.tidy.source_tree import Module, Tree

_EXCEPTION = re.compile(
    r"#\s*(?:ruff:\s*)?noqa(?:: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*)?"
    r"|#\s*type:\s*ignore(?:\[[\w, -]*\])?|#\s*pragma:\s*no cover|#\s*mypy:.*"
)


def unjustified_exceptions(tree: Tree) -> dict[str, str]:
    """One reason a module is enough for exceptions of the same kind."""
    found = {}
    for module in tree.modules():
        exceptions = {
            line: match[0]
            for line, comment in module.comments.items()
            if (match := _EXCEPTION.search(comment))
        }
        explained = {kind for line, kind in exceptions.items() if _has_reason(module, line)}
        for line, kind in exceptions.items():
            if kind not in explained:
                found[f"{module.path}: {module.lines[line - 1].strip()}"] = (
                    "has no reason: add `# why` behind the exception, or a comment above it"
                )
    return found | _unjustified_in_pyproject(tree)


def _has_reason(module: Module, line: int) -> bool:
    rest = _EXCEPTION.sub("", module.comments[line]).strip(" #-—")
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
        end = number + 1
        while line.endswith("= [") and lines[end] != "]":
            end += 1
        if not any("#" in near for near in lines[max(number - 1, 0) : end + 1]):
            found[f"pyproject.toml: {line}"] = "has no reason: add a comment beside it"
    return found
