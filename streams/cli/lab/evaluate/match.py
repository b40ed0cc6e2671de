"""`headwater evaluate match`: attribution against the truth of a simulation."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.lab.evaluate.figures import answer_figures
from streams.cli.output import json_option, progress, seed_option, settings_for


@click.command("match")
@click.option(
    "--size",
    type=click.IntRange(1_000, 10_000_000),
    default=50_000,
    show_default=True,
    help="Number of events in each simulation.",
)
@seed_option
@click.option(
    "--fit",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Learn the pair model from HISTORY and write it to this file, as a section of the rule "
    "file. Example: pairs.toml",
)
@click.argument(
    "history",
    nargs=-1,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="[HISTORY]...",
)
@json_option
def evaluate_match_command(
    history: tuple[Path, ...], size: int, seed: int, out: Path | None, as_json: bool
) -> None:
    """Measure attribution: which touchpoint gets an install, and how sure it is.

    Compares deterministic and probabilistic matching with the true touchpoints.

    With --fit, learns the pair model of probabilistic matching from HISTORY: files as `headwater
    replay` takes them. The pairs are those that ids decide; the ids are hidden from the model.

    \b
    Example:
      headwater evaluate match --json
      headwater evaluate match --fit pairs.toml touchpoints.jsonl installs.jsonl
    """
    if (out is None) != (not history):
        raise click.UsageError(
            "--fit FILE and HISTORY go together: give both or none", click.get_current_context()
        )
    from streams.lab.evaluation.match.history_fit import fit_history
    from streams.lab.evaluation.match.match import evaluate_match

    with progress(is_quiet=as_json) as advance:
        if out is None:
            figures = evaluate_match(seed, size, advance)
        else:
            figures = fit_history(settings_for(None), history, out, advance)
    answer_figures(figures, as_json)
