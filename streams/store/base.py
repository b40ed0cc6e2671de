"""What the rest of Headwater asks of a store, and how a store says no.

A statement is SQL with `{name}` where a value goes; values are quoted here, the same way for
both stores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from streams.errors import HeadwaterError, Stop

Columns = Mapping[str, Sequence[Any]]
"""Column name -> values. Times are integer milliseconds since 1970."""

SqlValue = str | int | Sequence[str] | Sequence[int]


class QueryResult(NamedTuple):
    """Values are what JSON has: text, numbers, booleans, None, lists and dicts. Times are text,
    `YYYY-MM-DD hh:mm:ss.mmm` in UTC; decimals are floats."""

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Store(Protocol):
    """One thread at a time, unless the implementation says otherwise."""

    @property
    def place(self) -> str:
        """The folder or server, as a person would write it, without a password."""

    def insert(self, table: str, columns: Columns) -> None:
        """Append rows; returns once they are stored. Raises UnavailableError, Refused or
        BadRowsError."""

    def query(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> QueryResult:
        """Read. Statements that could change anything raise Refused."""

    def execute(self, sql: str) -> None:
        """Change tables or views; for migrations."""

    def close(self) -> None: ...


class UnavailableError(HeadwaterError):
    """The store cannot be reached, or is overloaded. What was sent may or may not be stored."""


class Refused(Stop):
    """The store works and says no; trying again will not help."""


class BadRowsError(HeadwaterError):
    """The store does not take these rows; none of them is stored."""


# Codes of ClickHouse's ErrorCodes.cpp after which the same request may well succeed: time-outs,
# too many queries or parts, no memory, connection lost, and states that pass.
RETRIED = frozenset(
    {3, 107, 159, 164, 202, 203, 209, 210, 236, 241, 242, 243, 252, 285, 319, 394, 425, 999}
)

# Codes that need a person, and what to tell them.
ADVICE = {
    16: "a column is missing: run `headwater migrate`",
    60: "a table is missing: run `headwater migrate`",
    81: "the database does not exist: create it, or correct HEADWATER_CLICKHOUSE",
    192: "the user does not exist: correct HEADWATER_CLICKHOUSE",
    193: "the password is wrong: correct HEADWATER_CLICKHOUSE",
    497: "the user lacks a privilege: grant it INSERT, SELECT and CREATE",
    516: "user or password is wrong: correct HEADWATER_CLICKHOUSE",
}

_CODE = re.compile(r"\bCode: (\d+)")


def code_of(message: str) -> int:
    """The error code in a message of ClickHouse; 0 if there is none."""
    found = _CODE.search(message)
    return int(found.group(1)) if found else 0


def one_line(message: str, length_max: int = 300) -> str:
    """The gist of a message of ClickHouse: no stack trace, no code, one line."""
    text = message.split("Stack trace:")[0].split("(version ")[0]
    text = re.sub(r"^.*?DB::Exception: ", "", " ".join(text.split()))
    return text[:length_max].strip().rstrip(".")


def error_of(place: str, code: int, message: str) -> Exception:
    """The error to raise for what ClickHouse said; BadRowsError if it is about this request."""
    if code in RETRIED:
        return UnavailableError(f"ClickHouse at {place}: {one_line(message)}")
    if code in ADVICE:
        return Refused(f"ClickHouse at {place}: {one_line(message)}; {ADVICE[code]}")
    return BadRowsError(f"ClickHouse at {place}: {one_line(message)} (code {code})")


def quote(value: SqlValue) -> str:
    """A literal of ClickHouse SQL; a sequence becomes a list for IN."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "(" + ", ".join(quote(item) for item in value) + ")"


def bind(sql: str, params: Mapping[str, SqlValue] | None) -> str:
    """Put the quoted values where `{name}` stands; other braces stay."""
    if not params:
        return sql
    return re.sub(
        r"\{(\w+)\}",
        lambda found: quote(params[found[1]]) if found[1] in params else found[0],
        sql,
    )


_READS = frozenset({"select", "with", "show", "describe", "desc", "explain", "exists"})
_LITERAL_OR_COMMENT = re.compile(r"'(?:\\.|[^'\\])*'|`[^`]*`|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.S)


def require_read_only(sql: str) -> None:
    """Raise Refused unless `sql` is one statement that only reads."""
    bare = _LITERAL_OR_COMMENT.sub(" ", sql).strip().rstrip(";").strip()
    words = re.findall(r"\w+", bare.lower())
    if not words or words[0] not in _READS:
        raise Refused("only SELECT, WITH, SHOW, DESCRIBE, EXPLAIN and EXISTS may be queried")
    if ";" in bare:
        raise Refused("one statement at a time: remove everything after the semicolon")
    if "outfile" in words or "insert" in words:
        raise Refused("a query may not write: remove INSERT or INTO OUTFILE")
