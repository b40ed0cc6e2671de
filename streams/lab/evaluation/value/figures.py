"""How near expected revenue is to the true expectation, and to what people then paid."""

from __future__ import annotations

from typing import Any

import numpy as np

from online_models.quality.value_figures import decile_mape, normalised_gini, total_ratio
from online_models.scoring.landmarks import LANDMARKS
from online_models.value.shape import AMOUNT_HORIZONS
from streams.lab.evaluation.value.payment_table import VALUE_LANDMARK_MS
from streams.lab.evaluation.value.value_replay import ValuePredictions
from streams.lab.simulator.draws import BoolColumn, FloatColumn
from streams.lab.simulator.paying_worlds import Spending


def value_world_figures(predictions: ValuePredictions, spending: Spending) -> dict[str, Any]:
    """The worst horizon of each figure on top; then by horizon, and by landmark of each.

    gini_of_oracle: normalised Gini of predictions over that of the true expectation, both against
    what was paid. decile_mape and total_ratio: against the true expectation. The same figures
    against what was paid, where whales decide, are under `realised`, beside those of the true
    expectation itself.
    """
    by_horizon = {}
    for number, horizon in enumerate(AMOUNT_HORIZONS):
        is_open = VALUE_LANDMARK_MS[predictions.landmark] < horizon.after_ms
        found = _figures(predictions, spending, number, is_open)
        found["by_landmark"] = {
            landmark.name: _figures(predictions, spending, number, predictions.landmark == mark)
            for mark, landmark in enumerate(LANDMARKS)
            if landmark.after_ms < horizon.after_ms
        }
        by_horizon[horizon.name] = found
    all_of = list(by_horizon.values())
    return {
        "gini_of_oracle": min(one["gini_of_oracle"] for one in all_of),
        "decile_mape": max(one["decile_mape"] for one in all_of),
        "total_ratio": max((one["total_ratio"] for one in all_of), key=lambda one: abs(one - 1)),
        "is_monotone": is_monotone(predictions),
        "unanswered": int(np.isnan(predictions.expected[:, 0]).sum()),
        "predictions": len(predictions.install),
        **by_horizon,
    }


def is_monotone(predictions: ValuePredictions) -> bool:
    """Whether no prediction falls from one horizon to the next longer one."""
    answered = predictions.expected[~np.isnan(predictions.expected[:, 0])]
    return bool((np.diff(answered, axis=1) >= 0.0).all())


def realised_figures(predicted: FloatColumn, actual: FloatColumn) -> dict[str, float]:
    """Predicted and actual revenue, one element per prediction."""
    return {
        "gini": normalised_gini(predicted, actual),
        "decile_mape": decile_mape(predicted, actual),
        "total_ratio": total_ratio(predicted, actual),
    }


def _figures(
    predictions: ValuePredictions, spending: Spending, horizon: int, which: BoolColumn
) -> dict[str, Any]:
    which = which & ~np.isnan(predictions.expected[:, horizon])
    install, landmark = predictions.install[which], predictions.landmark[which]
    predicted = predictions.expected[which, horizon]
    true = spending.expected[install, landmark, horizon]
    actual = spending.paid_until(AMOUNT_HORIZONS[horizon].after_ms)[install]
    gini, best = normalised_gini(predicted, actual), normalised_gini(true, actual)
    return {
        "gini_of_oracle": gini / best,
        "decile_mape": decile_mape(predicted, true),
        "total_ratio": total_ratio(predicted, true),
        "extrapolated_share": float(predictions.is_extrapolated[which, horizon].mean()),
        "realised": {
            **realised_figures(predicted, actual),
            "of_oracle": realised_figures(true, actual),
        },
    }
