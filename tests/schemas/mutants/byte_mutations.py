"""Damage to the bytes of a message: what networks, disks, proxies and attackers do to it."""

from __future__ import annotations

import random
from collections.abc import Callable

_TOKENS = (
    *(b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf"),
    *(b"\\u0000", b"//"),
    *(b"\\ud800", b"\\udc00\\ud800", b"\\", b'"', b'\\"', b"{", b"}", b"[", b"]", b",", b":"),
    *(b"null", b"/**/"),
    *(b"true", b"NaN", b"Infinity", b"-", b"-0", b"0", b"00", b"1e999", b"1e-999", b"1.0", b"1E3"),
    *(b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"-" + b"9" * 40),
    *(b"'", b"\r\n", b"\t", b" ", b"\x1b[2J", b"\xe2\x80\xae", b"\xf0\x9f\x98\x80"),
)  # fmt: skip

Change = Callable[[bytes, random.Random], bytes]


def _flipped(raw: bytes, chance: random.Random) -> bytes:
    at = int(chance.random() * len(raw))
    return raw[:at] + bytes((raw[at] ^ (1 << int(chance.random() * 8)),)) + raw[at + 1 :]


def _any_byte(raw: bytes, chance: random.Random) -> bytes:
    at = int(chance.random() * len(raw))
    return raw[:at] + bytes((int(chance.random() * 256),)) + raw[at + 1 :]


def _inserted(raw: bytes, chance: random.Random) -> bytes:
    at = int(chance.random() * (len(raw) + 1))
    return raw[:at] + _TOKENS[int(chance.random() * len(_TOKENS))] + raw[at:]


def _replaced(raw: bytes, chance: random.Random) -> bytes:
    at, length = int(chance.random() * len(raw)), int(chance.random() * 6)
    return raw[:at] + _TOKENS[int(chance.random() * len(_TOKENS))] + raw[at + length :]


def _cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: int(chance.random() * len(raw))]


def _left_out(raw: bytes, chance: random.Random) -> bytes:
    at = int(chance.random() * len(raw))
    return raw[:at] + raw[at + 1 + int(chance.random() * 20) :]


def _doubled(raw: bytes, chance: random.Random) -> bytes:
    at, length = int(chance.random() * len(raw)), 1 + int(chance.random() * 60)
    return raw[:at] + raw[at : at + length] * 2 + raw[at + length :]


def _member_doubled(raw: bytes, chance: random.Random) -> bytes:
    """One of the members of the object again, as at the end of a merged patch."""
    members = raw[1:-1].split(b",")
    return raw[:-1] + b"," + members[int(chance.random() * len(members))] + raw[-1:]


def _digits(raw: bytes, chance: random.Random) -> bytes:
    """A number with digits more, or with a fraction or an exponent."""
    places = [at for at in range(len(raw)) if 48 <= raw[at] <= 57]
    if not places:
        return raw
    at = places[int(chance.random() * len(places))]
    more = (b"0", b"000", b"9" * 18, b".5", b"e3", b"e-3", b"9" * 400)
    return raw[:at] + more[int(chance.random() * len(more))] + raw[at:]


CHANGES: tuple[Change, ...] = (
    *(_flipped, _any_byte, _inserted, _replaced, _cut, _left_out, _doubled, _member_doubled),
    _digits,
)


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """The bytes after one to three changes."""
    for _ in range(1 + int(chance.random() * chance.random() * 3)):
        if not raw:
            break
        raw = CHANGES[int(chance.random() * len(CHANGES))](raw, chance)
    return raw


Bulk = Callable[[int], bytes]
"""A JSON value, or the beginning of one, of about so many bytes."""


def swollen(raw: bytes, octets: int, bulk: Bulk) -> bytes:
    """A message with a member of about so many bytes, which costs a reader more than it weighs."""
    return raw[:-1] + b',"x":' + bulk(octets) + b"}"


def _nested(unit: bytes, end: bytes) -> Bulk:
    return lambda octets: unit * (octets // len(unit)) + end


BULK: tuple[Bulk, ...] = (
    _nested(b"[", b""),
    _nested(b'{"a":', b"1"),
    _nested(b"9", b""),
    _nested(b"0.", b"1"),
    lambda octets: b'"' + b"\\" * (octets // 2 * 2) + b'"',
    lambda octets: b'"' + b"\\u0000" * (octets // 6) + b'"',
    lambda octets: b'"' + "\U0001f600".encode() * (octets // 4) + b'"',
    lambda octets: b"[" + b"[]," * (octets // 3) + b"[]]",
    lambda octets: b"[" + b'{"a":1},' * (octets // 8) + b"{}]",
    lambda octets: b"{" + b'"a":1,' * (octets // 6) + b'"a":1}',
    lambda octets: b"{" + b",".join(b'"%d":0' % n for n in range(octets // 10)) + b"}",
    lambda octets: b"[" * 60 + b"1," * (octets // 2) + b"1" + b"]" * 60,
)
