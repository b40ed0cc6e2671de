"""How well payers would have been predicted in a recorded history, with what was known then.

Predictions count from the day on which the first installs are eight days old, for horizons that
are over when the history ends. Nobody knows the true chances: figures are against what came true,
and normalised entropy is log loss over that of knowing each landmark's share of payers.
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
from streams.lab.evaluation.payer.history import (
    PayerHistory,
    payer_history_of,
    read_payer_history,
)
from streams.lab.evaluation.payer.judged_predictions import (
    D7,
    D30,
    JudgedPredictions,
    auc,
    excess_entropy,
    mean_log_loss,
    reliability_against_truth,
)
from streams.lab.evaluation.payer.payer_log import JUDGED_HORIZONS, RELEASED_MS
from streams.lab.evaluation.payer.payer_models import CHALLENGERS, PAYER_TIERS, PayerModels
from streams.lab.evaluation.payer.payer_replay import PayerPredictions, PayerReplay
from streams.lab.evaluation.payer.runs import PayerRun
from streams.lab.evaluation.replay.decided_history import read_decided_history
from streams.lab.evaluation.replay.event_time_replay import log_days
from streams.lab.evaluation.rounded import rounded
from streams.lab.evaluation.served import served_figures
from streams.progress import Progress
from streams.settings import Settings

WARM_UP_MS = 8 * DAY_MS
_UNDEFINED = (
    "d7_normalised_entropy",
    "d30_normalised_entropy",
    "calibration_ratio",
    "ece",
    "auc",
)
"""Figures that are None where nobody has paid."""
_WORLD, _DISTURBANCE = "history", "own"


def evaluate_payer_history(
    settings: Settings,
    files: Sequence[Path],
    advance: Progress,
    plots: Path | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """What workers would have served, judged beside baselines; and under `history` the figures of
    `evaluate_payer`, of models without gates, except those that need the true chances.

    Stop: no installs.
    """
    decided = read_decided_history(settings, files, "payer", advance, installs_min=1)
    own = payer_history_of(decided)
    run, predictions = _run_of(own, advance, has_river=True)
    if plots is not None and run.d7.label.any():
        write_payer_charts(run, plots)
    about = {
        "installs": own.installs,
        "installs_that_pay": own.payers,
        "dead_letters": decided.dead_letters,
    }
    learned = {_WORLD: {_DISTURBANCE: rounded(_figures(run) | about)}}
    advance("judge what was served", 0, 1)
    return learned | served_figures(own, predictions, seed)


def payer_history_run(settings: Settings, files: Sequence[Path], advance: Progress) -> PayerRun:
    """Judged predictions, for figures of calibration and of tiers. Stop: nobody pays."""
    own = read_payer_history(settings, files, advance)
    run, _ = _run_of(own, advance, has_river=False)
    if not run.d7.label.any():
        raise Stop("nobody pays whose first seven days are over in these files; add history")
    return run


def _run_of(
    own: PayerHistory, advance: Progress, *, has_river: bool
) -> tuple[PayerRun, PayerPredictions]:
    models = PayerModels() if has_river else PayerModels(river=None)
    predictions = _replayed(own, models, advance)
    run = PayerRun(
        world=_WORLD,
        disturbance=_DISTURBANCE,
        d7=_judged(own, predictions, D7),
        d30=_judged(own, predictions, D30),
        is_own=True,
    )
    return run, predictions


def _replayed(own: PayerHistory, models: PayerModels, advance: Progress) -> PayerPredictions:
    replay = PayerReplay(own.log, own.features, models, own.begin_ms)
    # No later prediction could be judged.
    until = min(own.until_ms, int(own.log.asks.time[-1])) + 1
    replay.run(until, log_days(advance, "learn and predict", own.begin_ms, until))
    return replay.predictions()


def _judged(own: PayerHistory, predictions: PayerPredictions, horizon: int) -> JudgedPredictions:
    """Of installs that had not paid, by what is known now that the horizon is over."""
    end = list(JUDGED_HORIZONS.values())[horizon]
    over_after = int(RELEASED_MS[PAYER.edges.index(end) - 1])
    landmark_ms = np.array([one.after_ms for one in PAYER.landmarks])[predictions.landmark]
    installed_at = predictions.time - landmark_ms
    paid = own.log.seems_paid_ms[predictions.install]
    label = (paid >= 0) & (paid < end)
    found = JudgedPredictions(
        landmark=predictions.landmark,
        since_ms=predictions.time - own.begin_ms,
        true=label.astype(float),
        label=label,
        predicted={name: column[:, horizon] for name, column in predictions.predicted.items()},
    )
    is_judged = (installed_at + over_after <= own.until_ms) & (landmark_ms < end)
    is_late = (paid >= 0) & (paid < landmark_ms)
    return found.only(is_judged & ~is_late & (found.since_ms >= WARM_UP_MS))


def _figures(run: PayerRun) -> dict[str, Any]:
    if not run.d7.label.any():
        return {**dict.fromkeys(_UNDEFINED), "log_loss": {}, "challengers": {}} | _counts(run)
    reliability = reliability_against_truth(run.d7, "full")
    return {
        "d7_normalised_entropy": excess_entropy(run.d7, "full"),
        "d30_normalised_entropy": excess_entropy(run.d30, "full"),
        "calibration_ratio": reliability.ratio,
        "ece": reliability.ece(),
        "auc": auc(run.d7, run.d7.predicted["full"]),
        "log_loss": {name: mean_log_loss(run.d7, name) for name in PAYER_TIERS},
        "challengers": {
            name: {
                "d7_normalised_entropy": excess_entropy(run.d7, name),
                "calibration_ratio": reliability_against_truth(run.d7, name).ratio,
                "log_loss": mean_log_loss(run.d7, name),
            }
            for name in CHALLENGERS
        },
        **_counts(run),
    }


def _counts(run: PayerRun) -> dict[str, int]:
    return {"predictions": len(run.d7), "payers": int(run.d7.label.sum())}
