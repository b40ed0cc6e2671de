"""The interface of a store, its errors, and SQL with values.

A statement is SQL with `{name}` where a value goes. Values are quoted here, in the same way for
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
"""A parameter of a query; a sequence becomes a list for IN."""


class QueryResult(NamedTuple):
    """The answer to a query. Values are those of JSON: text, numbers, booleans, None, lists, dicts.

    Times are text, `YYYY-MM-DD hh:mm:ss.mmm` in UTC; decimals are floats.
    """

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Store(Protocol):
    """ClickHouse, as Headwater uses it.

    Every call blocks until the store has answered. Calls may come from several threads, in any
    order, until `close`. Both implementations raise UnavailableError when the same call may succeed
    later, and Refused when it will not.
    """

    @property
    def place(self) -> str:
        """The folder or server as a person would write it, without the password."""

    def insert(self, table: str, columns: Columns) -> None:
        """Append rows to a table; returns once they are stored.

        BadRowsError: the table does not take these rows, and none is stored. UnavailableError: they
        may or may not be stored, so read back before inserting them again.
        """

    def query(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> QueryResult:
        """Run one statement that only reads; any other raises Refused."""

    def execute(self, sql: str) -> None:
        """Run a statement that changes tables or views; for migrations."""

    def close(self) -> None:
        """Give up connections; no call may follow."""


class UnavailableError(HeadwaterError):
    """The store cannot be reached or is overloaded. What was sent may or may not be stored."""


class StoreDiskFullError(UnavailableError):
    """The disk of the store is full. Nothing is wrong with the rows: the same call works again once
    there is room."""

    def __init__(self, place: str, text: str) -> None:
        super().__init__(
            f"the disk of ClickHouse at {place} is full ({text}): make room there; workers then go "
            "on by themselves and lose nothing, a command has to be run again"
        )


class Refused(Stop):
    """The store refuses; the same call will not succeed later."""


class BadRowsError(HeadwaterError):
    """The table does not take these rows; none of them is stored."""

    def __init__(self, text: str, *, is_certain: bool = True) -> None:
        """`is_certain`: the reason lies in the rows, and not in the table."""
        super().__init__(text)
        self.is_certain = is_certain


# Codes of ClickHouse's ErrorCodes.cpp after which the same request may well succeed: time-outs,
# too many queries or parts, no memory, lost connections and other passing states.
RETRIED = frozenset(
    {3, 107, 159, 164, 202, 203, 209, 210, 236, 241, 242, 252, 285, 319, 394, 425, 999}
)

# Codes of files that cannot be opened, made, read, written or removed, and of an operating system
# that gives no memory and no threads: whatever it is, no row is at fault.
MACHINE_CODES = frozenset(
    {74, 75, 76, 77, 87, 88, 172, 173, 204, 214, 294, 400, 424, 439, 458, 531, 566, 586, 641}
)

# What ClickHouse and the operating system say when a disk is full, under several codes.
_NOT_ENOUGH_SPACE = 243
_FULL_WORDS = ("No space left on device", "Disk quota exceeded")

# Codes after which a value of a row is at fault: parsing, conversion, ranges, sizes, constraints.
ROW_CODES = frozenset(
    {6, 26, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 128, 131, 190, 321, 349, 376, 407, 469}
)

# Codes that need an operator, and the advice for each.
ADVICE = {
    16: "a column is missing: run `headwater migrate`",
    60: "correct the name, or run `headwater migrate` when a table is missing",
    81: "the database does not exist: create it, or correct HEADWATER_CLICKHOUSE",
    192: "the user does not exist: correct HEADWATER_CLICKHOUSE",
    193: "the password is wrong: correct HEADWATER_CLICKHOUSE",
    497: "the user lacks a privilege: grant INSERT, SELECT and CREATE",
    516: "the user or the password is wrong: correct HEADWATER_CLICKHOUSE",
}

_CODE = re.compile(r"\bCode: (\d+)")


def code_of(message: str) -> int:
    """The error code in a message from ClickHouse; 0 when there is none."""
    found = _CODE.search(message)
    return int(found.group(1)) if found else 0


def one_line(message: str, length_max: int = 300) -> str:
    """A message from ClickHouse on one line, without stack trace, code and version."""
    text = message.split("Stack trace:")[0].split("(version ")[0]
    text = re.sub(r"^.*?DB::Exception: (Code: \d+\. DB::Exception: )*", "", " ".join(text.split()))
    return text[:length_max].strip().rstrip(".")


def error_of(place: str, code: int, message: str) -> Exception:
    """The exception for an error code of ClickHouse; BadRowsError when the request is at fault."""
    # A row may quote the words, too.
    is_full = code not in ROW_CODES and any(words in message for words in _FULL_WORDS)
    if code == _NOT_ENOUGH_SPACE or is_full:
        return StoreDiskFullError(place, one_line(message))
    if code in RETRIED or code in MACHINE_CODES:
        return UnavailableError(f"ClickHouse at {place}: {one_line(message)}")
    if code in ADVICE:
        return Refused(f"ClickHouse at {place}: {one_line(message)}; {ADVICE[code]}")
    return BadRowsError(
        f"ClickHouse at {place}: {one_line(message)} (code {code})",
        is_certain=code in ROW_CODES,
    )


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
    """Replace each `{name}` by its quoted value; other braces stay."""
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
    """Raise Refused unless `sql` is a single statement that only reads."""
    bare = _LITERAL_OR_COMMENT.sub(" ", sql).strip().rstrip(";").strip()
    words = re.findall(r"\w+", bare.lower())
    if not words or words[0] not in _READS:
        raise Refused("a query starts with SELECT, WITH, SHOW, DESCRIBE, EXPLAIN or EXISTS")
    if ";" in bare:
        raise Refused("a query is one statement: remove everything after the semicolon")
    if "outfile" in words or "insert" in words:
        raise Refused("a query only reads: remove INSERT or INTO OUTFILE")
