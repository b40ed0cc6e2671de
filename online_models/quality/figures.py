"""Figures of predictions whose labels have matured: of chances, and of amounts."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from online_models.hazard.rules import CHANCE_MIN, Numbers
from online_models.quality.calibration import Reliability, ReliabilityBin, ece_of
from online_models.quality.value_figures import decile_mape, normalised_gini, total_ratio


class QualityFigures(NamedTuple):
    """Of one window. NaN: these labels do not give it, or it is not of this kind of target."""

    rows: int
    predicted: float
    """Mean predicted chance or amount, and `observed`: mean label."""
    observed: float
    log_loss: float = math.nan
    normalised_entropy: float = math.nan
    """Log loss over the entropy of the share observed (He et al. 2014); 1: no better than it."""
    calibration_ratio: float = math.nan
    ece: float = math.nan
    auc: float = math.nan
    normalised_gini: float = math.nan
    decile_mape: float = math.nan


def of_chances(y_pred: Numbers, y_true: Numbers) -> tuple[QualityFigures, list[ReliabilityBin]]:
    """Figures of predicted chances and labels of 0 or 1, and the bins they were made from: counting
    rows costs more than all the rest. Needs at least one row."""
    kept = np.clip(y_pred, CHANCE_MIN, 1.0 - CHANCE_MIN)
    losses = np.where(y_true > 0.5, -np.log(kept), -np.log1p(-kept))
    share, loss = _mean(y_true), _mean(losses)
    entropy = -(share * math.log(share) + (1 - share) * math.log1p(-share)) if 0 < share < 1 else 0
    counted = Reliability()
    counted.add_many(y_pred, y_true)
    table = counted.table()
    figures = QualityFigures(
        rows=len(y_pred),
        predicted=_mean(y_pred),
        observed=share,
        log_loss=loss,
        normalised_entropy=loss / entropy if entropy > 0 else math.nan,
        calibration_ratio=counted.ratio,
        ece=ece_of(table),
        auc=counted.auc(),
    )
    return figures, table


def of_amounts(y_pred: Numbers, y_true: Numbers) -> QualityFigures:
    """Figures of expected and actual amounts. Needs at least one row."""
    return QualityFigures(
        rows=len(y_pred),
        predicted=_mean(y_pred),
        observed=_mean(y_true),
        calibration_ratio=total_ratio(y_pred, y_true),
        normalised_gini=normalised_gini(y_pred, y_true),
        decile_mape=decile_mape(y_pred, y_true),
    )


def _mean(numbers: Numbers) -> float:
    return float(np.add.reduce(numbers)) / len(numbers)
