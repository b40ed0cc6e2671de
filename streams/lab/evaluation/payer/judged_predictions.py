"""How good predictions are, where the true chances are known. Everything is a fraction.

Excess normalised entropy is the mean Kullback-Leibler divergence of a prediction from the true
chance (what it costs in log loss not to know it), over the entropy of knowing nothing but the
mean chance at the landmark (He et al. 2014). D7 is of the predictions made at the landmarks from
install to three days, D30 of all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from online_models.quality.calibration import Reliability
from schemas.time import DAY_MS
from streams.lab.evaluation.payer.payer_models import CHALLENGERS, PAYER_TIERS
from streams.lab.evaluation.payer.payer_replay import PayerPredictions
from streams.lab.simulator.draws import BoolColumn, FloatColumn, IntColumn
from streams.lab.simulator.paying_worlds import BEGIN_MS, NEVER_PAYS, PayingWorld
from streams.lab.simulator.paying_worlds.steps import HORIZON_MS, LANDMARK_NAMES

D7, D30 = 0, 1
_OF_WORLD = (1, 2)
"""Where d7 and d30 are among the horizons of a world."""

SHOCK_MS = 3 * DAY_MS
AFTER_MS = 7 * DAY_MS
"""Figures after a shift are of its third to seventh day; calibration is of the first seven."""

_SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class JudgedPredictions:
    """Predictions for one horizon beside the truth. Columns, one element per prediction."""

    landmark: IntColumn
    since_ms: IntColumn  # since the disturbance began
    true: FloatColumn  # the true chance to pay by the horizon
    label: BoolColumn  # paid by the horizon
    predicted: dict[str, FloatColumn]  # by model; NaN: no answer

    def __len__(self) -> int:
        return len(self.true)

    def only(self, which: BoolColumn) -> JudgedPredictions:
        return JudgedPredictions(
            landmark=self.landmark[which],
            since_ms=self.since_ms[which],
            true=self.true[which],
            label=self.label[which],
            predicted={name: column[which] for name, column in self.predicted.items()},
        )


def judge_predictions(
    world: PayingWorld, predictions: PayerPredictions, horizon: int
) -> JudgedPredictions:
    """Predictions about installs that had paid, which was not known yet, are left out."""
    number = _OF_WORLD[horizon]
    true = world.lives.chance[predictions.install, predictions.landmark, number]
    paid = world.lives.paid_ms[predictions.install]
    found = JudgedPredictions(
        landmark=predictions.landmark,
        since_ms=predictions.time - BEGIN_MS,
        true=true,
        label=(paid != NEVER_PAYS) & (paid < HORIZON_MS[number]),
        predicted={name: column[:, horizon] for name, column in predictions.predicted.items()},
    )
    return found.only(~np.isnan(true))


def excess_entropy(rows: JudgedPredictions, name: str) -> float:
    """Excess normalised entropy of one model; NaN without predictions."""
    lost = float(_divergence(rows.true, rows.predicted[name]).sum())
    return lost / _base_entropy(rows) if len(rows) else float("nan")


def mean_log_loss(rows: JudgedPredictions, name: str) -> float:
    """Log loss of one model against what came true, in nats per prediction."""
    predicted = rows.predicted[name].clip(_SMALLEST, 1 - _SMALLEST)
    return float(-np.where(rows.label, np.log(predicted), np.log1p(-predicted)).mean())


def auc(rows: JudgedPredictions, predicted: FloatColumn) -> float:
    """Area under the ROC curve: mean over landmarks, weighted by their pairs; NaN without any."""
    total = weight = 0.0
    for landmark in np.unique(rows.landmark):
        at = rows.landmark == landmark
        reliability = Reliability()
        reliability.add_many(predicted[at], rows.label[at].astype(float))
        pairs = float(rows.label[at].sum()) * float((~rows.label[at]).sum())
        if pairs:
            total, weight = total + pairs * reliability.auc(), weight + pairs
    return total / weight if weight else float("nan")


def reliability_against_truth(rows: JudgedPredictions, name: str) -> Reliability:
    """Predictions of one model beside the true chances."""
    found = Reliability()
    found.add_many(rows.predicted[name], rows.true)
    return found


def payer_world_figures(d7: JudgedPredictions, d30: JudgedPredictions) -> dict[str, Any]:
    """All figures of one world and disturbance."""
    after = d7.only((d7.since_ms >= SHOCK_MS) & (d7.since_ms < AFTER_MS))
    week = d7.only(d7.since_ms < AFTER_MS)
    reliability = reliability_against_truth(d7, "full")
    return {
        "d7_excess_ne": excess_entropy(d7, "full"),
        "d30_excess_ne": excess_entropy(d30, "full"),
        "d7_excess_ne_after_shift": excess_entropy(after, "full"),
        "calibration_ratio": reliability.ratio,
        "calibration_ratio_after_shift": reliability_against_truth(week, "full").ratio,
        "ece": reliability.ece(),
        "auc": auc(d7, d7.predicted["full"]),
        "auc_of_truth": auc(d7, d7.true),
        "log_loss": {name: mean_log_loss(d7, name) for name in PAYER_TIERS},
        "log_loss_of_truth": mean_log_loss(_with_truth(d7), "truth"),
        "challengers": {
            name: _challenger(name, d7, d30, after) for name in CHALLENGERS if name in d7.predicted
        },
        "d7_excess_ne_by_landmark": _by_landmark(d7),
        "d30_excess_ne_by_landmark": _by_landmark(d30),
        "predictions": len(d7),
        "payers": int(d7.label.sum()),
    }


def _challenger(
    name: str, d7: JudgedPredictions, d30: JudgedPredictions, after: JudgedPredictions
) -> dict[str, float]:
    found = {
        "d7_excess_ne": excess_entropy(d7, name),
        "d7_excess_ne_after_shift": excess_entropy(after, name),
        "log_loss": mean_log_loss(d7, name),
        "calibration_ratio": reliability_against_truth(d7, name).ratio,
    }
    if not np.isnan(d30.predicted[name]).any():
        found["d30_excess_ne"] = excess_entropy(d30, name)
    return found


def _by_landmark(rows: JudgedPredictions) -> dict[str, float]:
    return {
        LANDMARK_NAMES[number]: excess_entropy(rows.only(rows.landmark == number), "full")
        for number in np.unique(rows.landmark).tolist()
    }


def _with_truth(rows: JudgedPredictions) -> JudgedPredictions:
    """The truth as one more model."""
    return replace(rows, predicted={"truth": rows.true})


def _divergence(true: FloatColumn, predicted: FloatColumn) -> FloatColumn:
    """Kullback-Leibler, in nats."""
    q = predicted.clip(_SMALLEST, 1 - _SMALLEST)
    p = true.clip(_SMALLEST, 1 - _SMALLEST)
    return np.asarray(p * (np.log(p) - np.log(q)) + (1 - p) * (np.log1p(-p) - np.log1p(-q)))


def _base_entropy(rows: JudgedPredictions) -> float:
    """Of all predictions together, knowing the mean chance at each landmark."""
    total = 0.0
    for landmark in np.unique(rows.landmark):
        chances = rows.true[rows.landmark == landmark]
        mean = min(max(float(chances.mean()), _SMALLEST), 1 - _SMALLEST)
        total -= len(chances) * (mean * np.log(mean) + (1 - mean) * np.log1p(-mean))
    return total
