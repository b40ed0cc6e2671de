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
from streams.lab.evaluation.payer.charts import write_plots
from streams.lab.evaluation.payer.history import OwnHistory, read_own_history
from streams.lab.evaluation.payer.judged_predictions import (
    D7,
    D30,
    Judged,
    auc,
    excess,
    log_loss,
    reliability_of,
    rounded,
)
from streams.lab.evaluation.payer.payer_log import HORIZONS, RELEASED_MS
from streams.lab.evaluation.payer.payer_models import CHALLENGERS, TIERS, Contestants
from streams.lab.evaluation.payer.payer_replay import Predictions, Replay
from streams.lab.evaluation.payer.runs import Run
from streams.progress import Progress
from streams.settings.tree import Settings

WARM_UP_MS = 8 * DAY_MS
NAME, SCENARIO = "history", "own"


def evaluate_payer_history(
    settings: Settings, files: Sequence[Path], advance: Progress, plots: Path | None = None
) -> dict[str, dict[str, Any]]:
    """As `evaluate_payer`, but what only the truth could tell."""
    own = read_own_history(settings, files, advance)
    run = _run_of(own, advance, has_river=True)
    if plots is not None:
        write_plots(run, plots)
    about = {"installs": own.installs, "installs_that_pay": own.payers}
    return {NAME: {SCENARIO: rounded(_figures(run) | about)}}


def history_run(settings: Settings, files: Sequence[Path], advance: Progress) -> Run:
    """For figures of calibration and tiers."""
    return _run_of(read_own_history(settings, files, advance), advance, has_river=False)


def _run_of(own: OwnHistory, advance: Progress, *, has_river: bool) -> Run:
    contestants = Contestants() if has_river else Contestants(river=None)
    made = _replayed(own, contestants, advance)
    run = Run(NAME, SCENARIO, _judged(own, made, D7), _judged(own, made, D30), is_own=True)
    if not run.d7.label.any():
        raise Stop("nobody pays whose first seven days are over in these files; add history")
    return run


def _replayed(own: OwnHistory, contestants: Contestants, advance: Progress) -> Predictions:
    replay = Replay(own.log, own.features, contestants, own.begin_ms)
    # Later on nothing is asked that could be judged.
    until = min(own.until_ms, int(own.log.asks.time[-1])) + 1
    days = max((until - own.begin_ms) // DAY_MS, 1)
    replay.run(
        until,
        lambda now: advance("learn and predict, days", (now - own.begin_ms) // DAY_MS, days),
    )
    return replay.predictions()


def _judged(own: OwnHistory, made: Predictions, horizon: int) -> Judged:
    """Of installs that had not paid, by what is known now that the horizon is over."""
    end = list(HORIZONS.values())[horizon]
    over_after = int(RELEASED_MS[PAYER.edges.index(end) - 1])
    landmark_ms = np.array([one.after_ms for one in PAYER.landmarks])[made.landmark]
    installed_at = made.time - landmark_ms
    paid = own.log.seems_paid_ms[made.install]
    label = (paid >= 0) & (paid < end)
    found = Judged(
        made.landmark,
        made.time - own.begin_ms,
        label.astype(float),
        label,
        {name: said[:, horizon] for name, said in made.said.items()},
    )
    is_judged = (installed_at + over_after <= own.until_ms) & (landmark_ms < end)
    is_late = (paid >= 0) & (paid < landmark_ms)
    return found.only(is_judged & ~is_late & (found.since_ms >= WARM_UP_MS))


def _figures(run: Run) -> dict[str, Any]:
    told = reliability_of(run.d7, "full")
    return {
        "d7_normalised_entropy": excess(run.d7, "full"),
        "d30_normalised_entropy": excess(run.d30, "full"),
        "calibration_ratio": told.ratio,
        "ece": told.ece(),
        "auc": auc(run.d7, run.d7.said["full"]),
        "log_loss": {name: log_loss(run.d7, name) for name in TIERS},
        "challengers": {
            name: {
                "d7_normalised_entropy": excess(run.d7, name),
                "calibration_ratio": reliability_of(run.d7, name).ratio,
                "log_loss": log_loss(run.d7, name),
            }
            for name in CHALLENGERS
        },
        "predictions": len(run.d7),
        "payers": int(run.d7.label.sum()),
    }
