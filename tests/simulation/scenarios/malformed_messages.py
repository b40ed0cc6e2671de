"""Messages that broken producers and broken networks write."""

from __future__ import annotations

import random

NONSENSE = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"\xff\xfe",
    b'{"type":"purchase"}',
    b'{"type":"unheard_of","schema_version":1}',
    b'{"type":"install","schema_version":9}',
)


def corrupted(value: bytes, chance: random.Random) -> bytes:
    """Nonsense, or a message that lost its end, one byte, one id, or its sense of time."""
    cut = chance.randrange(max(1, len(value)))
    return chance.choice(
        (
            chance.choice(NONSENSE),
            value[:cut],
            value[:cut] + bytes([chance.randrange(256)]) + value[cut + 1 :],
            value.replace(b'"app_id"', b'"app_id":"twice","app_id"'),
            value.replace(b'"event_time":1', b'"event_time":9'),
            value.replace(b'"event_time":1', b'"event_time":-1'),
            value.replace(b'"currency":"USD"', b'"currency":"XXD"'),
            value.replace(b'"install_id":"', b'"install_id":"\\u0000'),
        )
    )
