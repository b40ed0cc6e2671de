"""`headwater evaluate tiers`: the cost of a lower tier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streams.cli.lab.evaluate.worlds import (
    PAYER_INSTALLS,
    WorldFigures,
    answer_worlds,
    history_run,
    world_options,
    world_plan,
)
from streams.cli.lab.options import history_option
from streams.cli.output import json_option, progress, seed_option


@click.command("tiers")
@world_options(PAYER_INSTALLS)
@history_option
@seed_option
@json_option
def evaluate_tiers_command(files: tuple[Path, ...], as_json: bool, **chosen: Any) -> None:
    """Measure what is lost when the model cannot answer and a lower tier does.

    Prints the log loss of each tier on the same installs: the full model, the model with features
    of the install only, observed rates, and the constant prior.

    \b
    Example:
      headwater evaluate tiers --world renewal --scenario steady
      headwater evaluate tiers --data history.jsonl
    """
    from streams.lab.evaluation.payer.tiers import evaluate_tiers, tiers_of

    with progress(is_quiet=as_json) as advance:
        if files:
            found = tiers_of([history_run(files, advance)])
        else:
            found = evaluate_tiers(world_plan(**chosen), advance)
    answer_worlds(found, as_json, _row)


def _row(figures: WorldFigures) -> WorldFigures:
    return {
        **figures["log_loss"],
        "ordered": "yes" if figures["is_ordered"] else "no",
        "unanswered": sum(figures["unanswered"].values()),
        "predictions": figures["predictions"],
    }
