"""Runs a person's statement on a store, after checking what it does."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from streams.store.base import QueryResult, Store
from streams.store.reading.limits import ReadLimits
from streams.store.reading.statement import Statement, statement_of
from streams.store.reading.syntax_tree import require_reading

TREE_ROWS_MAX = 200_000
"""A statement has more nodes than that only if it is written to be a burden."""


class Document(bytes):
    """An answer in a format of ClickHouse, such as CSV."""


ReadAnswer = QueryResult | Document


class Readable(Store, Protocol):
    """A store that also takes statements of people.

    Both calls use a session in which nothing can be changed. They raise Refused, naming the limit,
    when a limit is reached, and UnavailableError.
    """

    def read(self, sql: str, limits: ReadLimits) -> QueryResult:
        """The rows of a statement."""

    def render(self, sql: str, output_format: str, limits: ReadLimits) -> bytes:
        """The answer in a format of ClickHouse. Refused: the format is unknown."""


def answer_to(store: Readable, sql: str, limits: ReadLimits) -> ReadAnswer:
    """The answer to a statement: a document when it has a FORMAT clause, else rows.

    Refused, in one line: the statement may do something other than read, or a limit is reached.
    """
    statement = checked(store, sql, limits)
    if statement.output_format is None:
        return store.read(statement.sql, limits)
    return Document(store.render(statement.sql, statement.output_format, limits))


def rows_for(store: Readable, sql: str, limits: ReadLimits) -> QueryResult:
    """The rows of a statement; a FORMAT clause is ignored. Refused as `answer_to` does."""
    return store.read(checked(store, sql, limits).sql, limits)


def checked(
    store: Readable, sql: str, limits: ReadLimits, also: frozenset[str] = frozenset()
) -> Statement:
    """The statement without its FORMAT clause. Refused: it may do something other than read.

    `also`: see `require_reading`.
    """
    statement = statement_of(sql)
    roomy = replace(limits, rows=max(limits.rows, TREE_ROWS_MAX))
    database = store.read("SELECT currentDatabase()", roomy).rows[0][0]
    tree = store.read(f"EXPLAIN AST {statement.sql}", roomy)
    require_reading("\n".join(str(row[0]) for row in tree.rows), str(database), also)
    return statement
