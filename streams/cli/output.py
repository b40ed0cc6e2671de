"""What all commands share: options, answers on stdout, and progress on stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson
from rich import box
from rich import progress as bars
from rich.console import Console
from rich.table import Table

from streams.progress import Progress, ignore_progress
from streams.settings import Settings, read_settings

_Command = TypeVar("_Command", bound=Callable[..., Any])
PIPE_WIDTH = 10_000
CENTS_FROM, CENTS_UNTIL = 10.0, 1e15
"""Fractions of this size have two digits after the point, for amounts of money; smaller ones,
shares and chances, four that count."""


def json_option(command: _Command) -> _Command:
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the answer as one JSON object."
    )(command)


def folder_option(command: _Command) -> _Command:
    return click.option(
        "--data",
        "folder",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the embedded store and state (default: HEADWATER_DATA, or .headwater).",
    )(command)


def seed_option(command: _Command) -> _Command:
    return click.option(
        "--seed",
        type=click.IntRange(0),
        default=1,
        show_default=True,
        help="Seed of all random draws: the same seed gives the same result.",
    )(command)


def settings_for(folder: Path | None) -> Settings:
    """The settings of the environment; `--data` wins over HEADWATER_DATA."""
    environ = dict(os.environ)
    if folder is not None:
        environ["HEADWATER_DATA"] = str(folder)
    return read_settings(environ)


def say(text: str) -> None:
    """A line on stderr, apart from the answer."""
    click.echo(text, err=True)


def answer_json(value: Mapping[str, Any]) -> None:
    try:
        text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str).decode()
    except TypeError:  # An integer above 64 bits, of which ClickHouse has several kinds.
        text = json.dumps(value, default=str)
    click.echo(text)


def answer_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, cuts_words: bool = False
) -> None:
    """Print rows as a table; columns of numbers are right-aligned.

    In a narrow terminal long words continue on the next line, or are cut with `cuts_words`.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        is_number = all(isinstance(row[index], int | float) for row in rows) and bool(rows)
        table.add_column(
            column,
            justify="right" if is_number else "left",
            overflow="ellipsis" if cuts_words else "fold",
            min_width=max(map(len, column.split()), default=1),
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _console().print(table)


def answer_text(text: str) -> None:
    click.echo(text)


def answer_bytes(document: bytes) -> None:
    """The document as it is, whatever its encoding."""
    click.echo(document, nl=False)


def figure(value: float) -> str:
    """A number with four significant digits; NaN is a dash."""
    return "-" if math.isnan(value) else f"{value:.4g}"


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not CENTS_FROM <= abs(value) < CENTS_UNTIL:
        return f"{value:.4g}"
    return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}"


def _console() -> Console:
    # A pipe has no width: tables are as wide as they need to be.
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(width=width, highlight=False, markup=False)


@contextmanager
def progress(*, is_quiet: bool = False) -> Iterator[Progress]:
    """Show progress: a bar on a terminal, one line for each step elsewhere, nothing when quiet."""
    if is_quiet:
        yield ignore_progress
    elif sys.stderr.isatty():
        with _bar() as advance:
            yield advance
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (
        bars.SpinnerColumn(),
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1)

        def advance(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=max(total, 1))

        yield advance


def _lines() -> Progress:
    announced: set[str] = set()

    def advance(step: str, done: int, total: int) -> None:
        if step not in announced:
            announced.add(step)
            say(f"{step} …")

    return advance
