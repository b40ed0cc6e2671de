"""Charts of one run of the payer models: reliability, calibration over time, gain."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from schemas.time import DAY_MS
from streams.lab.evaluation.chart import Chart, Line, write_chart
from streams.lab.evaluation.payer.judged_predictions import (
    JudgedPredictions,
    reliability_against_truth,
)
from streams.lab.evaluation.payer.payer_models import PAYER_TIERS
from streams.lab.evaluation.payer.runs import PayerRun
from streams.lab.simulator.draws import FloatColumn
from streams.lab.simulator.paying_worlds.steps import LANDMARK_NAMES

_GAIN_POINTS = 100


def write_payer_charts(run: PayerRun, folder: Path) -> None:
    """Three SVG files, named by world and disturbance."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{run.world}-{run.disturbance}"
    write_chart(_reliability(run), folder / f"reliability-{name}.svg")
    write_chart(_over_time(run), folder / f"calibration-{name}.svg")
    write_chart(_gain(run), folder / f"gain-{name}.svg")


def _reliability(run: PayerRun) -> Chart:
    lines = [_reliability_line(run.d7, tier) for tier in PAYER_TIERS[:3]]
    return Chart(
        f"Pays within 7 days: predicted and true ({run.world}, {run.disturbance})",
        "predicted chance",
        "share that paid" if run.is_own else "true chance",
        lines,
        is_square=True,
    )


def _reliability_line(rows: JudgedPredictions, tier: str) -> Line:
    table = reliability_against_truth(rows, tier).table()
    return Line(tier, [(one.predicted, one.observed) for one in table], has_dots=True)


def _over_time(run: PayerRun) -> Chart:
    return Chart(
        f"Predicted over true payers, by day ({run.world}, {run.disturbance})",
        "days since the first install" if run.is_own else "days since the change",
        "predicted / true",
        [
            Line("D7", daily_ratio(run.d7, "full")),
            Line("D30", daily_ratio(run.d30, "full")),
            Line("D7, waiting", daily_ratio(run.d7, "waiting")),
            Line("D30, waiting", daily_ratio(run.d30, "waiting")),
        ],
    )


def daily_ratio(rows: JudgedPredictions, name: str) -> list[tuple[float, float]]:
    """Predictions over true chances, by day since the disturbance began."""
    day = rows.since_ms // DAY_MS
    predicted, true = np.bincount(day, rows.predicted[name]), np.bincount(day, rows.true)
    return [
        (float(number), float(predicted[number] / true[number]))
        for number in np.flatnonzero(true > 0)
    ]


def _gain(run: PayerRun) -> Chart:
    at_install = run.d7.only(run.d7.landmark == 0)
    after_a_day = run.d7.only(run.d7.landmark == LANDMARK_NAMES.index("1d"))
    lines = []
    for when, rows in (("at install", at_install), ("after a day", after_a_day)):
        lines.append(Line(f"{when}: model", _gained(rows, rows.predicted["full"])))
        lines.append(Line(f"{when}: truth", _gained(rows, rows.true)))
    return Chart(
        f"Payers found among those most likely to pay ({run.world}, {run.disturbance})",
        "share of installs",
        "share of payers within 7 days",
        lines,
        is_square=True,
    )


def _gained(rows: JudgedPredictions, score: FloatColumn) -> list[tuple[float, float]]:
    """Share of expected payers among the best share of installs."""
    order = np.argsort(-score, kind="stable")
    found = np.r_[0.0, np.cumsum(rows.true[order])]
    at = np.linspace(0, len(order), _GAIN_POINTS + 1).astype(np.int64)
    total = found[-1] or 1.0
    return [(float(one) / max(len(order), 1), float(found[one] / total)) for one in at]
