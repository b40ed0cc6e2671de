"""How good predictions were, and what has drifted."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Outcome


class ModelQuality(Outcome, frozen=True, kw_only=True, gc=False):
    """How good predictions of one kind were, over labels that matured between two moments of log
    time. An empty dimension means all of them. A figure of -1 cannot be computed from these labels.
    """

    quality_id: str
    """Id of the row: what it describes, its number and end_time."""
    target: str
    """What is predicted."""
    horizon: str
    """d1, d7, …; bin: one bin of the hazard by every tier, for a quarter of the rows."""
    landmark: str
    """Age of the install at which it was scored; empty: all."""
    platform: str
    """ios, android or other; empty: all."""
    tier: str
    """full, install_only, rates or constant."""
    model_version: str
    """Version that predicted; empty: all."""
    media_source: str
    """Network that has the credit; empty: all; other: networks beyond the limit of rows."""
    rows: int
    """Predictions whose labels matured."""
    predicted: float
    """Mean prediction: a probability or an amount."""
    observed: float
    """Mean actual value."""
    log_loss: float
    """Log loss in nats per row; -1: not a probability."""
    normalised_entropy: float
    """Log loss divided by that of the observed share; 1 is no better than that share; -1: not
    defined."""
    calibration_ratio: float
    """Sum of the predictions divided by the sum of the actual values; -1: the latter is 0."""
    ece: float
    """Expected calibration error: mean distance between probability and observed share, in bins
    of equal mass; -1: not a probability."""
    auc: float
    """Area under the ROC curve: how often a positive was scored above a negative; -1: not
    defined."""
    normalised_gini: float
    """Gini of amounts ordered by prediction; 1 is the order of the actual amounts; -1: not
    defined."""
    decile_mape: float
    """Mean absolute percentage error over deciles of predicted amounts; -1: not defined."""
    begin_time: int
    """Log time of the first label."""
    end_time: int
    """Log time of the last label."""


class ReliabilityRow(Outcome, frozen=True, kw_only=True, gc=False):
    """Predictions of about the same probability, and how often they came true: one of about
    fifteen bins of equal mass, by rising probability."""

    reliability_id: str
    """Id of the row: quality_id:bin."""
    quality_id: str
    """Row of model_quality that this one belongs to."""
    target: str
    """What is predicted."""
    horizon: str
    """d1, d7, …; bin: one bin of the hazard."""
    landmark: str
    """Age of the install at which it was scored; empty: all."""
    tier: str
    """full, install_only, rates or constant."""
    bin: int
    """Number of the bin, from 0, by rising probability; all bins have about as many rows."""
    lower: float
    """Lowest probability in the bin."""
    upper: float
    """Upper end of the bin; probabilities are below it."""
    rows: int
    """Predictions in the bin."""
    predicted: float
    """Mean predicted probability."""
    observed: float
    """Share that came true."""
    end_time: int
    """Log time of the last label."""


class DriftAlarm(Outcome, frozen=True, kw_only=True, gc=False):
    """A change in the mean of something watched: the residuals of a model, or a feature."""

    alarm_id: str
    """Id of the alarm: what is watched, the number of the alarm and raised_at."""
    kind: Literal["residual", "feature"]
    """residual: actual value minus prediction; feature: value of a feature."""
    target: str
    """Target whose labels or snapshots are watched."""
    subject: str
    """Name of the feature; empty for a residual."""
    app_id: str
    """App that is watched."""
    media_source: str
    """Network that is watched; empty: the whole app."""
    mean_before: float
    """Mean before the change."""
    mean_after: float
    """Mean after the change."""
    rows_before: int
    """Number of values before the change."""
    rows_after: int
    """Number of values after the change, when it was detected."""
    response: Literal["loosened", "none"]
    """What the learner did: loosened (it learns faster from here on) or none."""
    raised_at: int
    """Log time of the label that revealed the change."""
