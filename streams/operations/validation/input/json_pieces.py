"""Cuts a stream of bytes into the JSON objects that stand in it, however they are laid out.

One object a line, one object over many lines, an array of objects on one line or on many, objects
one behind another: brackets and commas between objects carry no meaning here. A line that is broken
costs itself: the object on the next line begins anew. Memory is bounded by one object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import orjson

PIECE_BYTES_MAX = 16_777_216
"""Longest object or line that is kept: a message of one megabyte, escaped twice, with room."""

_BETWEEN = b" \t\r\n\f,[]\x1e\0"
_OUTSIDE = re.compile(rb'["{}\[\]\n]')
_INSIDE = re.compile(rb'["\\\n]')
_CLOSES = {0x7D: 0x7B, 0x5D: 0x5B}
_KEY_AND_TAB = re.compile(rb"(?:[^\t{\n]{0,1024}\t){1,4} *\Z")


class Piece(NamedTuple):
    """Bytes that may be an event, and where they begin."""

    line: int
    raw: bytes
    length: int  # larger than `raw` where the rest was too long to keep
    key: bytes | None = None  # text and a tab before the object, as `kcat -K '\t'` writes it


class JsonPieces:
    """Feed it chunks of a file in order, then call `end` once; both yield the objects found."""

    def __init__(self) -> None:
        self._line = 1
        self._stray = bytearray()  # text outside of any object, in this line
        self._stray_line = 1
        self._stray_length = 0
        self._open: list[int] = []  # brackets of the object that is being read
        self._object = bytearray()
        self._length = 0
        self._began = 1
        self._key: bytes | None = None
        self._in_text = False
        self._escaped = False
        self._is_start = True  # whether the next chunk begins a line
        self._last = 0  # the last byte that was not white space

    def feed(self, lines: Iterable[bytes]) -> Iterator[Piece]:
        """`lines` are the stream cut behind line feeds, or anywhere else where a line is long."""
        for line in lines:
            is_start, self._is_start = self._is_start, line[-1:] == b"\n"
            if not self._open and not self._stray and line[:1] == b"{" and self._is_start:
                try:
                    orjson.loads(line)
                except orjson.JSONDecodeError:
                    pass
                else:
                    yield Piece(self._line, bytes(line).strip(), len(line))
                    self._line += 1
                    continue
            elif self._open and is_start and self._begins_anew(line):
                yield self._cut()
            yield from self._scan(line)

    def end(self) -> Iterator[Piece]:
        """What the stream leaves behind: an object that was never closed, and stray text."""
        if self._open:
            yield self._cut()
        yield from self._end_line()

    def _scan(self, line: bytes) -> Iterator[Piece]:
        at = 0
        while at < len(line):
            if not self._open:
                start = line.find(b"{", at)
                end = line.find(b"\n", at)
                if end >= 0 and (start < 0 or end < start):
                    self._add_stray(line[at:end])
                    yield from self._end_line()
                    self._line += 1
                    at = end + 1
                elif start < 0 or self._is_quoted(line[at:start]):
                    end = len(line) if end < 0 else end
                    self._add_stray(line[at:end])
                    at = end
                else:
                    self._add_stray(line[at:start])
                    yield from self._begin()
                    at = start
            else:
                at = self._read_object(line, at)
                if not self._open:
                    yield self._whole()

    def _begin(self) -> Iterator[Piece]:
        """An object begins; text before it in the line is its key, or a fault of its own."""
        stray = bytes(self._stray)
        self._key = None
        if _KEY_AND_TAB.match(stray):
            self._key = stray.rstrip().rpartition(b"\t")[2] or None
            self._stray.clear()
        yield from self._end_line()
        self._began, self._length, self._last = self._line, 0, 0
        self._object.clear()
        self._open.append(0)

    def _read_object(self, line: bytes, at: int) -> int:
        """Read on until the object closes or the chunk ends; where it stopped."""
        begin = at
        while at < len(line):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = (_INSIDE if self._in_text else _OUTSIDE).search(line, at)
            if found is None:
                break
            at = found.end()
            mark = line[at - 1]
            if mark == 0x0A:
                self._line += 1
                self._in_text = False  # No text goes over a line end: this one was not closed.
            elif mark == 0x5C:
                self._escaped = True
            elif mark == 0x22:
                self._in_text = not self._in_text
            elif mark in _CLOSES:
                if self._open[-1] == _CLOSES[mark]:
                    self._open.pop()
                if self._open == [0]:
                    self._open.clear()
                    self._keep(line[begin:at])
                    return at
            else:
                self._open.append(mark)
        self._keep(line[begin:])
        return len(line)

    def _keep(self, part: bytes) -> None:
        self._length += len(part)
        room = PIECE_BYTES_MAX - len(self._object)
        self._object += part[:room]
        if ends := part.rstrip():
            self._last = ends[-1]

    def _begins_anew(self, line: bytes) -> bool:
        """Whether a line begins an event although the one before was not closed."""
        if line[:1] != b"{" or self._in_text or self._length == 0:
            return False
        if self._open[-1] == 0x5B:
            return self._last not in b"[,"  # Else it is the next member of a list.
        return self._last != 0x3A  # Else it is the value behind a name.

    def _whole(self) -> Piece:
        piece = Piece(self._began, bytes(self._object), self._length, self._key)
        self._object.clear()
        return piece

    def _cut(self) -> Piece:
        self._open.clear()
        self._in_text = self._escaped = False
        piece = self._whole()
        return piece._replace(raw=piece.raw.rstrip())

    def _add_stray(self, part: bytes) -> None:
        if not self._stray:
            part = part.lstrip(_BETWEEN)
            self._stray_line = self._line
            self._stray_length = 0
        self._stray_length += len(part)
        self._stray += part[: PIECE_BYTES_MAX - len(self._stray)]

    def _is_quoted(self, part: bytes) -> bool:
        """Whether a line is one JSON string: an event that was encoded twice."""
        return (bytes(self._stray) or part.lstrip(_BETWEEN))[:1] == b'"'

    def _end_line(self) -> Iterator[Piece]:
        text = bytes(self._stray).strip(_BETWEEN)
        self._stray.clear()
        if text:
            yield Piece(self._stray_line, text, self._stray_length)
