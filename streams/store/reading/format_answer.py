"""Answers in formats of ClickHouse, where the native protocol leaves writing them to the client.

The same bytes as the engine writes, save exponents of fractions (1e-09 for 1e-9), for the formats
that people and scripts ask for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from streams.store.base import QueryResult, Refused

_TSV_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\0": "\\0",
     "'": "\\'"}
)  # fmt: skip


def format_answer(result: QueryResult, output_format: str) -> bytes:
    """The result as the format says; Refused, with the list, when it is another format."""
    write = _WRITERS.get(output_format.lower())
    if write is None:
        raise Refused(
            f"FORMAT {output_format} is not written for a server: use one of "
            + ", ".join(_FORMAT_NAMES)
        )
    return write(result).encode("utf-8", "surrogateescape")


def _tsv(result: QueryResult, *, has_names: bool = False, is_raw: bool = False) -> str:
    rows = [[_tsv_cell(value, is_raw=is_raw) for value in row] for row in result.rows]
    return _lines([list(result.names)] * has_names + rows, "\t")


def _tsv_cell(value: Any, *, is_raw: bool) -> str:
    if value is None:
        return "\\N"
    is_escaped = isinstance(value, str) and not is_raw
    return value.translate(_TSV_ESCAPES) if is_escaped else _plain(value)


def _csv(result: QueryResult, *, has_names: bool = False) -> str:
    rows = [[_csv_cell(value) for value in row] for row in result.rows]
    return _lines([[_csv_cell(name) for name in result.names]] * has_names + rows, ",")


def _csv_cell(value: Any) -> str:
    if value is None:
        return "\\N"
    text = _plain(value)
    is_bare = isinstance(value, bool | int | float)
    return text if is_bare else '"' + text.replace('"', '""') + '"'


def _lines(rows: Sequence[Sequence[str]], separator: str) -> str:
    return "".join(separator.join(row) + "\n" for row in rows)


def _json_each_row(result: QueryResult) -> str:
    return "".join(_json(dict(zip(result.names, row, strict=True))) + "\n" for row in result.rows)


def _json_compact_each_row(result: QueryResult) -> str:
    return "".join("[" + ", ".join(map(_json, row)) + "]\n" for row in result.rows)


def _json(value: Any) -> str:
    return json.dumps(_numbers(value), ensure_ascii=False, separators=(",", ":"), default=str)


def _numbers(value: Any) -> Any:
    """Fractions that are whole without the point, as the engine writes them."""
    if isinstance(value, float) and _is_whole(value):
        return int(value)
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, dict):
        return {name: _numbers(item) for name, item in value.items()}
    return value


def _is_whole(value: float) -> bool:
    return value.is_integer() and abs(value) < 1e21


def _document(result: QueryResult) -> str:
    rows = [dict(zip(result.names, row, strict=True)) for row in result.rows]
    meta = [{"name": name} for name in result.names]
    return json.dumps({"meta": meta, "data": rows, "rows": len(rows)}, ensure_ascii=False) + "\n"


def _compact_document(result: QueryResult) -> str:
    meta = [{"name": name} for name in result.names]
    document = {"meta": meta, "data": result.rows, "rows": len(result.rows)}
    return json.dumps(document, ensure_ascii=False) + "\n"


def _vertical(result: QueryResult) -> str:
    width = max(map(len, result.names), default=0) + 2
    rows = []
    for number, row in enumerate(result.rows, 1):
        title = f"Row {number}:"
        lines = [
            f"{name + ':':<{width}}{'ᴺᵁᴸᴸ' if value is None else _plain(value)}"
            for name, value in zip(result.names, row, strict=True)
        ]
        rows.append("\n".join([title, "─" * len(title), *lines]) + "\n")
    return "\n".join(rows)


def _markdown(result: QueryResult) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cells) + " |\n"

    rule = "|" + ":-|" * len(result.names) + "\n"
    rows = ([_tsv_cell(value, is_raw=False) for value in row] for row in result.rows)
    return line(result.names) + rule + "".join(map(line, rows))


def _plain(value: Any) -> str:
    """A value as ClickHouse writes it, without quotes around a text."""
    return value if isinstance(value, str) else _nested(value)


def _nested(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and _is_whole(value):
        return str(int(value))
    if isinstance(value, list):
        return "[" + ",".join(map(_nested, value)) + "]"
    if isinstance(value, dict):
        pairs = (f"{_nested(name)}:{_nested(item)}" for name, item in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, str):
        return "'" + value.translate(_TSV_ESCAPES) + "'"
    return str(value).replace("e+", "e")


_FORMATS: dict[str, Callable[[QueryResult], str]] = {
    "TabSeparated": _tsv,
    "TabSeparatedRaw": lambda result: _tsv(result, is_raw=True),
    "TabSeparatedWithNames": lambda result: _tsv(result, has_names=True),
    "TSV": _tsv,
    "TSVRaw": lambda result: _tsv(result, is_raw=True),
    "TSVWithNames": lambda result: _tsv(result, has_names=True),
    "CSV": _csv,
    "CSVWithNames": lambda result: _csv(result, has_names=True),
    "JSON": _document,
    "JSONCompact": _compact_document,
    "JSONEachRow": _json_each_row,
    "JSONCompactEachRow": _json_compact_each_row,
    "Vertical": _vertical,
    "Markdown": _markdown,
    "Null": lambda _: "",
}
_FORMAT_NAMES = tuple(_FORMATS)
_WRITERS = {name.lower(): write for name, write in _FORMATS.items()}
