"""Whether those of whom it is said that one in twenty pays, pay one in twenty times."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from streams.lab.evaluation.payer.charts import daily_ratio, write_payer_charts
from streams.lab.evaluation.payer.judged_predictions import (
    JudgedPredictions,
    reliability_against_truth,
    rounded,
)
from streams.lab.evaluation.payer.runs import PayerRun, PayingPlan, replay_payer_worlds
from streams.lab.simulator.paying_worlds.steps import LANDMARK_NAMES
from streams.progress import Progress


def evaluate_calibration(
    plan: PayingPlan, advance: Progress, plots: Path | None = None
) -> dict[str, dict[str, Any]]:
    """By world and disturbance, of the full model, against the true chances."""
    return calibration_of(replay_payer_worlds(plan, advance), plots)


def calibration_of(
    runs: Iterable[PayerRun], plots: Path | None = None
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        found.setdefault(run.world, {})[run.disturbance] = rounded(_figures(run))
        if plots is not None:
            write_payer_charts(run, plots)
    return found


def _figures(run: PayerRun) -> dict[str, Any]:
    told = reliability_against_truth(run.d7, "full")
    return {
        "calibration_ratio": told.ratio,
        "ece": told.ece(),
        "d30_calibration_ratio": reliability_against_truth(run.d30, "full").ratio,
        "d30_ece": reliability_against_truth(run.d30, "full").ece(),
        "ratio_by_day": {str(int(day)): ratio for day, ratio in daily_ratio(run.d7, "full")},
        "by_landmark": _by_landmark(run.d7),
        "reliability": [one._asdict() for one in told.table()],
        "predictions": len(run.d7),
    }


def _by_landmark(rows: JudgedPredictions) -> dict[str, dict[str, float]]:
    found = {}
    for number in np.unique(rows.landmark).tolist():
        told = reliability_against_truth(rows.only(rows.landmark == number), "full")
        found[LANDMARK_NAMES[number]] = {"calibration_ratio": told.ratio, "ece": told.ece()}
    return found
