"""The files of a tree as the rules see them: paths relative to a root, parsed once."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PRODUCT = ("schemas", "attribution", "online_models", "streams")
EVERYTHING = (*PRODUCT, "deploy", "tests")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: str  # relative to the root, with slashes
    source: str

    @cached_property
    def syntax(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.syntax))

    @cached_property
    def comments(self) -> dict[int, str]:
        """Comments by line number."""
        tokens = tokenize.generate_tokens(io.StringIO(self.source).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    @cached_property
    def lines(self) -> list[str]:
        return self.source.splitlines()

    @property
    def name(self) -> str:
        return Path(self.path).stem

    @property
    def folder(self) -> str:
        return Path(self.path).parent.as_posix()

    @property
    def is_init(self) -> bool:
        return self.name == "__init__"

    def definitions(self) -> Iterator[Definition]:
        """Functions and classes, nested ones included."""
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield node

    def top_level(self) -> dict[str, ast.stmt]:
        """What the module defines itself: functions, classes, constants and aliases, by name."""
        found: dict[str, ast.stmt] = {}
        for node in self.syntax.body:
            for name in _names_of(node):
                found.setdefault(name, node)
        return found

    def public(self) -> dict[str, ast.stmt]:
        return {name: node for name, node in self.top_level().items() if name[0] != "_"}


def _names_of(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _ if isinstance(getattr(node, "name", None), ast.Name):  # `type X = …`
            return [node.name.id]  # type: ignore[attr-defined]  # Python 3.12 and later
    return []


@dataclass(frozen=True)
class Tree:
    """Everything below `root` that a rule may look at."""

    root: Path

    @cached_property
    def _modules(self) -> dict[str, Module]:
        found = {}
        for package in EVERYTHING:
            for file in sorted((self.root / package).rglob("*.py")):
                if "__pycache__" not in file.parts:
                    path = file.relative_to(self.root).as_posix()
                    found[path] = Module(path, file.read_text())
        return found

    def modules(self, packages: tuple[str, ...] = EVERYTHING) -> list[Module]:
        return [module for path, module in self._modules.items() if path.split("/")[0] in packages]

    def module(self, path: str) -> Module | None:
        return self._modules.get(path)

    def documents(self) -> dict[str, str]:
        """Markdown files of the product, by path."""
        paths = [*self.root.glob("*.md")]
        for package in EVERYTHING:
            paths += (self.root / package).rglob("*.md")
        return {path.relative_to(self.root).as_posix(): path.read_text() for path in sorted(paths)}
