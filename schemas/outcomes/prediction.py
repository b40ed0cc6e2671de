"""Features and predictions of an install at a landmark."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Outcome


class FeatureRow(Outcome, frozen=True, kw_only=True, gc=False):
    """Features of an install, frozen at a landmark.

    A landmark before which nothing new became known has predictions and no row of features: those
    of its last row hold, as `v_features` shows them.
    """

    feature_id: str
    """Id of the row: install_id:landmark."""
    install_id: str
    """Install that is described."""
    app_id: str
    """App that was installed."""
    landmark: str
    """Age of the install at which its features were frozen."""
    landmark_time: int
    """When the install reached that age."""
    features: dict[str, float]
    """Values of the features by name."""


class Prediction(Outcome, frozen=True, kw_only=True, gc=False):
    """Predictions for an install at a landmark: probabilities by horizon, or amounts of money."""

    prediction_id: str
    """Id of the prediction: install_id:target:landmark."""
    install_id: str
    """Install that is scored."""
    app_id: str
    """App that was installed."""
    media_source: str
    """Media source that had the credit at the landmark."""
    target: str
    """What is predicted: payer is a first payment, value is money."""
    landmark: str
    """Age of the install at which it was scored."""
    landmark_time: int
    """When the install reached that age."""
    horizon: str
    """Headline horizon, the one that decisions look at."""
    probability: float
    """Probability of the target by that horizon, from 0 to 1; 0 after the horizon and for value."""
    chances: dict[str, float]
    """Probability by every horizon that has not passed; it never falls with time."""
    amounts: dict[str, float]
    """Expected money since the install, by horizon, in `currency`. Given once for every landmark:
    with the first target that is still open, else in a row of target value."""
    currency: str
    """Reporting currency of the amounts, ISO 4217."""
    is_extrapolated: bool
    """Whether some of the amounts rest on the growth of earlier installs alone."""
    value_version: str
    """Version of the model of the amounts; constant: the money paid so far; empty: no amounts."""
    segment: str
    """Action with the highest expected value by the declared costs and benefits; none: no action
    pays off; empty when no actions are declared."""
    tier: Literal["full", "install_only", "rates", "constant"]
    """Tier that answered: full, install_only, rates or constant."""
    tier_reason: str
    """Why no better tier answered; empty for the best tier."""
    arm: str
    """Arm of the experiment: champion or challenger."""
    model_version: str
    """Version of the model that answered; constant for the prior."""
    shadow: dict[str, float]
    """Probability by the headline horizon from every tier, for comparison."""
    latency_ms: int
    """Log time, in milliseconds, from the landmark until the install was known. The time until the
    row is stored comes on top."""
    predicted_at: int
    """Log time of the prediction."""
