"""How near expected revenue came to what people are truly worth, and to what they then paid."""

from __future__ import annotations

from typing import Any

import numpy as np

from online_models.quality.value_figures import decile_mape, normalised_gini, total_ratio
from online_models.value.shape import HORIZONS, LANDMARKS
from streams.lab.evaluation.value.payment_table import VALUE_LANDMARK_MS
from streams.lab.evaluation.value.value_replay import ValuePredictions
from streams.lab.simulator.draws import BoolColumn, FloatColumn
from streams.lab.simulator.paying_worlds import Spending


def value_world_figures(made: ValuePredictions, spending: Spending) -> dict[str, Any]:
    """The worst horizon of each figure on top; then by horizon, and by landmark of each.

    gini_of_oracle: normalised Gini of predictions over that of the true worth, both against what
    came. decile_mape and total_ratio: against the true worth; against what came, where whales
    decide, they are under `realised`, beside those of the true worth itself.
    """
    by_horizon = {}
    for number, horizon in enumerate(HORIZONS):
        is_open = VALUE_LANDMARK_MS[made.landmark] < horizon.after_ms
        found = _figures(made, spending, number, is_open)
        found["by_landmark"] = {
            landmark.name: _figures(made, spending, number, made.landmark == mark)
            for mark, landmark in enumerate(LANDMARKS)
            if landmark.after_ms < horizon.after_ms
        }
        by_horizon[horizon.name] = found
    all_of = list(by_horizon.values())
    return {
        "gini_of_oracle": min(one["gini_of_oracle"] for one in all_of),
        "decile_mape": max(one["decile_mape"] for one in all_of),
        "total_ratio": max((one["total_ratio"] for one in all_of), key=lambda one: abs(one - 1)),
        "is_monotone": is_monotone(made),
        "unanswered": int(np.isnan(made.worth[:, 0]).sum()),
        "predictions": len(made.install),
        **by_horizon,
    }


def is_monotone(made: ValuePredictions) -> bool:
    answered = made.worth[~np.isnan(made.worth[:, 0])]
    return bool((np.diff(answered, axis=1) >= 0.0).all())


def _figures(
    made: ValuePredictions, spending: Spending, horizon: int, which: BoolColumn
) -> dict[str, Any]:
    which = which & ~np.isnan(made.worth[:, horizon])
    install, landmark = made.install[which], made.landmark[which]
    said = made.worth[which, horizon]
    true = spending.worth[install, landmark, horizon]
    came = spending.until(HORIZONS[horizon].after_ms)[install]
    gini, best = normalised_gini(said, came), normalised_gini(true, came)
    return {
        "gini_of_oracle": gini / best,
        "decile_mape": decile_mape(said, true),
        "total_ratio": total_ratio(said, true),
        "extrapolated_share": float(made.is_extrapolated[which, horizon].mean()),
        "realised": {**_realised(said, came), "of_oracle": _realised(true, came)},
    }


def _realised(said: FloatColumn, came: FloatColumn) -> dict[str, float]:
    return {
        "gini": normalised_gini(said, came),
        "decile_mape": decile_mape(said, came),
        "total_ratio": total_ratio(said, came),
    }


def rounded(figures: Any) -> Any:
    if isinstance(figures, dict):
        return {name: rounded(one) for name, one in figures.items()}
    return round(figures, 5) if isinstance(figures, float) else figures
