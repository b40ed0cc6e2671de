"""Figures of predictions whose labels are known: of chances, and of amounts."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from online_models.hazard.rules import CHANCE_MIN, Numbers
from online_models.quality.calibration import Reliability
from online_models.quality.value_figures import decile_mape, normalised_gini, total_ratio


class QualityFigures(NamedTuple):
    """Of one window. NaN: not to be told from these labels, or not of this kind of target."""

    rows: int
    predicted: float
    """Means: a chance or an amount, and what came."""
    observed: float
    log_loss: float = math.nan
    normalised_entropy: float = math.nan
    """Log loss over that of the share observed (He et al. 2014): 1 is knowing only that share."""
    calibration_ratio: float = math.nan
    ece: float = math.nan
    auc: float = math.nan
    normalised_gini: float = math.nan
    decile_mape: float = math.nan


def of_chances(said: Numbers, came: Numbers) -> QualityFigures:
    """At least one row."""
    kept = np.clip(said, CHANCE_MIN, 1.0 - CHANCE_MIN)
    losses = np.where(came > 0.5, -np.log(kept), -np.log1p(-kept))
    share, loss = float(came.mean()), float(losses.mean())
    entropy = -(share * math.log(share) + (1 - share) * math.log1p(-share)) if 0 < share < 1 else 0
    counted = reliability_of(said, came)
    return QualityFigures(
        rows=len(said),
        predicted=float(said.mean()),
        observed=share,
        log_loss=loss,
        normalised_entropy=loss / entropy if entropy > 0 else math.nan,
        calibration_ratio=counted.ratio,
        ece=counted.ece(),
        auc=counted.auc(),
    )


def of_amounts(said: Numbers, came: Numbers) -> QualityFigures:
    """At least one row."""
    return QualityFigures(
        rows=len(said),
        predicted=float(said.mean()),
        observed=float(came.mean()),
        calibration_ratio=total_ratio(said, came),
        normalised_gini=normalised_gini(said, came),
        decile_mape=decile_mape(said, came),
    )


def reliability_of(said: Numbers, came: Numbers) -> Reliability:
    counted = Reliability()
    counted.add_many(said, came)
    return counted
