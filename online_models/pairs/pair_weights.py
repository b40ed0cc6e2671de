"""Weights of a pair model as plain numbers, and the loss of what they say of one install."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from schemas.records import PAIR_FEATURES

NO_MATCH = -1
"""Index of the match among the pairs of an install: none of them."""


class Calibration(NamedTuple):
    """How scores become confidences: the softmax of `slope * score - crowding * log n` over n
    pairs, beside `null`, the log odds that it was none of them."""

    slope: float = 1.0
    crowding: float = 1.0
    null: float = 0.0


class ScoredInstall(NamedTuple):
    """The scores of all pairs of one install, and which of them is the match."""

    scores: Sequence[float]
    match: int  # index, or NO_MATCH


class PairWeights(Struct, frozen=True, gc=False):
    """Natural logarithms of m/u by feature and level, such as `delay CLICK 3`; an unknown level
    says nothing."""

    odds: dict[str, float]
    calibration: Calibration = Calibration()

    def score(self, levels: Iterable[str]) -> float:
        """The score of a pair; `levels` in the order of `PAIR_FEATURES`."""
        return math.fsum(
            self.odds.get(level_name(feature, level), 0.0)
            for feature, level in zip(PAIR_FEATURES, levels, strict=True)
        )

    @property
    def is_finite(self) -> bool:
        return all(map(math.isfinite, (*self.odds.values(), *self.calibration)))


def level_name(feature: str, level: object) -> str:
    """The name of a level of agreement, unique over all features."""
    return f"{feature} {level}"


def install_loss(install: ScoredInstall, calibration: Calibration) -> float:
    """Nats that the confidences lose on the right answer, which may be none of the pairs."""
    slope, crowding, null = calibration
    crowd = crowding * math.log(len(install.scores))
    logits = [slope * score - crowd for score in install.scores]
    right = null if install.match == NO_MATCH else logits[install.match]
    top = max(null, *logits)
    total = math.fsum([math.exp(null - top), *(math.exp(logit - top) for logit in logits)])
    return top + math.log(total) - right
