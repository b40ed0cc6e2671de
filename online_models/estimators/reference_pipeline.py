"""A River pipeline for payers: the reference that the hazard kernel is measured against."""

from __future__ import annotations

import math
from typing import Any

from river import linear_model, optim

ALPHA = 0.1
BETA = 1.0
L2 = 10.0
"""FTRL-Proximal had a lower log loss than AdaGrad and SGD at every rate tried; L2 of 10 keeps the
first few thousand rows from being overfitted."""

RiverModel = Any
"""River publishes no types: `river.linear_model.LogisticRegression`."""


def new_river_model(prior: float = 0.05) -> RiverModel:
    """An untrained River classifier for sparse feature dicts, starting from the prior, at which
    its intercept stays: features learn the level of each landmark, with rates of their own."""
    optimizer = optim.FTRLProximal(alpha=ALPHA, beta=BETA, l1=0.0, l2=L2)
    return linear_model.LogisticRegression(
        optimizer=optimizer, intercept_init=math.log(prior / (1.0 - prior)), intercept_lr=0.0
    )


def log_loss(label: bool, probability: float) -> float:
    """Log loss of one prediction, in nats."""
    return -math.log(probability if label else 1.0 - probability)
