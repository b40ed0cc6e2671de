"""Prints the figures of an evaluation."""

from __future__ import annotations

from typing import Any

from streams.cli.output import answer_json, answer_table


def answer_figures(figures: dict[str, Any], as_json: bool) -> None:
    """Print figures: each nested one as a table, those that are alike together."""
    if as_json:
        answer_json(figures)
        return
    nested = {name: value for name, value in figures.items() if isinstance(value, dict)}
    flat: dict[tuple[str, ...], dict[str, Any]] = {}
    for name, value in nested.items():
        if any(isinstance(part, dict) for part in value.values()):
            _answer_rows(name, value)
        else:
            flat.setdefault(tuple(value), {})[name] = value
    for rows, columns in flat.items():
        _answer_rows("", {row: {name: columns[name][row] for name in columns} for row in rows})
    plain = [(name, str(value)) for name, value in figures.items() if name not in nested]
    answer_table(("figure", "value"), plain)


def _answer_rows(title: str, rows: dict[str, dict[str, Any]]) -> None:
    """One table: a row for each name, a column for each of its figures."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    cells = [
        (name, *(str(row.get(column, "")) for column in columns)) for name, row in rows.items()
    ]
    answer_table((title, *columns), cells)
