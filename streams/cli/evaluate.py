"""`headwater evaluate`: how well it decides, on simulations whose truth is known."""

from __future__ import annotations

from typing import Any

import click

from streams.cli.output import answer_json, answer_table, json_option, progress, seed_option


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
@json_option
def match(size: int, seed: int, as_json: bool) -> None:
    """Who gets the credit, and how sure matches without ids are.

    \b
    Example:
      headwater evaluate match --json
    """
    from streams.evaluation.match import evaluate_match

    with progress(is_quiet=as_json) as advance:
        figures = evaluate_match(seed, size, advance)
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
