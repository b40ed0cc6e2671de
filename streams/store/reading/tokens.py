"""Words and marks of a SQL statement, where no two readers can disagree about them.

ClickHouse's own lexer knows more: heredocs (`$tag$ … $tag$`), typographic quotes, `#` comments,
comments within comments. Whatever could be read in two ways is refused here, so that what looks
like a text to us is never a statement to the engine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from streams.store.base import Refused

STATEMENT_CHARACTERS_MAX = 200_000
"""ClickHouse's own bound, `max_query_size`, is 262,144 bytes."""


class TokenKind(Enum):
    WORD = "word"  # also a number
    NAME = "quoted name"
    TEXT = "text"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    begin: int
    end: int

    def is_word(self, *words: str) -> bool:
        return self.kind is TokenKind.WORD and self.text.lower() in words


_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+|--[^\n]*|/\*(?:(?!/\*|\*/).)*\*/)"
    r"|(?P<text>'(?:[^'\\]|''|\\.)*')"
    r'|(?P<name>`(?:[^`\\\x00-\x1f]|``)*`|"(?:[^"\\\x00-\x1f]|"")*")'
    r"|(?P<word>[A-Za-z0-9_]+)"
    r"|(?P<mark>[()\[\]{},.+\-*/%<>=!?:|;@^~&])",
    re.DOTALL,
)
_REMEDIES = {
    "$": "heredocs are not supported: write the text in single quotes",
    "#": "write comments as -- or /* */",
    "\\": "a backslash belongs within single quotes",
    "'": "a quote is not closed",
    "`": "a quoted name is not closed, or has a backslash or a control character",
    '"': "a quoted name is not closed, or has a backslash or a control character",
}


def tokens(sql: str) -> list[Token]:
    """The tokens of a statement, without comments. Refused: something is ambiguous."""
    if len(sql) > STATEMENT_CHARACTERS_MAX:
        raise Refused(f"the statement is longer than {STATEMENT_CHARACTERS_MAX:,} characters")
    if "\0" in sql:
        raise Refused("the statement has a null character: remove it")
    found, position = [], 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        if match is None:
            raise Refused(_fault(sql, position))
        if match.lastgroup != "space":
            kind = TokenKind[str(match.lastgroup).upper()]
            found.append(Token(kind, match[0], position, match.end()))
        position = match.end()
    return found


def _fault(sql: str, position: int) -> str:
    character = sql[position]
    if sql.startswith("/*", position):
        return "a comment is not closed, or holds another comment: /* … */ cannot be nested"
    remedy = _REMEDIES.get(character, "outside of quotes a statement has ASCII characters only")
    return f"the statement cannot be read at {character!r} (character {position + 1}): {remedy}"
