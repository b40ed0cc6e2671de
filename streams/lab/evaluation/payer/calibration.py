"""Whether one in twenty pays of those who are predicted to pay with a chance of 5 %."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from streams.lab.evaluation.payer.charts import daily_ratio, write_payer_charts
from streams.lab.evaluation.payer.judged_predictions import (
    JudgedPredictions,
    reliability_against_truth,
)
from streams.lab.evaluation.payer.runs import PayerRun, replay_payer_worlds
from streams.lab.evaluation.replay.world_plan import WorldPlan
from streams.lab.evaluation.rounded import rounded
from streams.lab.simulator.paying_worlds.steps import LANDMARK_NAMES
from streams.progress import Progress


def evaluate_calibration(
    plan: WorldPlan, advance: Progress, plots: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Calibration of the full model against the true chances, by world and disturbance."""
    return calibration_of(replay_payer_worlds(plan, advance, has_river=False), plots)


def calibration_of(
    runs: Iterable[PayerRun], plots: Path | None = None
) -> dict[str, dict[str, Any]]:
    """The same for runs that were made already."""
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        found.setdefault(run.world, {})[run.disturbance] = rounded(_figures(run))
        if plots is not None:
            write_payer_charts(run, plots)
    return found


def _figures(run: PayerRun) -> dict[str, Any]:
    d7, d30 = (reliability_against_truth(rows, "full") for rows in (run.d7, run.d30))
    return {
        "calibration_ratio": d7.ratio,
        "ece": d7.ece(),
        "d30_calibration_ratio": d30.ratio,
        "d30_ece": d30.ece(),
        "ratio_by_day": {str(int(day)): ratio for day, ratio in daily_ratio(run.d7, "full")},
        "by_landmark": _by_landmark(run.d7),
        "reliability": [one._asdict() for one in d7.table()],
        "predictions": len(run.d7),
    }


def _by_landmark(rows: JudgedPredictions) -> dict[str, dict[str, float]]:
    found = {}
    for number in np.unique(rows.landmark).tolist():
        reliability = reliability_against_truth(rows.only(rows.landmark == number), "full")
        found[LANDMARK_NAMES[number]] = {
            "calibration_ratio": reliability.ratio,
            "ece": reliability.ece(),
        }
    return found
