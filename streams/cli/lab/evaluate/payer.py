"""`headwater evaluate payer`: predicted payers against the true chances, or a history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streams.cli.lab.evaluate.worlds import (
    PAYER_INSTALLS,
    WorldFigures,
    answer_worlds,
    world_options,
    world_plan,
)
from streams.cli.lab.options import history_option, plots_option
from streams.cli.output import json_option, progress, seed_option, settings_for


@click.command("payer")
@world_options(PAYER_INSTALLS)
@click.option(
    "--river/--no-river",
    "has_river",
    default=True,
    help="Compare with River's FTRL classifier (default: yes).",
)
@history_option
@plots_option
@seed_option
@json_option
def evaluate_payer_command(
    files: tuple[Path, ...], plots: Path | None, as_json: bool, has_river: bool, **chosen: Any
) -> None:
    """Measure predicted payers: how near they come to the true chances.

    Excess is normalised entropy above that of the true chances: 0 is perfect. Ratio is predicted
    over actual payers. With --data, all models learn your own history in order of time, and each
    prediction is compared with what happened later.

    \b
    Example:
      headwater evaluate payer --world agents --scenario steady --plots charts
      headwater evaluate payer --data installs.jsonl --data payments.jsonl
    """
    if files:
        _answer_history(files, plots, as_json)
        return
    from streams.lab.evaluation.payer.payer import evaluate_payer

    with progress(is_quiet=as_json) as advance:
        found = evaluate_payer(world_plan(**chosen), advance, plots, has_river=has_river)
    answer_worlds(found, as_json, _world_row)


def _answer_history(files: tuple[Path, ...], plots: Path | None, as_json: bool) -> None:
    from streams.lab.evaluation.payer.history_evaluation import evaluate_payer_history

    with progress(is_quiet=as_json) as advance:
        found = evaluate_payer_history(settings_for(None), files, advance, plots)
    answer_worlds(found, as_json, _history_row)


def _world_row(figures: WorldFigures) -> WorldFigures:
    challengers = figures["challengers"]
    return {
        "D7 excess": figures["d7_excess_ne"],
        "days 3–7": figures["d7_excess_ne_after_shift"],
        **{f"D7 {name}": theirs["d7_excess_ne"] for name, theirs in challengers.items()},
        "D30 excess": figures["d30_excess_ne"],
        "D30 waiting": challengers["waiting"]["d30_excess_ne"],
        "ratio": figures["calibration_ratio"],
        "ratio in 7 days": figures["calibration_ratio_after_shift"],
        "ECE": figures["ece"],
        "AUC": figures["auc"],
        "AUC of truth": figures["auc_of_truth"],
    }


def _history_row(figures: WorldFigures) -> WorldFigures:
    challengers = figures["challengers"].items()
    return {
        "D7 entropy": figures["d7_normalised_entropy"],
        **{f"D7 {name}": theirs["d7_normalised_entropy"] for name, theirs in challengers},
        "D30 entropy": figures["d30_normalised_entropy"],
        "ratio": figures["calibration_ratio"],
        "ECE": figures["ece"],
        "AUC": figures["auc"],
        **{f"loss {name}": loss for name, loss in figures["log_loss"].items()},
        "predictions": figures["predictions"],
    }
