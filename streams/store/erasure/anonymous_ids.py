"""Ids that take the place of those of erased people, as SQL.

HMAC-SHA256 (RFC 2104) with a key made of the pseudonym secret, 16 bytes of it as hex. The same id
always becomes the same anonymous id, so that whatever is joined, counted or summed by it stays as
it is, and a row that arrives later is recognised without anybody knowing the id. ClickHouse and
Python compute the same.
"""

from __future__ import annotations

from streams.stages.common.pseudonyms import (
    ANONYMOUS_DIGITS,
    ANONYMOUS_FORM,
    ANONYMOUS_PREFIX,
    AnonymousIds,
)

_BLOCK_BYTES = 64

_BOOKED_AGAIN = r"\\.[0-9a-f]{8}(?:\\+[^:]*)?((?::[0-9]+)?(?::back|:move[0-9]+[+-])?)$"
"""Behind the statement of a booking: how often it was booked anew, and which half of a relink."""


class AnonymousSql:
    """SQL of the anonymous ids of one secret. It holds their key: never log it, never store it."""

    def __init__(self, secret: bytes) -> None:
        padded = AnonymousIds(secret).key.ljust(_BLOCK_BYTES, b"\0")
        self._outer = bytes(octet ^ 0x5C for octet in padded).hex()
        self._inner = bytes(octet ^ 0x36 for octet in padded).hex()

    def sql(self, text: str) -> str:
        """The anonymous id of an SQL expression."""
        inner = f"SHA256(concat(unhex('{self._inner}'), {text}))"
        digest = f"SHA256(concat(unhex('{self._outer}'), {inner}))"
        digits = f"lower(substring(hex({digest}), 1, {ANONYMOUS_DIGITS}))"
        stays = f"{text} = '' OR {is_anonymous(text)}"
        return f"if({stays}, {text}, concat('{ANONYMOUS_PREFIX}', {digits}))"

    def booking_sql(self, text: str) -> str:
        """The same of the id of a booking; how often it was booked anew stays readable."""
        return f"concat({self.sql(booking_base(text))}, extract({text}, '{_BOOKED_AGAIN}'))"


def booking_base(text: str) -> str:
    """SQL: the id of a booking without how often it was booked anew."""
    again = f"length(extract({text}, '{_BOOKED_AGAIN}'))"
    return f"substring({text}, 1, length({text}) - {again})"


def is_anonymous(text: str) -> str:
    """SQL: whether an id is an anonymous one."""
    return f"(startsWith({text}, '{ANONYMOUS_PREFIX}') AND match({text}, '{ANONYMOUS_FORM}'))"
