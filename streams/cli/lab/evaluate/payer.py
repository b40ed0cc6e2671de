"""`headwater evaluate payer`: predicted payers against the true chances, or a history."""

from __future__ import annotations

from collections.abc import Iterator
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
from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    json_option,
    progress,
    seed_option,
    settings_for,
)


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
    over actual payers.

    With --data, your own history goes through all stages as in a worker: what is judged are the
    very predictions that would have been served, beside simple baselines, with intervals and a
    verdict.

    \b
    Example:
      headwater evaluate payer --world agents --scenario steady --plots charts
      headwater evaluate payer --data installs.jsonl --data payments.jsonl
    """
    if files:
        _answer_history(files, plots, chosen["seed"], as_json)
        return
    from streams.lab.evaluation.payer.payer import evaluate_payer

    with progress(is_quiet=as_json) as advance:
        found = evaluate_payer(world_plan(**chosen), advance, plots, has_river=has_river)
    answer_worlds(found, as_json, _world_row)


def _answer_history(files: tuple[Path, ...], plots: Path | None, seed: int, as_json: bool) -> None:
    from streams.lab.evaluation.payer.history_evaluation import evaluate_payer_history

    with progress(is_quiet=as_json) as advance:
        found = evaluate_payer_history(settings_for(None), files, advance, plots, seed)
    if as_json:
        answer_json(found)
        return
    answer_worlds({"history": found["history"]}, as_json, _history_row)
    for horizon, figures in (("d7", found), ("d30", found["d30"])):
        answer_table((f"served, {horizon}", "value"), list(_served_cells(figures)))
        answer_table((f"entropy, {horizon}", "", "95 %"), list(_entropy_cells(figures)))
        answer_text(figures["verdict"])


def _served_cells(figures: WorldFigures) -> Iterator[tuple[str, str]]:
    for name, value in figures["served"].items():
        if name != "ne":
            yield name.replace("_", " "), _shown(value)


def _entropy_cells(figures: WorldFigures) -> Iterator[tuple[str, str, str]]:
    named = {"served": figures["served"]["ne"], **figures["baselines"]}
    for name, entropy in named.items():
        between = figures["intervals"].get(name, ())
        yield name.replace("_", " "), _shown(entropy), " to ".join(map(_shown, between))


def _shown(value: float | None) -> str:
    """None: nobody has paid."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


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
        "dead letters": figures["dead_letters"],
    }
