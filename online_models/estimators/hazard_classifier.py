"""The hazard kernel as a River classifier, for pipelines and comparisons."""

from __future__ import annotations

from collections.abc import Mapping

from river.base import Classifier

from online_models.hazard.bins import Horizon, Landmark, Shape
from online_models.hazard.model import HazardModel, HazardRow, HazardRules
from schemas.time import DAY_MS

SHAPE = Shape((0, DAY_MS), (Landmark("now", 0),), (Horizon("outcome", DAY_MS),))
"""One bin: an outcome, or none."""

RiverValue = float | bool | str
"""River's features. A string stands for the feature `name=value`, as in River's FeatureHasher."""


class HazardClassifier(Classifier):  # type: ignore[misc]  # River publishes no types.
    """Logistic regression by FTRL-Proximal over hashed features.

    A row with a value that is not finite is not learned, and its prediction is `prior`. River's own
    FTRLProximal computes a weight when it next steps on it, so that it predicts without the last
    row of each feature; this one predicts with it.
    """

    def __init__(
        self,
        alpha: float = 0.1,
        beta: float = 1.0,
        l1: float = 0.0,
        l2: float = 1.0,
        prior: float = 0.5,
    ) -> None:
        self.alpha = alpha
        self.beta = beta
        self.l1 = l1
        self.l2 = l2
        self.prior = prior
        self._model = HazardModel(
            HazardRules(
                shape=SHAPE,
                alpha=alpha,
                beta=beta,
                l1=l1,
                l2=l2,
                bias_alpha=alpha,
                prior=prior,
                calibration_memory=0.0,
            )
        )

    def learn_one(self, x: Mapping[str, RiverValue], y: bool) -> None:
        """Learn one row."""
        self._model.learn_one(HazardRow(numbers_of(x), 0, 0, bool(y)))

    def predict_proba_one(self, x: Mapping[str, RiverValue]) -> dict[bool, float]:
        """The probability of either label."""
        chances = self._model.score(numbers_of(x), 0)
        chance = self.prior if chances is None else chances["outcome"]
        return {False: 1.0 - chance, True: chance}


def numbers_of(x: Mapping[str, RiverValue]) -> dict[str, float]:
    """River's features as the kernel takes them."""
    return {
        f"{name}={value}" if isinstance(value, str) else str(name): (
            1.0 if isinstance(value, str) else float(value)
        )
        for name, value in x.items()
    }
