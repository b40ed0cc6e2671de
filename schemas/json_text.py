"""What parsers pass over in JSON: keys that come twice, null characters, nesting without end."""

from __future__ import annotations

import json
import re
from typing import Any

NESTING_MAX = 32
"""Objects and arrays inside each other. Parsers stop somewhere, each elsewhere; we say where."""

_SPACED_COLONS = (b" :", b"\t:", b"\n:", b"\r:")
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def is_too_deep(raw: bytes) -> bool:
    """Counted in the text, because a key that comes twice hides what stood under its first."""
    if raw.count(b"{") + raw.count(b"[") <= NESTING_MAX:
        return False
    pairs = _STRINGS.sub(b"", raw).translate(_AS_SQUARE, _NO_BRACKETS)
    # Every pass takes the innermost pairs away, so a message full of brackets costs few passes.
    for _ in range(NESTING_MAX):
        pairs = pairs.replace(b"[]", b"")
        if not pairs:
            return False
    return True


def has_duplicate_key(raw: bytes, fields: dict[str, Any]) -> bool:
    """Exact, and cheap when there is nothing to find.

    Every key is followed by one colon, and shows as `":` when no white space stands between.
    Text can only add more of either, so an equal count proves that no key came twice.
    """
    colons = raw.count(b":")
    if colons == len(fields):  # Nothing is nested either.
        return False
    keys = _count_keys(fields)
    if colons == keys:
        return False
    spaced = any(mark in raw for mark in _SPACED_COLONS)
    if not spaced and raw.count(b'":') == keys:
        return False
    return _repeats_a_key(raw)


def _count_keys(value: dict[str, Any]) -> int:
    total = len(value)
    for item in value.values():
        if type(item) is dict:
            total += _count_keys(item)
        elif type(item) is list:
            total += sum(_count_keys(part) for part in item if type(part) is dict)
    return total


def _repeats_a_key(raw: bytes) -> bool:
    repeated = False

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        found = dict(pairs)
        repeated = repeated or len(found) != len(pairs)
        return found

    # Values do not matter here, and int() refuses what has very many digits.
    json.loads(raw, object_pairs_hook=note, parse_int=len, parse_float=len)
    return repeated


def has_null(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(has_null(key) or has_null(item) for key, item in value.items())
    if isinstance(value, list):
        return any(has_null(item) for item in value)
    return False
