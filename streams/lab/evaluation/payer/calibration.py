"""Whether those of whom it is said that one in twenty pays, pay one in twenty times."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from streams.lab.evaluation.payer.charts import daily_ratio, write_plots
from streams.lab.evaluation.payer.judged_predictions import Judged, reliability_of, rounded
from streams.lab.evaluation.payer.runs import PayingPlan, Run, replay_all
from streams.lab.simulator.paying_worlds.steps import LANDMARKS
from streams.progress import Progress


def evaluate_calibration(
    plan: PayingPlan, advance: Progress, plots: Path | None = None
) -> dict[str, dict[str, Any]]:
    """By world and disturbance, of the full model, against the true chances."""
    return calibration_of(replay_all(plan, advance), plots)


def calibration_of(runs: Iterable[Run], plots: Path | None = None) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        found.setdefault(run.world, {})[run.disturbance] = rounded(_figures(run))
        if plots is not None:
            write_plots(run, plots)
    return found


def _figures(run: Run) -> dict[str, Any]:
    told = reliability_of(run.d7, "full")
    return {
        "calibration_ratio": told.ratio,
        "ece": told.ece(),
        "d30_calibration_ratio": reliability_of(run.d30, "full").ratio,
        "d30_ece": reliability_of(run.d30, "full").ece(),
        "ratio_by_day": {str(int(day)): ratio for day, ratio in daily_ratio(run.d7, "full")},
        "by_landmark": _by_landmark(run.d7),
        "reliability": [one._asdict() for one in told.table()],
        "predictions": len(run.d7),
    }


def _by_landmark(rows: Judged) -> dict[str, dict[str, float]]:
    found = {}
    for number in np.unique(rows.landmark).tolist():
        told = reliability_of(rows.only(rows.landmark == number), "full")
        found[LANDMARKS[number]] = {"calibration_ratio": told.ratio, "ece": told.ece()}
    return found
