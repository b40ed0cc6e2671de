"""`headwater evaluate calibration`: whether predicted chances come true as often as they say."""

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
from streams.cli.lab.options import history_option, plots_option
from streams.cli.output import json_option, progress, seed_option


@click.command("calibration")
@world_options(PAYER_INSTALLS)
@history_option
@plots_option
@seed_option
@json_option
def evaluate_calibration_command(
    files: tuple[Path, ...], plots: Path | None, as_json: bool, **chosen: Any
) -> None:
    """Measure calibration: of installs given a chance of 5 %, do 5 % pay?

    Ratio is predicted over actual payers; ECE is the expected calibration error.

    \b
    Example:
      headwater evaluate calibration --scenario campaign_shift --plots charts
      headwater evaluate calibration --data history.jsonl
    """
    from streams.lab.evaluation.payer.calibration import calibration_of, evaluate_calibration

    with progress(is_quiet=as_json) as advance:
        if files:
            found = calibration_of([history_run(files, advance)], plots)
        else:
            found = evaluate_calibration(world_plan(**chosen), advance, plots)
    answer_worlds(found, as_json, _row)


def _row(figures: WorldFigures) -> WorldFigures:
    worst = max(figures["by_landmark"].items(), key=lambda item: float(item[1]["ece"]))
    return {
        "ratio": figures["calibration_ratio"],
        "ECE": figures["ece"],
        "D30 ratio": figures["d30_calibration_ratio"],
        "D30 ECE": figures["d30_ece"],
        "worst landmark": worst[0],
        "its ECE": worst[1]["ece"],
        "predictions": figures["predictions"],
    }
