"""River's FTRL on the same features, learning payments within seven days in two ways.

One waits until the seven days are over. The other (DEFER, Gu et al. 2021, without a wait) learns
"not paid" at once, the payment when it comes, and the "not paid" that stayed so once more at the
end; so everything is learned twice, and weights make up for the payments learned as none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from river import linear_model, optim

PRIOR = 0.05
ALPHA, BETA, L2 = 0.1, 1.0, 10.0
"""Of FTRL-Proximal: the best of those tried, for either way."""

DEFER_PAID = 2.0

_RiverModel = Any
"""River publishes no types: `river.linear_model.LogisticRegression`."""

_Features = Mapping[str, float]


class RiverChallengers:
    """`ask` predicts by name of challenger; the DEFER one also learns from being asked."""

    def __init__(self) -> None:
        self.waiting, self.defer = _new_model(), _new_model()

    def ask(self, asked: Iterable[_Features]) -> list[dict[str, float]]:
        return [
            {"river": _chance(self.waiting, one), "river_defer": self._asked(one)} for one in asked
        ]

    def learn_at_horizon(self, features: _Features, label: bool) -> None:
        self.waiting.learn_one(features, label)
        if not label:
            self._learn_unpaid(features, _chance(self.defer, features))

    def learn_payment(self, features: _Features) -> None:
        self.defer.learn_one(features, True, w=DEFER_PAID)

    def _asked(self, features: _Features) -> float:
        chance = _chance(self.defer, features)
        self._learn_unpaid(features, chance)
        return chance

    def _learn_unpaid(self, features: _Features, chance: float) -> None:
        self.defer.learn_one(features, False, w=(1.0 - chance) / (1.0 - chance / 2.0))


def _new_model() -> _RiverModel:
    """The intercept stays at the prior: `landmark=` features learn the level of each landmark."""
    return linear_model.LogisticRegression(
        optimizer=optim.FTRLProximal(alpha=ALPHA, beta=BETA, l1=0.0, l2=L2),
        intercept_init=math.log(PRIOR / (1.0 - PRIOR)),
        intercept_lr=0.0,
    )


def _chance(model: _RiverModel, features: _Features) -> float:
    return float(model.predict_proba_one(features)[True])
