"""The structs of outcomes are the one source of columns: tables, views and queries follow them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import streams
from schemas.contracts import field_descriptions
from streams.store.base import BadRowsError, Refused, SqlValue, bind, one_line
from streams.store.embedded import EmbeddedStore
from streams.store.migrations import migrations
from streams.store.tables import TABLES
from tests.streams.store.test_embedded import TYPE_OF_KIND

STREAMS = Path(streams.__file__).parent
LOG_DESCRIPTIONS = {
    "log_epoch": "Incarnation of the log that carried this row.",
    "log_partition": "Partition of the outcome topic.",
    "log_offset": "Offset in that partition.",
}
STATEMENTS = [statement for migration in migrations() for statement in migration.statements]
TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)\n\(\n(.*?)\n\)\n", re.DOTALL)
COLUMN = re.compile(r"^    (\w+) (?!.*\bTYPE minmax).*? COMMENT '((?:[^']|'')*)'", re.MULTILINE)
ALTER = re.compile(r"ALTER TABLE (\w+)\n(.*)", re.DOTALL)
COMMENTED = re.compile(r"ALTER TABLE (\w+) COMMENT COLUMN (\w+) '((?:[^']|'')*)'")
ADDED = re.compile(
    r"^    ADD COLUMN IF NOT EXISTS (\w+) .*? COMMENT '((?:[^']|'')*)'(?: CODEC\S+)? AFTER (\w+)",
    re.MULTILINE,
)
VIEW = re.compile(r"CREATE OR REPLACE VIEW (\w+)")
QUERY = re.compile(r"\s*(?:SELECT|WITH)\s.*?\sFROM (?!system\.|schema_migrations)\w", re.DOTALL)
EXPLAIN = "operations/explain/"
MADE_BY_EXPLAIN = {
    *("decisions", "predictions", "revenue"),
    *("feature", "intercept", "log_odds", "parts", "total"),
    *("rule", "verdict"),
}
"""Keys of an explanation that are not columns: its parts, contributions of features, receipts."""

WRITTEN_BY_COMMANDS = {"privacy_erased", "cohort_daily", "cohort_builds"}
"""Tables that no outcome fills."""

PARAMETERS: dict[str, SqlValue] = {
    "topic": "touchpoints",
    "partition": 0,
    "offset": 0,
    "days": 30,
    **dict.fromkeys(("experiment_version", "window_h", "moment", "cap_micros"), 1),
    "where": 1,  # the filters of the board
    "newest": "2026-01-31",
}


def declared() -> dict[str, list[tuple[str, str]]]:
    """Name and comment of every column but inserted_at, by table, as the migrations say."""
    tables: dict[str, list[tuple[str, str]]] = {}
    for statement in STATEMENTS:
        if (found := TABLE.search(statement)) and found[1] in WRITTEN_BY_COMMANDS:
            continue
        if found:
            tables[found[1]] = [
                (name, comment.replace("''", "'"))
                for name, comment in COLUMN.findall(found[2])
                if name != "inserted_at"
            ]
        elif found := ALTER.search(statement):
            columns = tables[found[1]]
            for name, comment, place in ADDED.findall(found[2]):
                after = [column for column, _ in columns].index(place) + 1
                columns.insert(after, (name, comment.replace("''", "'")))
        elif found := COMMENTED.search(statement):
            columns = tables[found[1]]
            place = [column for column, _ in columns].index(found[2])
            columns[place] = found[2], found[3].replace("''", "'")
    return tables


def test_every_table_has_the_fields_of_its_struct_in_their_order() -> None:
    tables = declared()

    assert tables.keys() == TABLES.keys()
    for name, table in TABLES.items():
        fields = [column.name for column in table.all_columns]
        columns = [column for column, _ in tables[name]]
        assert set(fields) - set(columns) == set(), f"fields without a column in table {name}"
        assert set(columns) - set(fields) == set(), f"columns of table {name} without a field"
        assert columns == fields, name


def test_every_column_has_the_description_of_its_field() -> None:
    wrong = [
        f"{name}.{column}: {comment!r} in SQL, {expected!r} in the struct"
        for name, columns in declared().items()
        for described in [field_descriptions(TABLES[name].outcome) | LOG_DESCRIPTIONS]
        for column, comment in columns
        if comment != (expected := described.get(column, ""))
    ]
    assert wrong == []


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """Tables made from the structs alone; the tests put the views on them, then query both."""
    pytest.importorskip("chdb")
    opened = EmbeddedStore(tmp_path_factory.mktemp("columns"))
    for table in TABLES.values():
        columns = [f"{column.name} {TYPE_OF_KIND[column.kind]}" for column in table.all_columns]
        columns.append("inserted_at DateTime64(3, 'UTC')")
        opened.execute(
            f"CREATE TABLE {table.name} ({', '.join(columns)}) ENGINE = MergeTree ORDER BY tuple()"
        )
    for statement in STATEMENTS:
        if (found := TABLE.search(statement)) and found[1] in WRITTEN_BY_COMMANDS:
            opened.execute(statement)
    yield opened
    opened.close()


def fault_of(act: Callable[[], object]) -> str:
    """What ClickHouse refuses in it; of an unknown column, its name."""
    try:
        act()
    except (BadRowsError, Refused) as error:
        return one_line(str(error))
    return ""


def written_out() -> Iterator[tuple[str, str]]:
    """Every query of the product that is one literal text, and where it stands."""
    for path in sorted(STREAMS.rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        parts = {
            id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values
        }
        for node in nodes:
            if not isinstance(node, ast.Constant) or id(node) in parts:
                continue
            if isinstance(node.value, str) and QUERY.match(node.value):
                yield f"{path.relative_to(STREAMS)}:{node.lineno}", node.value


def with_values(sql: str) -> str:
    names = re.findall(r"\{(\w+)\}", sql)
    return bind(sql, {name: PARAMETERS.get(name, "x") for name in names})


def faults_of_views(store: EmbeddedStore) -> dict[str, str]:
    """Puts every view on the tables of the structs."""
    views = {found[1]: sql for sql in STATEMENTS if (found := VIEW.search(sql))}
    faults = {name: fault_of(partial(store.execute, sql)) for name, sql in views.items()}
    return {name: fault for name, fault in faults.items() if fault}


def test_views_name_only_columns_that_structs_have(store: EmbeddedStore) -> None:
    assert faults_of_views(store) == {}


def test_queries_name_only_columns_that_structs_and_views_have(store: EmbeddedStore) -> None:
    faults_of_views(store)
    queries = dict(written_out())

    faults = {
        where: fault
        for where, sql in queries.items()
        if (fault := fault_of(partial(store.query, f"SELECT * FROM ({with_values(sql)}) LIMIT 0")))
    }
    assert faults == {}
    assert sum(where.startswith(EXPLAIN) for where in queries) > 10


def test_an_explanation_names_only_columns_that_its_queries_select(store: EmbeddedStore) -> None:
    faults_of_views(store)
    selected = {
        name
        for where, sql in written_out()
        if where.startswith(EXPLAIN)
        for name in store.query(f"SELECT * FROM ({with_values(sql)}) LIMIT 0").names
    }

    named = {
        node.slice.value
        for path in (STREAMS / EXPLAIN).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Subscript)
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
    }
    assert named - selected - MADE_BY_EXPLAIN == set()
