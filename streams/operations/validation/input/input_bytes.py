"""The bytes of a file or of standard input as UTF-8 lines, whatever program wrote them.

Reads gzip, bzip2 and xz, UTF-8 with a byte order mark, and UTF-16 as Windows' shells write it.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from streams.errors import Stop

READ_BYTES = 1_048_576
"""How much of a long line is read at once."""

_COMPRESSED: Mapping[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
_REFUSED = {
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: pipe it through `zstd -dc`",
    b"Obj\x01": "an Avro file: publish JSON",
    b"PAR1": "a Parquet file: publish JSON",
}
_BROKEN = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


def input_lines(name: str, notes: list[str]) -> Iterator[bytes]:
    """Lines with their ends, in chunks where they are long; `-` is standard input.

    `notes` gains a sentence on what had to be converted. Stop: it cannot be read.
    """
    try:
        if name == "-":
            yield from _lines(sys.stdin.buffer, name, notes)
        else:
            with Path(name).open("rb") as file:
                yield from _lines(file, name, notes)
    except _BROKEN as error:
        raise Stop(f"{_named(name)} is compressed, and damaged or cut off: {error}") from error
    except OSError as error:
        raise Stop(f"{_named(name)} cannot be read: {error.strerror or error}") from error


def _named(name: str) -> str:
    return "standard input" if name == "-" else name


def _lines(file: IO[bytes], name: str, notes: list[str]) -> Iterator[bytes]:
    source = io.BufferedReader(file, READ_BYTES) if isinstance(file, io.RawIOBase) else file
    start = source.peek(8)[:8] if isinstance(source, io.BufferedReader) else b""
    for mark, advice in _REFUSED.items():
        if start.startswith(mark):
            raise Stop(f"{_named(name)} is {advice}")
    for mark, opener in _COMPRESSED.items():
        if start.startswith(mark):
            source = io.BufferedReader(opener(source))
            start = source.peek(8)[:8]
            break
    if start.startswith(codecs.BOM_UTF8):
        source.read(len(codecs.BOM_UTF8))
        notes.append("the file begins with a byte order mark, which no message may have")
    if encoding := _wide_encoding(start):
        notes.append(f"the file is {encoding.upper()}; messages must be UTF-8")
        yield from _converted(source, encoding)
        return
    while line := source.readline(READ_BYTES):
        yield line


def _wide_encoding(start: bytes) -> str:
    """The encoding of text in two-byte characters; empty for any other."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(start) >= 4 and start[1] == start[3] == 0 and start[0] in b"{[ ":
        return "utf-16-le"
    if len(start) >= 4 and start[0] == start[2] == 0 and start[1] in b"{[ ":
        return "utf-16-be"
    return ""


def _converted(source: IO[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    rest = ""
    while chunk := source.read(READ_BYTES):
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        for line in lines:
            yield f"{line}\n".encode()
        if len(rest) > READ_BYTES:
            yield rest.encode()
            rest = ""
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest.encode()
