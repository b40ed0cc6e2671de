"""Every field of the contract is stored, decides something, or is ignored for a reason."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import attribution
import schemas
import streams.stages
from schemas.contracts.field_uses import FieldUse, used_fields
from schemas.contracts.fields_page import declared_fields, declaring_structs
from streams.store.tables import TABLES

FIELDS = list(used_fields())
DECIDERS = [
    Path(package.__file__ or "").parent for package in (attribution, schemas, streams.stages)
]


def test_every_field_has_one_use() -> None:
    listed = Counter((used.owner, used.field) for used in FIELDS)
    declared = {
        (struct.__name__, field)
        for struct in declaring_structs()
        for field in declared_fields(struct)
    }
    assert {field for field, uses in listed.items() if uses > 1} == set()
    assert declared - listed.keys() == set(), "say in schemas/contracts/field_uses.py"
    assert listed.keys() - declared == set()


def test_what_is_stored_has_its_columns() -> None:
    columns = {f"{table.name}.{one.name}" for table in TABLES.values() for one in table.columns}
    stored = {
        column
        for used in FIELDS
        if used.use is FieldUse.STORED
        for column in used.detail.split(", ")
    }
    assert stored - columns == set()


def test_what_is_stored_or_decides_is_read() -> None:
    read = {
        node.attr if isinstance(node, ast.Attribute) else str(node.value)
        for folder in DECIDERS
        for module in folder.rglob("*.py")
        if "contracts" not in module.parts
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Attribute)
        or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    }
    unread = {
        f"{used.owner}.{used.field}"
        for used in FIELDS
        if used.use is not FieldUse.IGNORED and used.field not in read
    }
    assert unread == set()


def test_what_is_ignored_says_why() -> None:
    ignored = [used for used in FIELDS if used.use is FieldUse.IGNORED]
    assert all(len(used.detail.split()) >= 5 for used in ignored)
    assert len(ignored) <= 12
