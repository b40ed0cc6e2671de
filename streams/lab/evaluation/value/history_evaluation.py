"""How well revenue would have been predicted in a recorded history, with what was known then.

Predictions count from the day on which the first installs are a month old, for horizons that are
over when the history ends. Beside the model stands the growth of cohorts alone: what installs of
the same age had gone on to pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from online_models.scoring.landmarks import LANDMARKS
from online_models.value.model import ValueModel, ValueRules
from online_models.value.shape import AMOUNT_HORIZONS
from schemas.time import DAY_MS
from streams.lab.evaluation.replay.event_time_replay import log_days
from streams.lab.evaluation.rounded import rounded
from streams.lab.evaluation.value.figures import is_monotone, realised_figures
from streams.lab.evaluation.value.history import ValueHistory, read_value_history
from streams.lab.evaluation.value.payment_table import VALUE_LANDMARK_MS
from streams.lab.evaluation.value.value_replay import ValuePredictions, ValueReplay
from streams.lab.simulator.draws import BoolColumn
from streams.progress import Progress
from streams.settings import Settings

_WARM_UP_MS = 31 * DAY_MS
ROWS_MIN = 200
"""Predictions at a landmark; figures of fewer would be noise and are left out."""

COHORTS_ONLY = msgspec.structs.replace(ValueRules(), matured_rows=1_000_000_000)


def evaluate_value_history(
    settings: Settings, files: Sequence[Path], advance: Progress
) -> dict[str, Any]:
    """Figures by horizon and landmark, of the model and of cohorts alone."""
    own = read_value_history(settings, files, advance)
    predictions = {
        "model": predict_history(own, ValueRules(), advance, "learn and predict"),
        "cohorts": predict_history(own, COHORTS_ONLY, advance, "predict by cohorts alone"),
    }
    found: dict[str, Any] = {
        horizon.name: _by_landmark(own, predictions, number)
        for number, horizon in enumerate(AMOUNT_HORIZONS)
    }
    about = {
        "installs": len(own.installs),
        "payments": len(own.payments.install),
        "currency": own.currency,
        "payments_in_other_currencies": own.other_currencies,
        "is_monotone": is_monotone(predictions["model"]),
    }
    return about | {name: rounded(one) for name, one in found.items()}


def predict_history(
    own: ValueHistory, rules: ValueRules, advance: Progress, step: str
) -> ValuePredictions:
    """What a model with these rules would have predicted at every landmark."""
    replay = ValueReplay(own.table, own.features, ValueModel(rules))
    installed_at = own.table.installed_at
    first = int(installed_at[0])
    last = min(int(installed_at[-1]) + int(VALUE_LANDMARK_MS[-1]) + 1, own.until_ms + 1)
    replay.run(last, log_days(advance, step, first, last))
    return replay.predictions()


def _judged(own: ValueHistory, predictions: ValuePredictions, horizon: int) -> BoolColumn:
    """Which predictions count: asked after the warm-up, over when the history ends, answered."""
    begins = int(own.table.installed_at[0]) + _WARM_UP_MS
    end = AMOUNT_HORIZONS[horizon].after_ms
    is_over = own.table.installed_at[predictions.install] + end <= own.until_ms
    is_open = VALUE_LANDMARK_MS[predictions.landmark] < end
    answered = ~np.isnan(predictions.expected[:, horizon])
    return np.asarray((predictions.time >= begins) & is_over & is_open & answered)


def _by_landmark(
    own: ValueHistory, predictions: dict[str, ValuePredictions], horizon: int
) -> dict[str, Any]:
    actual = own.paid_until(AMOUNT_HORIZONS[horizon].after_ms)
    model = predictions["model"]
    which = _judged(own, model, horizon)
    found: dict[str, Any] = {}
    for mark, landmark in enumerate(LANDMARKS):
        rows = which & (model.landmark == mark)
        if int(rows.sum()) < ROWS_MIN:
            continue
        install = model.install[rows]
        found[landmark.name] = {
            "predictions": len(install),
            "extrapolated_share": float(model.is_extrapolated[rows, horizon].mean()),
            **{
                name: realised_figures(one.expected[rows, horizon], actual[install])
                for name, one in predictions.items()
            },
        }
    return found
