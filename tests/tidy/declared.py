"""Rules on what is declared: settings are read, metrics and bounds explained, fields used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from schemas.contracts.field_uses import FieldUse, used_fields
from tests.tidy.source_tree import PRODUCT, Module, Tree

SETTINGS = "streams/settings/"
METRICS = "streams/worker/metrics.py"
EVENTS = "schemas/events"  # a module or a package
MIGRATIONS = "schemas/migrations"
DECIDERS = ("attribution/", "online_models/", "streams/stages/", "streams/store/", "schemas/")


def unread_settings(tree: Tree) -> dict[str, str]:
    """Settings that no line of the product reads."""
    declared: dict[str, tuple[Module, str]] = {}
    for module in tree.modules(PRODUCT):
        if module.path.startswith(SETTINGS):
            declared |= {field: (module, variable) for field, variable in _settings_of(module)}
    read = {
        node.attr
        for module in tree.modules(PRODUCT)
        for node in module.nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    return {
        variable: f"({module.path}: {field}) is read by nothing: use or remove it"
        for field, (module, variable) in declared.items()
        if field not in read
    }


def _settings_of(module: Module) -> Iterator[tuple[str, str]]:
    """Field and variable: `field: Annotated[…] = field(name="HEADWATER_…", …)`."""
    for node in module.nodes:
        match node:
            case ast.AnnAssign(target=ast.Name(id=field), value=ast.Call(keywords=[*keywords])):
                for keyword in keywords:
                    match keyword:
                        case ast.keyword(arg="name", value=ast.Constant(value=str(variable))):
                            yield field, variable


def unexplained_metrics(tree: Tree) -> dict[str, str]:
    """Metrics without a sentence that says what they count."""
    module = tree.module(METRICS)
    found = {}
    for name, text in _metrics_of(module) if module else ():
        if len(text.split()) < 3 or not text.endswith("."):
            found[name] = "needs a help text: one sentence on what it counts, ending in a full stop"
    return found


def _metrics_of(module: Module) -> Iterator[tuple[str, str]]:
    """Name of the constant and help text: `NAME = _counter("name", "text", …)`."""
    for node in module.syntax.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(args=[_, ast.Constant(value=str(text)), *_]),
            ):
                yield name, text


def unexplained_bounds(tree: Tree) -> dict[str, str]:
    """Limits without a word beside them on what they bound, and why that much."""
    found = {}
    for module in tree.modules(PRODUCT):
        for name, node in module.public().items():
            if re.search(r"_(MAX|LIMIT)(_|$)", name) and not _is_explained(module, node):
                found[name] = f"({module.path}) needs a comment: what it bounds, and why"
    return found


def _is_explained(module: Module, node: ast.stmt) -> bool:
    lines = range(node.lineno - 1, (node.end_lineno or node.lineno) + 1)
    if any(line in module.comments for line in lines):
        return True
    body = module.syntax.body
    after = body[body.index(node) + 1 :][:1]
    return any(isinstance(x, ast.Expr) and isinstance(x.value, ast.Constant) for x in after)


def unused_fields(tree: Tree) -> dict[str, str]:
    """Fields of the contract that are neither stored nor read by a stage."""
    stored = _stored_columns(tree)
    ignored = {(one.owner, one.field) for one in used_fields() if one.use is FieldUse.IGNORED}
    read = {
        name
        for other in tree.modules(PRODUCT)
        if other.path.startswith(DECIDERS)
        for node in other.nodes
        if (name := _name_read(node, other))
    }
    return {
        f"{owner}.{field}": "is neither stored nor read: use it, or list it as ignored"
        for module in tree.modules(PRODUCT)
        if module.path.startswith(EVENTS)
        for owner, field in _fields_of(module)
        if field not in stored and field not in read and (owner, field) not in ignored
    }


def _name_read(node: ast.AST, module: Module) -> str | None:
    """The attribute that an expression reads; the stages also read by name, as text."""
    match node:
        case ast.Attribute(attr=name):
            return name
        case ast.Constant(value=str(name)) if not module.path.startswith("schemas/"):
            return name
    return None


def _fields_of(module: Module) -> Iterator[tuple[str, str]]:
    for node in module.syntax.body:
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    yield node.name, item.target.id


def _stored_columns(tree: Tree) -> set[str]:
    texts = [path.read_text() for path in sorted((tree.root / MIGRATIONS).glob("*.sql"))]
    return set(re.findall(r"^\s+`?([a-z][a-z0-9_]*)`? [A-Z]", "\n".join(texts), re.MULTILINE))
