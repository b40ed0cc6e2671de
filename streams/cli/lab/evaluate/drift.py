"""`headwater evaluate drift`: how soon a change is noticed."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.lab.evaluate.figures import answer_figures
from streams.cli.lab.options import history_option, plots_option
from streams.cli.output import json_option, progress, seed_option, settings_for


@click.command("drift")
@click.option(
    "--seeds",
    type=click.IntRange(1, 1_000),
    default=10,
    show_default=True,
    help="Number of runs at each base rate.",
)
@plots_option
@history_option
@seed_option
@json_option
def evaluate_drift_command(
    files: tuple[Path, ...], seeds: int, plots: Path | None, seed: int, as_json: bool
) -> None:
    """Measure drift detection: how soon a change is noticed, and false alarms.

    Counts the labels from a shift of 0.7 log odds to the alarm, at base rates of 5, 10 and 30 %.
    Rarer outcomes take longer: about as many positives. With --data, lists the alarms that your
    own history would have raised.

    \b
    Example:
      headwater evaluate drift --json
      headwater evaluate drift --data installs.jsonl --data payments.jsonl
    """
    from streams.lab.evaluation.drift.drift import evaluate_drift
    from streams.lab.evaluation.drift.history_evaluation import evaluate_drift_history

    if files and plots:
        raise click.UsageError(
            "--plots and --data do not go together: there is no chart of a history",
            click.get_current_context(),
        )
    with progress(is_quiet=as_json) as advance:
        if files:
            figures = evaluate_drift_history(settings_for(None), files, advance)
        else:
            figures = evaluate_drift(seed, seeds, advance, plots)
    answer_figures(figures, as_json)
