"""How good predictions were, and what has drifted."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Outcome


class ModelQuality(Outcome, frozen=True, kw_only=True, gc=False):
    """How good predictions of one kind were, whose labels matured between two moments of log time.
    An empty field means all of them. A figure of -1 cannot be told from these labels."""

    quality_id: str  # what it is of, its number and end_time
    target: str
    horizon: str  # "bin": one bin of the hazard by every tier; of a quarter of the rows
    landmark: str
    platform: str
    tier: str
    model_version: str
    media_source: str  # "other": sources for which there was no room
    rows: int
    predicted: float  # means: a chance or an amount, and what came
    observed: float
    log_loss: float  # in nats per row
    normalised_entropy: float  # log loss over that of the share observed
    calibration_ratio: float  # all that was expected over all that came
    ece: float
    auc: float
    normalised_gini: float  # of amounts
    decile_mape: float  # of amounts
    begin_time: int
    end_time: int


class ReliabilityRow(Outcome, frozen=True, kw_only=True, gc=False):
    """Predictions of about the same chance, and how often they came true: one of about fifteen
    bins with as many rows each, by rising chance."""

    reliability_id: str  # quality_id:bin
    quality_id: str
    target: str
    horizon: str
    landmark: str
    tier: str
    bin: int  # from 0
    lower: float
    upper: float
    rows: int
    predicted: float  # means
    observed: float
    end_time: int


class DriftAlarm(Outcome, frozen=True, kw_only=True, gc=False):
    """The mean of something watched has changed: of what a model misses, or of a feature."""

    alarm_id: str  # what is watched, number of the alarm and raised_at
    kind: Literal["residual", "feature"]
    target: str
    subject: str  # the feature; "" of a residual
    app_id: str
    media_source: str  # "" all of the app
    mean_before: float
    mean_after: float
    rows_before: int
    rows_after: int
    response: Literal["loosened", "none"]  # what the learner did
    raised_at: int  # log time
