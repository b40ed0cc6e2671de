"""What a person's statement is, by its words alone: kind, FORMAT clause, refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.store.base import Refused
from streams.store.reading.tokens import Token, TokenKind, tokens

_FIRST = ("select", "with", "from", "show", "describe", "desc", "explain", "exists")
_SHOWN = frozenset(
    "tables databases columns fields create index indexes indices keys functions full extended"
    " changed settings".split()
)
_BEFORE_A_NAME = frozenset(
    "select distinct from join by where prewhere having and or not on using as in like between"
    " when then else limit offset with all union except intersect".split()
)
_NAMES_A_TABLE = ("describe", "desc", "table", "show", "exists")
"""A name follows these at the beginning; later, `desc` orders and `table` is a column."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that only reads, as far as its words tell."""

    sql: str
    """Without comments at its end, semicolon and FORMAT clause."""
    output_format: str | None
    """What FORMAT asked for."""


def statement_of(sql: str) -> Statement:
    """Refused: it is empty, several statements, no query, or writes somewhere."""
    found = tokens(sql)
    while found and found[-1].text == ";":
        found.pop()
    _require_one_query(found)
    _require_no_clauses(found)
    end, output_format = found[-1].end, None
    if _is_format_clause(found):
        output_format = found[-1].text
        end = found[-3].end
    return Statement(sql[found[0].begin : end], output_format)


def _require_one_query(found: Sequence[Token]) -> None:
    opening = [token for token in found if token.text != "("]
    if not opening or not opening[0].is_word(*_FIRST):
        raise Refused("a query starts with SELECT, WITH, SHOW, DESCRIBE, EXPLAIN or EXISTS")
    if any(token.text == ";" for token in found):
        raise Refused("a query is one statement: remove everything after the semicolon")
    if opening[0].is_word("show") and not (len(opening) > 1 and opening[1].is_word(*_SHOWN)):
        raise Refused(
            "SHOW is for TABLES, DATABASES, COLUMNS, CREATE TABLE, CREATE VIEW, INDEXES, FUNCTIONS"
        )


def _require_no_clauses(found: Sequence[Token]) -> None:
    for before, token, after in zip(found, found[1:], [*found[2:], None], strict=False):
        if token.is_word("outfile"):
            raise Refused("a query only reads: remove INTO OUTFILE; redirect the output instead")
        if (
            before.is_word("settings")
            and token.kind in (TokenKind.WORD, TokenKind.NAME)
            and after is not None
            and after.text == "="
        ):
            raise Refused(
                "a query cannot change settings: remove SETTINGS; "
                "HEADWATER_QUERY_TIMEOUT, …_MEMORY and …_ROWS hold the limits"
            )


def _is_format_clause(found: Sequence[Token]) -> bool:
    """Whether the end is FORMAT NAME: not an alias of a column or table called format."""
    if len(found) < 3:
        return False
    before, keyword, name = found[-3:]
    if not keyword.is_word("format") or name.kind is not TokenKind.WORD:
        return False
    if before.kind is TokenKind.MARK:
        return before.text in (")", "]", "}", "*")
    if len(found) <= 4 and found[0].is_word(*_NAMES_A_TABLE) and before.is_word(*_NAMES_A_TABLE):
        return False
    is_by_all = len(found) > 4 and before.is_word("all") and found[-4].is_word("by")
    return is_by_all or not before.is_word(*_BEFORE_A_NAME)
