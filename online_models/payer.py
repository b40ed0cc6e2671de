"""The payer model: logistic regression learned online by River, and its read-only copy."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct
from river import linear_model, optim
from river.utils import VectorDict

ALPHA = 0.1
BETA = 1.0
L2 = 10.0
"""FTRL-Proximal had a lower log loss than AdaGrad and SGD at every rate tried; L2 of 10 keeps the
first few thousand rows from being learned by heart."""

PROBABILITY_MIN = 1e-6
"""Scores stay this far from 0 and 1, so that one wrong row cannot cost an infinite loss."""

_LOGIT_MAX = math.log((1 - PROBABILITY_MIN) / PROBABILITY_MIN)

RiverModel = Any
"""River publishes no types: `river.linear_model.LogisticRegression`."""


def new_river_model(prior: float = 0.05) -> RiverModel:
    """An untrained River classifier for sparse feature dicts, starting from the prior.

    The intercept stays at the prior: `landmark=` features learn the level of each landmark,
    with a rate of their own, which a common intercept would only follow.
    """
    optimizer = optim.FTRLProximal(alpha=ALPHA, beta=BETA, l1=0.0, l2=L2)
    return linear_model.LogisticRegression(
        optimizer=optimizer, intercept_init=logit(prior), intercept_lr=0.0
    )


def restored_river_model(
    intercept: float, rows: int, coordinates: dict[str, tuple[float, float, float]]
) -> RiverModel:
    """A model that goes on bit for bit from `coordinates`: weight, z and n of each feature."""
    model = new_river_model()
    model.intercept = intercept
    model.optimizer.n_iterations = rows
    for name, (_, z, n) in coordinates.items():
        model.optimizer.z[name] = z
        model.optimizer.n[name] = n
    # River has no public way to set weights.
    model._weights = VectorDict({name: weight for name, (weight, _, _) in coordinates.items()})
    return model


def coordinates_of(model: RiverModel) -> dict[str, tuple[float, float, float]]:
    """Weight, z and n of each feature, in the order in which they were first seen."""
    weights, n = model.weights, model.optimizer.n
    return {name: (weights.get(name, 0.0), z, n[name]) for name, z in model.optimizer.z.items()}


class Scorer(Struct, frozen=True):
    """Read-only copy of a model."""

    version: str
    examples_seen: int
    intercept: float
    weights: dict[str, float]

    def logit(self, features: dict[str, float]) -> float:
        weight_of = self.weights.get
        total = 0.0
        for name, value in features.items():
            weight = weight_of(name)
            if weight is not None:
                total += weight * value
        return total + self.intercept

    def score(self, features: dict[str, float]) -> float | None:
        """Probability of paying, strictly between 0 and 1; None when it is not a number."""
        return probability_of(self.logit(features))


def probability_of(log_odds: float) -> float | None:
    if not math.isfinite(log_odds):
        return None
    return 1.0 / (1.0 + math.exp(-max(-_LOGIT_MAX, min(log_odds, _LOGIT_MAX))))


def logit(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


def log_loss(label: bool, probability: float) -> float:
    """In nats."""
    return -math.log(probability if label else 1.0 - probability)
