"""Checks the engine's own syntax tree of a statement (EXPLAIN AST) against what is allowed.

A line of the tree is a node, its depth the number of leading spaces:

    SelectWithUnionQuery (children 1)
     ExpressionList (children 1)
      SelectQuery (children 2)
       …
          TableIdentifier v_revenue (alias r)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from streams.store.base import Refused
from streams.store.reading.functions import ALLOWED_FUNCTIONS, COMBINATORS

_NODES = frozenset(
    """
    SelectWithUnionQuery SelectIntersectExceptQuery SelectQuery ExpressionList Identifier Literal
    Function Subquery TablesInSelectQuery TablesInSelectQueryElement TableExpression TableIdentifier
    TableJoin ArrayJoin SampleRatio WithElement WindowDefinition WindowListElement OrderByElement
    InterpolateElement Asterisk QualifiedAsterisk ColumnsRegexpMatcher ColumnsListMatcher
    QualifiedColumnsRegexpMatcher QualifiedColumnsListMatcher ColumnsTransformerList
    ColumnsExceptTransformer ColumnsReplaceTransformer ColumnsReplaceTransformer::Replacement
    Explain DescribeQuery ShowTables ShowColumns ShowIndexes ShowFunctions ShowCreateTableQuery
    ShowCreateViewQuery ShowCreateDatabaseQuery ExistsTableQuery ExistsViewQuery
    ExistsDatabaseQuery Set
    """.split()
)
_EXPLAINED = frozenset({"", " AST", " SYNTAX", " QUERY TREE", " PIPELINE", " ESTIMATE"})
_TABLE_FUNCTIONS = frozenset(
    "numbers numbers_mt zeros zeros_mt generateseries generate_series values view".split()
)
_SYSTEM_TABLES = frozenset(
    """
    tables columns databases functions formats parts parts_columns data_skipping_indices
    data_type_families aggregate_function_combinators merges mutations numbers numbers_mt one zeros
    zeros_mt time_zones
    """.split()
)
_SCHEMA_TABLES = frozenset("tables columns views schemata".split())
_IN = frozenset(
    "in notin globalin globalnotin nullin notnullin globalnullin globalnotnullin".split()
)

_LINE = re.compile(r"(?P<depth> *)(?P<node>[\w:]+)(?P<rest>.*)", re.DOTALL)
_TABLE_ALIAS = re.compile(
    r"^ *(?:TableIdentifier|Subquery|Function) .*\(alias (\w+)\)", re.MULTILINE
)
_NAME = re.compile(r" (?P<name>.*?)(?: \(alias .*\))?(?: \(children \d+\))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Node:
    depth: int
    kind: str
    rest: str
    parent: _Node | None

    @property
    def name(self) -> str:
        match = _NAME.fullmatch(self.rest)
        return match["name"] if match else ""

    @property
    def parent_kind(self) -> str:
        return self.parent.kind if self.parent else ""


def require_reading(tree: str, database: str, also: frozenset[str] = frozenset()) -> None:
    """Raise Refused unless the statement reads tables of `database`, or of what describes them.

    `tree` is the engine's answer to EXPLAIN AST, as raw text; `also`: tables that may be read
    beside these, as `system.settings`.
    """
    aliases = frozenset(_TABLE_ALIAS.findall(tree))
    for node in _nodes(tree):
        if node.kind not in _NODES:
            raise Refused(_unknown(node.kind))
        if node.kind == "TableIdentifier" and node.name not in also:
            _require_table(node.name, database)
        elif node.kind == "Function":
            _require_function(node)
        elif node.kind == "Identifier":
            _require_identifier(node, database, aliases)
        elif node.kind.startswith("ShowCreate"):
            _require_table(".".join(node.name.split()), database)
        elif node.kind == "Explain" and node.name.removeprefix("EXPLAIN") not in _EXPLAINED:
            raise Refused(f"{node.name} is not supported")
        elif node.kind == "Literal" and node.parent_kind in ("SelectWithUnionQuery", "Explain"):
            raise Refused("a query only reads: remove INTO OUTFILE")
        elif node.kind == "Set" and node.parent_kind != "Explain":
            raise Refused("a query cannot change settings: remove SETTINGS")


def _nodes(tree: str) -> Iterator[_Node]:
    path: list[_Node] = []
    for line in tree.splitlines():
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise Refused("the statement cannot be checked: simplify it")
        depth = len(match["depth"])
        del path[depth:]
        node = _Node(depth, match["node"], match["rest"], path[-1] if path else None)
        path.append(node)
        yield node


def _unknown(kind: str) -> str:
    if kind == "ColumnsApplyTransformer":
        return "APPLY is not supported: name the function for each column"
    return f"a query only reads, and {kind} is not among what it may use"


def _require_table(name: str, database: str) -> None:
    schema, dot, table = name.rpartition(".")
    is_allowed = (
        not dot
        or schema == database
        or (schema == "system" and table in _SYSTEM_TABLES)
        or (schema.lower() == "information_schema" and table.lower() in _SCHEMA_TABLES)
    )
    if not is_allowed or (not dot and not re.fullmatch(r"\w+", name, re.ASCII)):
        raise Refused(
            f"a query reads the tables and views of {database}, not {name}; SHOW TABLES lists them"
        )


def _require_identifier(node: _Node, database: str, aliases: frozenset[str]) -> None:
    """`x IN db.table` names a table where the column of a joined table could stand as well."""
    items = node.parent
    call = items.parent if items else None
    if call is None or call.kind != "Function" or call.name.lower() not in _IN:
        return
    schema, dot, _ = node.name.partition(".")
    is_column = schema in aliases and schema.lower() not in ("system", "information_schema")
    if dot and not is_column:
        _require_table(node.name, database)


def _require_function(node: _Node) -> None:
    name = node.name.lower()
    if node.parent_kind == "TableExpression":
        if name not in _TABLE_FUNCTIONS:
            raise Refused(f"the table function {node.name} is not among what a query may use")
        return
    if not _is_allowed(name):
        raise Refused(f"the function {node.name} is not among what a query may use")


def _is_allowed(name: str) -> bool:
    if name in ALLOWED_FUNCTIONS:
        return True
    return any(
        name.endswith(suffix) and len(name) > len(suffix) and _is_allowed(name[: -len(suffix)])
        for suffix in COMBINATORS
    )
