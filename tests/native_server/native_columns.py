"""Where a column of the format Native ends: its bytes are passed on, never understood."""

from __future__ import annotations

import re

from tests.native_server.octets import Source, varint

_SIZES = {
    "UInt8": 1, "Int8": 1, "Bool": 1, "Nothing": 1, "UInt16": 2, "Int16": 2, "Date": 2,
    "UInt32": 4, "Int32": 4, "Float32": 4, "Date32": 4, "IPv4": 4, "UInt64": 8, "Int64": 8,
    "Float64": 8, "UInt128": 16, "Int128": 16, "UUID": 16, "IPv6": 16, "UInt256": 32,
    "Int256": 32, "Enum8": 1, "Enum16": 2, "DateTime": 4, "DateTime64": 8,
    "Time": 4, "Time64": 8,
}  # fmt: skip
_DICTIONARY_KEY_SIZES = {0: 1, 1: 2, 2: 4, 3: 8}


class UnknownTypeError(Exception):
    """A type that no column of ours has."""


def column_octets(kind: str, rows: int, source: Source) -> bytes:
    """The bytes of a column of `rows` values, prefix of its type included."""
    if not rows:
        return b""
    return _prefix(kind, source) + _values(kind, rows, source)


def _parts(kind: str) -> tuple[str, list[str]]:
    """The outer type and its arguments: Map(String, Int8) -> Map, [String, Int8]."""
    name, _, inside = kind.partition("(")
    if not inside:
        return name, []
    arguments, depth, begin = [], 0, 0
    inside = inside[:-1]
    for position, character in enumerate(inside):
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            arguments.append(inside[begin:position].strip())
            begin = position + 1
    return name, [*arguments, inside[begin:].strip()]


def _elements(arguments: list[str]) -> list[str]:
    """Types of a tuple, whose elements may have names."""
    return [re.sub(r"^(`[^`]*`|\w+) (?=\w)", "", argument) for argument in arguments]


def _prefix(kind: str, source: Source) -> bytes:
    name, arguments = _parts(kind)
    if name == "LowCardinality":
        return source.take(8)
    if name in ("Array", "Map", "Nullable", "Tuple"):
        return b"".join(_prefix(inner, source) for inner in _elements(arguments))
    return b""


def _values(kind: str, rows: int, source: Source) -> bytes:
    name, arguments = _parts(kind)
    if name == "String":
        return b"".join(_string(source) for _ in range(rows))
    if name == "LowCardinality":
        return _low_cardinality(arguments[0], rows, source)
    if name == "Nullable":
        return source.take(rows) + _values(arguments[0], rows, source)
    if name in ("Array", "Map"):
        offsets = source.take(8 * rows)
        count = int.from_bytes(offsets[-8:], "little") if rows else 0
        inner = arguments if name == "Array" else [f"Tuple({', '.join(arguments)})"]
        return offsets + (_values(inner[0], count, source) if count else b"")
    if name == "Tuple":
        return b"".join(_values(inner, rows, source) for inner in _elements(arguments))
    return source.take(rows * _size(name, arguments))


def _size(name: str, arguments: list[str]) -> int:
    if name == "FixedString":
        return int(arguments[0])
    if name == "Decimal":
        precision = int(arguments[0])
        sizes = ((4, 9), (8, 18), (16, 38), (32, 76))
        return next(size for size, most in sizes if precision <= most)
    if name.startswith("Interval"):
        return 8
    if name not in _SIZES:
        raise UnknownTypeError(name)
    return _SIZES[name]


def _string(source: Source) -> bytes:
    size = source.varint()
    return varint(size) + source.take(size)


def _low_cardinality(kind: str, rows: int, source: Source) -> bytes:
    flags = source.take(8)
    key_size = _DICTIONARY_KEY_SIZES[flags[0] & 0xFF]
    count = source.take(8)
    inner = kind.removeprefix("Nullable(").removesuffix(")") if kind.startswith("Nul") else kind
    keys = _values(inner, int.from_bytes(count, "little"), source)
    return flags + count + keys + source.take(8) + source.take(rows * key_size)
