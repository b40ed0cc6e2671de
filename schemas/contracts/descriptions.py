"""What each field of a message means, from the docstring that follows the field in its struct.

Like `use_attribute_docstrings` of pydantic. The structs are the one source: JSON Schema, AsyncAPI,
the comments of SQL columns and `VIEWS.md` repeat them.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from types import ModuleType

import msgspec

from schemas.outcomes.outcome import SHARED_DESCRIPTIONS, Outcome


def field_descriptions(message: type[msgspec.Struct]) -> dict[str, str]:
    """Description by field name, of the fields that have one. Outcomes fall back to the shared
    descriptions; a subclass overrides its bases."""
    found: dict[str, str] = {}
    for base in reversed(message.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            found |= _declared_in(sys.modules[base.__module__]).get(base.__name__, {})
    if issubclass(message, Outcome):
        shared = SHARED_DESCRIPTIONS.keys() & set(message.__struct_fields__)
        found = {name: SHARED_DESCRIPTIONS[name] for name in shared} | found
    return found


@cache
def _declared_in(module: ModuleType) -> dict[str, dict[str, str]]:
    """Field descriptions by class name, of all classes of a module."""
    statements = ast.parse(inspect.getsource(module)).body
    return {node.name: _of_fields(node) for node in statements if isinstance(node, ast.ClassDef)}


def _of_fields(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, after in zip(node.body, node.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[field.target.id] = " ".join(str(after.value.value).split())
    return found
