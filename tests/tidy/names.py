"""Rules on names: one meaning each, no empty ones, no private language."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.tidy.layout import words_of
from tests.tidy.source_tree import PRODUCT, Module, Tree

EMPTY = frozenset(
    {"utils", "util", "manager", "helper", "helpers", "data", "info", "process", "handle"}
)

PRIVATE = {
    "told": "predicted (y_pred), or reported",
    "came": "actual (y_true)",
    "said": "parsed or published",
    "lesson": "prequential block",
    "lessons": "prequential blocks",
    "golden": "shift-check set",
    "foresee": "score",
    "foreseen": "scored",
    "worth": "expected value",
    "loosen": "forget",
    "warming": "JIT warm-up",
    "contestant": "challenger",
    "contestants": "challengers",
    "ordeal": "chaos run",
    "dice": "random source (rng)",
    "thing": "what it is",
}
"""Words that mean something to us only, and what the trade says."""

LOCALS = frozenset({"one"})  # Fine in a comprehension, nowhere else.


def shared_names(tree: Tree) -> dict[str, str]:
    """Public top-level names that more than one module defines."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in tree.modules(PRODUCT):
        if not module.name.startswith("__"):
            for name in module.public():
                places[name].append(module.path)
    return {
        name: f"is defined in {', '.join(paths)}: rename it so that it needs no neighbours, "
        "merge what is the same, or make it private"
        for name, paths in places.items()
        if len(paths) > 1
    }


def empty_names(tree: Tree) -> dict[str, str]:
    """Modules, classes and functions whose name would fit anything."""
    found = {}
    for module in tree.modules():
        if module.name in EMPTY:
            found[module.path] = "has a name that fits anything: name its subject"
        for node in module.definitions():
            words = words_of(node.name)
            is_class = isinstance(node, ast.ClassDef)
            if node.name in EMPTY or (is_class and words and words[-1] in EMPTY):
                found[f"{module.path}: {node.name}"] = "fits anything: say what it is or does"
    return found


def private_words(tree: Tree) -> dict[str, str]:
    """Identifiers in our private language. Names of tests are sentences, and free."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in tree.modules():
        for name in set(_identifiers(module)):
            if not name.startswith("test_") and _private_in(name):
                places[name].append(module.path)
    return {
        name: f"({', '.join(paths)}) is a word of ours: readers expect {_private_in(name)}"
        for name, paths in places.items()
    }


def _private_in(name: str) -> str:
    """What readers expect instead of the private words in a name; empty when it has none."""
    return ", ".join(PRIVATE[word] for word in words_of(name) if word in PRIVATE)


def _identifiers(module: Module) -> Iterator[str]:
    """Names that the module itself gives: definitions, parameters, locals, fields; and its own."""
    yield module.name
    for node in module.nodes:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.alias(asname=str(alias)):
                yield alias


def vague_locals(tree: Tree) -> dict[str, str]:
    """Locals of the product called `one`, save in comprehensions, lambdas, beside `other`."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in tree.modules(PRODUCT):
        free = {
            id(name)
            for node in module.nodes
            for part in _parts_that_may_be_vague(node)
            for name in ast.walk(part)
        }
        given = {_given_name(node) for node in module.nodes if id(node) not in free}
        for name in LOCALS & given:
            places[name].append(module.path)
    return {
        name: f"({', '.join(paths)}) says nothing here: name what it holds"
        for name, paths in places.items()
    }


def _parts_that_may_be_vague(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.comprehension(target=target):
            yield target
        case ast.Lambda(args=arguments):
            yield arguments
        case ast.Tuple(elts=elements) | ast.arguments(args=elements):
            if any(_given_name(element) == "other" for element in elements):
                yield node


def _given_name(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return name
    return None
