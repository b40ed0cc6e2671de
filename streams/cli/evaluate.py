"""`headwater evaluate`: how well it decides, on simulations whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streams.cli.output import (
    answer_json,
    answer_table,
    json_option,
    progress,
    seed_option,
    settings_for,
)


@click.group()
def evaluate() -> None:
    """Measure decisions against the known truth of a simulation.

    Uses the rules every installation starts with, needs no services and stores nothing.
    """


@evaluate.command()
@click.option(
    "--size",
    type=click.IntRange(1_000, 10_000_000),
    default=50_000,
    show_default=True,
    help="Events in each simulation.",
)
@seed_option
@click.option(
    "--fit",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Learn the pair model from HISTORY and write it here, as a section for the rule file.",
)
@click.argument(
    "history",
    nargs=-1,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="[HISTORY]...",
)
@json_option
def match(history: tuple[Path, ...], size: int, seed: int, out: Path | None, as_json: bool) -> None:
    """Who gets the credit, and how sure matches without ids are.

    With --fit the ids in HISTORY, files as `headwater replay` takes them, say who led to which
    install, and a model learns what such pairs have in common when ids are hidden.

    \b
    Example:
      headwater evaluate match --json
      headwater evaluate match --fit pairs.toml touchpoints.jsonl installs.jsonl
    """
    if (out is None) != (not history):
        raise click.UsageError("--fit FILE and HISTORY go together", click.get_current_context())
    from streams.evaluation.match import evaluate_match
    from streams.evaluation.pair_history import fit_history

    with progress(is_quiet=as_json) as advance:
        if out is None:
            figures = evaluate_match(seed, size, advance)
        else:
            figures = fit_history(settings_for(None), history, out, advance)
    _answer(figures, as_json)


def _answer(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        answer_json(figures)
    else:
        answer_table(("figure", "value"), [(name, str(value)) for name, value in _flat(figures)])


def _flat(figures: dict[str, Any]) -> list[tuple[str, Any]]:
    """Nested figures under the names that lead to them."""
    rows: list[tuple[str, Any]] = []
    for name, value in figures.items():
        if isinstance(value, dict):
            rows += [(f"{name}, {inner}", one) for inner, one in _flat(value)]
        else:
            rows.append((name, value))
    return rows
