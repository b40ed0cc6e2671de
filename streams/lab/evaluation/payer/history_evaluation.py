"""How well a payer model would have done on one's own history, told only what was known then.

Predictions count from the day on which the first installs have a week and a day behind them, for
horizons that are over when the history ends. Nobody knows the true chances: figures are against
what came true, and normalised entropy is log loss over that of knowing each landmark's share.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from online_models.hazard.bins import PAYER
from schemas.time import DAY_MS
from streams.errors import Stop
from streams.lab.evaluation.payer.charts import write_payer_charts
from streams.lab.evaluation.payer.history import PayerHistory, read_payer_history
from streams.lab.evaluation.payer.judged_predictions import (
    D7,
    D30,
    JudgedPredictions,
    auc,
    excess_entropy,
    mean_log_loss,
    reliability_against_truth,
    rounded,
)
from streams.lab.evaluation.payer.payer_log import JUDGED_HORIZONS, RELEASED_MS
from streams.lab.evaluation.payer.payer_models import CHALLENGERS, PAYER_TIERS, PayerModels
from streams.lab.evaluation.payer.payer_replay import PayerPredictions, PayerReplay
from streams.lab.evaluation.payer.runs import PayerRun
from streams.progress import Progress
from streams.settings.tree import Settings

WARM_UP_MS = 8 * DAY_MS
NAME, SCENARIO = "history", "own"


def evaluate_payer_history(
    settings: Settings, files: Sequence[Path], advance: Progress, plots: Path | None = None
) -> dict[str, dict[str, Any]]:
    """As `evaluate_payer`, but what only the truth could tell."""
    own = read_payer_history(settings, files, advance)
    run = _run_of(own, advance, has_river=True)
    if plots is not None:
        write_payer_charts(run, plots)
    about = {"installs": own.installs, "installs_that_pay": own.payers}
    return {NAME: {SCENARIO: rounded(_figures(run) | about)}}


def payer_history_run(settings: Settings, files: Sequence[Path], advance: Progress) -> PayerRun:
    """For figures of calibration and tiers."""
    return _run_of(read_payer_history(settings, files, advance), advance, has_river=False)


def _run_of(own: PayerHistory, advance: Progress, *, has_river: bool) -> PayerRun:
    contestants = PayerModels() if has_river else PayerModels(river=None)
    made = _replayed(own, contestants, advance)
    run = PayerRun(NAME, SCENARIO, _judged(own, made, D7), _judged(own, made, D30), is_own=True)
    if not run.d7.label.any():
        raise Stop("nobody pays whose first seven days are over in these files; add history")
    return run


def _replayed(own: PayerHistory, contestants: PayerModels, advance: Progress) -> PayerPredictions:
    replay = PayerReplay(own.log, own.features, contestants, own.begin_ms)
    # Later on nothing is asked that could be judged.
    until = min(own.until_ms, int(own.log.asks.time[-1])) + 1
    days = max((until - own.begin_ms) // DAY_MS, 1)
    replay.run(
        until,
        lambda now: advance("learn and predict, days", (now - own.begin_ms) // DAY_MS, days),
    )
    return replay.predictions()


def _judged(own: PayerHistory, made: PayerPredictions, horizon: int) -> JudgedPredictions:
    """Of installs that had not paid, by what is known now that the horizon is over."""
    end = list(JUDGED_HORIZONS.values())[horizon]
    over_after = int(RELEASED_MS[PAYER.edges.index(end) - 1])
    landmark_ms = np.array([one.after_ms for one in PAYER.landmarks])[made.landmark]
    installed_at = made.time - landmark_ms
    paid = own.log.seems_paid_ms[made.install]
    label = (paid >= 0) & (paid < end)
    found = JudgedPredictions(
        made.landmark,
        made.time - own.begin_ms,
        label.astype(float),
        label,
        {name: said[:, horizon] for name, said in made.said.items()},
    )
    is_judged = (installed_at + over_after <= own.until_ms) & (landmark_ms < end)
    is_late = (paid >= 0) & (paid < landmark_ms)
    return found.only(is_judged & ~is_late & (found.since_ms >= WARM_UP_MS))


def _figures(run: PayerRun) -> dict[str, Any]:
    told = reliability_against_truth(run.d7, "full")
    return {
        "d7_normalised_entropy": excess_entropy(run.d7, "full"),
        "d30_normalised_entropy": excess_entropy(run.d30, "full"),
        "calibration_ratio": told.ratio,
        "ece": told.ece(),
        "auc": auc(run.d7, run.d7.said["full"]),
        "log_loss": {name: mean_log_loss(run.d7, name) for name in PAYER_TIERS},
        "challengers": {
            name: {
                "d7_normalised_entropy": excess_entropy(run.d7, name),
                "calibration_ratio": reliability_against_truth(run.d7, name).ratio,
                "log_loss": mean_log_loss(run.d7, name),
            }
            for name in CHALLENGERS
        },
        "predictions": len(run.d7),
        "payers": int(run.d7.label.sum()),
    }
