"""`headwater evaluate credit`: multi-touch attribution against the truth of a simulation."""

from __future__ import annotations

import click

from streams.cli.lab.evaluate.figures import answer_figures
from streams.cli.output import json_option, progress, seed_option


@click.command("credit")
@click.option(
    "--persons",
    type=click.IntRange(1_000, 1_000_000),
    default=20_000,
    show_default=True,
    help="Number of people in each of the three simulated worlds.",
)
@seed_option
@json_option
def evaluate_credit_command(persons: int, seed: int, as_json: bool) -> None:
    """Measure multi-touch attribution: how near each model comes to the truth.

    The truth is the number of installs that each channel really caused.

    \b
    Example:
      headwater evaluate credit --json
    """
    from streams.lab.evaluation.credit import evaluate_credit

    with progress(is_quiet=as_json) as advance:
        figures = evaluate_credit(seed, persons, advance)
    answer_figures(figures, as_json)
