"""Options that several commands of the lab share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def plots_option(command: _Command) -> _Command:
    """`--plots FOLDER`. Without matplotlib it is refused at once, not after a long run."""
    return click.option(
        "--plots",
        type=click.Path(file_okay=False, path_type=Path),
        callback=_with_matplotlib,
        help="Draw charts and write them to this folder as SVG files (needs the extra `lab`).",
    )(command)


def history_option(command: _Command) -> _Command:
    """`--data FILE`, any number of times; the parameter is `files`."""
    return click.option(
        "--data",
        "files",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        multiple=True,
        metavar="FILE",
        help="Evaluate on your own history instead of a simulation: a file of JSON lines as "
        "`headwater replay` reads it. Repeat for several files.",
    )(command)


def _with_matplotlib(
    context: click.Context, parameter: click.Parameter, folder: Path | None
) -> Path | None:
    if folder is not None:
        from streams.lab.evaluation.chart import require_matplotlib

        require_matplotlib()
    return folder
