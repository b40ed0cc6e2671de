"""How well a value model would have done on one's own history, told only what was known then.

Predictions count from the day on which the first installs have a month behind them, for horizons
that are over when the history ends. Beside the model stands the growth of cohorts alone: what
installs of the same age had gone on to pay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from online_models.quality.value_figures import decile_mape, normalised_gini, total_ratio
from online_models.value.model import ValueModel, ValueRules
from online_models.value.shape import HORIZONS, LANDMARKS
from schemas.time import DAY_MS
from streams.lab.evaluation.value.figures import is_monotone, rounded
from streams.lab.evaluation.value.history import ValueHistory, read_value_history
from streams.lab.evaluation.value.payment_table import VALUE_LANDMARK_MS
from streams.lab.evaluation.value.value_replay import ValuePredictions, ValueReplay
from streams.progress import Progress
from streams.settings.tree import Settings

_WARM_UP_MS = 31 * DAY_MS
ROWS_MIN = 200
"""Predictions at a landmark; figures of fewer say nothing and are left out."""

COHORTS_ONLY = msgspec.structs.replace(ValueRules(), matured_rows=1_000_000_000)


def evaluate_value_history(
    settings: Settings, files: Sequence[Path], advance: Progress
) -> dict[str, Any]:
    own = read_value_history(settings, files, advance)
    made = {
        "model": predicted(own, ValueRules(), advance, "learn and predict"),
        "cohorts": predicted(own, COHORTS_ONLY, advance, "predict by cohorts alone"),
    }
    found: dict[str, Any] = {
        horizon.name: _by_landmark(own, made, number) for number, horizon in enumerate(HORIZONS)
    }
    about = {
        "installs": len(own.installs),
        "payments": len(own.payments.install),
        "currency": own.currency,
        "payments_in_other_currencies": own.other_currencies,
        "is_monotone": is_monotone(made["model"]),
    }
    return about | {name: rounded(one) for name, one in found.items()}


def predicted(
    own: ValueHistory, rules: ValueRules, advance: Progress, step: str
) -> ValuePredictions:
    replay = ValueReplay(own.history, own.features, ValueModel(rules))
    first = int(own.history.installed_at[0])
    last = min(int(own.history.installed_at[-1]) + int(VALUE_LANDMARK_MS[-1]) + 1, own.until_ms + 1)
    replay.run(last, _days(advance, step, first, last))
    return replay.predictions()


def _judged(
    own: ValueHistory, made: ValuePredictions, horizon: int
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which predictions count: asked after the warm-up, over when the history ends, answered."""
    begins = int(own.history.installed_at[0]) + _WARM_UP_MS
    end = HORIZONS[horizon].after_ms
    is_over = own.history.installed_at[made.install] + end <= own.until_ms
    is_open = VALUE_LANDMARK_MS[made.landmark] < end
    answered = ~np.isnan(made.worth[:, horizon])
    return np.asarray((made.time >= begins) & is_over & is_open & answered)


def _by_landmark(
    own: ValueHistory, made: dict[str, ValuePredictions], horizon: int
) -> dict[str, Any]:
    came = own.until(HORIZONS[horizon].after_ms)
    which = _judged(own, made["model"], horizon)
    found: dict[str, Any] = {}
    for mark, landmark in enumerate(LANDMARKS):
        rows = which & (made["model"].landmark == mark)
        if int(rows.sum()) < ROWS_MIN:
            continue
        install = made["model"].install[rows]
        found[landmark.name] = {
            "predictions": len(install),
            "extrapolated_share": float(made["model"].is_extrapolated[rows, horizon].mean()),
            **{
                name: {
                    "gini": normalised_gini(one.worth[rows, horizon], came[install]),
                    "decile_mape": decile_mape(one.worth[rows, horizon], came[install]),
                    "total_ratio": total_ratio(one.worth[rows, horizon], came[install]),
                }
                for name, one in made.items()
            },
        }
    return found


def _days(advance: Progress, step: str, begin: int, end: int) -> Callable[[int], None]:
    days = (end - begin) // DAY_MS
    return lambda now: advance(f"{step}, days of log time", (now - begin) // DAY_MS, days)
