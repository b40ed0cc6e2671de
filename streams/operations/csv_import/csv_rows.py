"""Rows of a CSV file, one at a time, with the line that each begins on."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from streams.errors import Stop

DELIMITERS = (",", ";", "\t", "|")
CELL_CHARS_MAX = 131_072
"""Longest cell. A quote that is never closed would swallow the rest of the file."""


class CsvRow(NamedTuple):
    """A row, or what is wrong with it; `is_last`: nothing after it can be read."""

    line: int
    cells: Sequence[str]
    fault: str = ""
    is_last: bool = False


class CsvFile(NamedTuple):
    """An open file: the names of its columns, and how cells are divided."""

    path: Path
    header: Sequence[str]
    rows: Iterator[CsvRow]


def open_csv(path: Path, encoding: str, delimiter: str) -> CsvFile:
    """The file with its header. Stop: it cannot be read at all."""
    try:
        text = _text(path, encoding)
        first = text.readline()
    except (OSError, EOFError) as error:
        raise Stop(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
    if first.startswith(("\udcff\udcfe", "\udcfe\udcff")):
        raise Stop(f'{path.name}:1: this is UTF-16: set encoding = "utf-16" in the map')
    mark = {"tab": "\t", "space": " "}.get(delimiter, delimiter) or _found(first)
    lines = _Lines(text, first)
    reader = csv.reader(lines, delimiter=mark, skipinitialspace=True, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise Stop(f"{path.name}:1: the header cannot be read: {error}") from None
    if not any(header):
        raise Stop(f"{path.name}:1: there is no header: the first line names the columns")
    return CsvFile(path, header, _rows(reader, len(header)))


def _text(path: Path, encoding: str) -> IO[str]:
    # Both are closed with the wrapper, when the last row was read.
    raw: Any = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115
    name = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    errors = "surrogateescape" if name == "utf-8-sig" else "strict"
    return io.TextIOWrapper(raw, encoding=name, errors=errors, newline="")


class _Lines:
    """The lines of a text, the first of which was read already."""

    def __init__(self, text: IO[str], first: str) -> None:
        self._text = text
        self._first = first

    def __iter__(self) -> Iterator[str]:
        yield self._first
        yield from self._text


def _found(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _rows(reader: Any, width: int) -> Iterator[CsvRow]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, UnicodeDecodeError, OSError, EOFError) as error:
            yield CsvRow(line, (), f"cannot be read from here on: {_plain(error)}", is_last=True)
            return
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != width and not (len(cells) == width + 1 and not cells[-1].strip()):
            yield CsvRow(line, (), f"{len(cells)} cells under {width} columns: quote delimiters")
        else:
            yield CsvRow(line, [cell.strip() for cell in cells[:width]])


def _plain(error: Exception) -> str:
    text = str(error)
    if "field larger" in text or "unexpected end" in text:
        return "a quote is never closed; close it, or double it within a cell"
    if isinstance(error, UnicodeDecodeError):
        return "bytes of another encoding; set encoding in the map"
    return text
