"""Features and predictions of an install at a landmark."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Outcome


class FeatureRow(Outcome, frozen=True, kw_only=True, gc=False):
    """Features of an install frozen at a landmark."""

    feature_id: str  # install_id:landmark
    install_id: str
    app_id: str
    landmark: str
    landmark_time: int
    features: dict[str, float]


class Prediction(Outcome, frozen=True, kw_only=True, gc=False):
    """What is expected of an install at a landmark: chances by horizon, or amounts for value."""

    prediction_id: str  # install_id:target:landmark
    install_id: str
    app_id: str
    media_source: str
    target: str
    landmark: str
    landmark_time: int
    horizon: str
    """That decisions look at."""
    probability: float
    """By that horizon; 0 once it has passed, and of value."""
    chances: dict[str, float]
    """By every horizon that has not passed; never falling with time."""
    amounts: dict[str, float]
    """Money expected since the install, by horizon, in the reporting currency. Told once at every
    landmark: with the first target that is still open, else in a row of target `value`."""
    currency: str
    is_extrapolated: bool
    """Whether some of the amounts rests on the growth of earlier installs alone."""
    value_version: str
    """Model of the amounts; `constant`: what was paid so far. Empty where there are none."""
    segment: str
    """What is worth doing by the declared costs and benefits; empty where none are declared."""
    tier: Literal["full", "install_only", "rates", "constant"]
    tier_reason: str
    """Why not a better tier; empty for the best."""
    arm: str
    model_version: str
    shadow: dict[str, float]
    """What every tier says at the horizon."""
    latency_ms: int
    """Log time from the landmark until the install was known at all; the store tells the rest."""
    predicted_at: int
