"""`headwater evaluate fraud`: fraud found, and honest installs accused."""

from __future__ import annotations

import click

from streams.cli.lab.evaluate.figures import answer_figures
from streams.cli.output import json_option, progress, seed_option


@click.command("fraud")
@click.option(
    "--size",
    type=click.IntRange(1_000, 10_000_000),
    default=100_000,
    show_default=True,
    help="Number of events of each traffic generator.",
)
@seed_option
@json_option
def evaluate_fraud_command(size: int, seed: int, as_json: bool) -> None:
    """Measure fraud detection: fraud found, and honest installs accused.

    \b
    Example:
      headwater evaluate fraud --json
    """
    from streams.lab.evaluation.fraud import evaluate_fraud

    with progress(is_quiet=as_json) as advance:
        figures = evaluate_fraud(seed, size, advance)
    answer_figures(figures, as_json)
