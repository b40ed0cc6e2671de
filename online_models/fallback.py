"""Who answers: the model, or a constant when there is none or it fails."""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct

from online_models.payer import Scorer

CONSTANT_VERSION = "constant"


class Score(NamedTuple):
    probability: float
    tier: Literal["full", "constant"]
    model_version: str


class Tiers(Struct, frozen=True):
    """What a partition scores with now. `prior` is the constant tier's probability, in (0, 1)."""

    prior: float
    model: Scorer | None = None

    def score(self, features: dict[str, float]) -> Score:
        """Always an answer."""
        if self.model is not None:
            probability = self.model.score(features)
            if probability is not None:
                return Score(probability, "full", self.model.version)
        return Score(self.prior, "constant", CONSTANT_VERSION)
