"""Reads somebody else's experiment: a CSV file with a row for each unit, of whatever shape it
comes.

Commas, semicolons, tabs or bars; with or without a byte order mark; CR LF; gzip. What has no single
meaning is refused with its line: an experiment that silently lost the rows that did not suit would
still look like one.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, NamedTuple

from streams.errors import Stop

_DELIMITERS = (",", ";", "\t", "|")
_CHUNK_ROWS = 50_000
_FOREIGN = {
    b"PK\x03\x04": "a spreadsheet or zip file: save the sheet as CSV",
    b"PAR1": "Parquet: export it as CSV",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
}
"""First bytes of what people take for CSV, and what to do."""


class UnitFile(NamedTuple):
    """An open file. `chunks` yields, for thousands of rows at once, the texts of the columns that
    were asked for; a chunk's first row is `first_row`, counted from 0."""

    path: Path
    header: tuple[str, ...]
    delimiter: str

    def columns(self, names: Sequence[str]) -> Iterator[tuple[int, list[tuple[str, ...]]]]:
        """Index of the first row and the columns, chunk by chunk. Stop: a row that is none."""
        indexes = [self._index(name) for name in names]
        pick = itemgetter(*indexes) if len(indexes) > 1 else itemgetter(indexes[0], indexes[0])
        first = 0
        with _reader(self.path, self.delimiter) as reader:
            next(reader)
            while chunk := list(islice(reader, _CHUNK_ROWS)):
                rows = [row for row in chunk if any(row)]
                if not rows:
                    continue
                if set(map(len, rows)) != {len(self.header)}:
                    self._refuse_widths(first, rows)
                yield first, list(zip(*map(pick, rows), strict=True))
                first += len(rows)

    def line_of(self, row: int) -> int:
        """The line on which a row begins."""
        with _reader(self.path, self.delimiter) as reader:
            next(reader)
            line, found = reader.line_num + 1, -1
            for cells in reader:
                found += any(cells)
                if found == row:
                    break
                line = reader.line_num + 1
        return int(line)

    def fault(self, row: int, text: str) -> Stop:
        return Stop(f"{self.path.name}:{self.line_of(row)}: {text}")

    def _index(self, name: str) -> int:
        found = self.header.count(name)
        if found == 1:
            return self.header.index(name)
        if found:
            raise Stop(
                f"{self.path.name}:1: {found} columns are called {name!r}: rename all but one"
            )
        close = difflib.get_close_matches(name, self.header, n=1, cutoff=0.6)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        known = ", ".join(column or "''" for column in self.header[:20])
        raise Stop(f"{self.path.name}:1: no column {name!r}{hint} The header has: {known}")

    def _refuse_widths(self, first: int, rows: list[list[str]]) -> None:
        for index, row in enumerate(rows):
            if len(row) != len(self.header):
                raise self.fault(
                    first + index,
                    f"{len(row)} cells under {len(self.header)} columns: quote cells that contain "
                    f"{self.delimiter!r}",
                )


def open_unit_file(path: Path, wanted: Sequence[str]) -> UnitFile:
    """The file with its header; divided by the mark under which most wanted columns are found.

    Stop: it is empty, has no rows of text, or is no CSV.
    """
    with path.open("rb") as content:
        start = content.read(4)
    for magic, advice in _FOREIGN.items():
        if start.startswith(magic):
            raise Stop(f"{path.name}: this is {advice}")
    headers = {mark: _header(path, mark) for mark in _DELIMITERS}
    delimiter = max(headers, key=lambda mark: (_found(headers[mark], wanted), len(headers[mark])))
    header = headers[delimiter]
    if not any(header):
        raise Stop(f"{path.name}: the file is empty: the first line has to name the columns")
    return UnitFile(path, header, delimiter)


def _found(header: Sequence[str], wanted: Sequence[str]) -> int:
    return sum(name in header for name in wanted)


def _header(path: Path, delimiter: str) -> tuple[str, ...]:
    with _reader(path, delimiter) as reader:
        return tuple(name.strip() for name in next(reader, []))


@contextmanager
def _reader(path: Path, delimiter: str) -> Iterator[Any]:
    """A CSV reader whose faults are told with the line they were met on."""
    reader = None
    try:
        with closing(_text(path)) as text:
            reader = csv.reader(text, delimiter=delimiter, skipinitialspace=True, strict=True)
            yield reader
    except csv.Error as error:
        line = reader.line_num if reader else 1
        raise Stop(f"{path.name}:{line}: this is not CSV: {_plain(error)}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Stop(f"{path.name}: the gzip file is broken: {error}: fetch it again") from None


def _text(path: Path) -> IO[str]:
    """Text in which bytes that are no UTF-8 are kept: they matter only in columns that are asked
    for."""
    with path.open("rb") as content:
        is_gzip = content.read(2) == b"\x1f\x8b"
    raw: Any = gzip.open(path) if is_gzip else path.open("rb")  # noqa: SIM115  # closed with text
    text = io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="")
    try:
        # Excel's first line may say how cells are divided, before the header.
        if not text.readline().lower().startswith("sep="):
            text.seek(0)
    except BaseException:
        text.close()
        raise
    return text


def _plain(error: csv.Error) -> str:
    text = str(error)
    if "field larger" in text or "unexpected end" in text:
        return "a quote is never closed; close it, or double it within a cell"
    return text
