"""The score of a pair as a River classifier: counts of levels of agreement, which fade."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct
from river.base import Classifier

from online_models.pairs.pair_weights import level_name

LEVELS_MAX = 256
"""Levels that a classifier counts; those that appear when there are so many say nothing."""

_WEIGHT_MAX = 1e9
"""Counts are divided when the weight of a new row exceeds this."""

_LOGIT_MAX = 30.0


class LevelCounts(Struct, array_like=True):
    """What a classifier has counted, as stored. Older rows weigh less than `weight`, the weight of
    the next row."""

    true: dict[str, float] = {}  # by level
    other: dict[str, float] = {}
    true_of: dict[str, float] = {}  # by feature
    other_of: dict[str, float] = {}
    rows_true: float = 0.0
    rows_other: float = 0.0
    weight: float = 1.0
    overflowed: int = 0  # levels that were not counted


class PairClassifier(Classifier):  # type: ignore[misc]  # River publishes no types.
    """Naive Bayes over levels: the log-likelihood ratio of Fellegi and Sunter (1969), learned from
    pairs that are known to be true or not.

    Parameters
    ----------
    half_life
        True rows after which a row weighs half as much, so that drifted traffic is followed.
    prior
        Odds by level to begin with; a level that is not among them says nothing at first.
    prior_rows
        True rows that the prior weighs as much as.
    """

    def __init__(
        self,
        half_life: float = 2_000.0,
        prior: Mapping[str, float] | None = None,
        prior_rows: float = 20.0,
    ) -> None:
        self.half_life = half_life
        self.prior = prior
        self.prior_rows = prior_rows
        self.counts = LevelCounts()
        self._prior = prior or {}

    def learn_one(self, x: Mapping[str, object], y: bool) -> None:
        """Learn one pair; every value of `x` is a level."""
        counts = self.counts
        by_level, by_feature = (
            (counts.true, counts.true_of) if y else (counts.other, counts.other_of)
        )
        for feature, value in x.items():
            level = level_name(feature, value)
            if level in by_level or self._has_room(level):
                by_level[level] = by_level.get(level, 0.0) + counts.weight
                by_feature[feature] = by_feature.get(feature, 0.0) + counts.weight
            else:
                counts.overflowed += 1
        if not y:
            counts.rows_other += counts.weight
            return
        counts.rows_true += counts.weight
        counts.weight *= 2.0 ** (1.0 / self.half_life)
        if counts.weight > _WEIGHT_MAX:
            self._rescale()

    def predict_proba_one(self, x: Mapping[str, object]) -> dict[bool, float]:
        """The probability of either label, for a pair drawn from all that were learned."""
        counts = self.counts
        rows = (counts.rows_true + counts.weight) / (counts.rows_other + counts.weight)
        logit = min(max(math.log(rows) + self.score(x), -_LOGIT_MAX), _LOGIT_MAX)
        chance = 1.0 / (1.0 + math.exp(-logit))
        return {False: 1.0 - chance, True: chance}

    def score(self, x: Mapping[str, object]) -> float:
        """Natural log of the likelihood ratio of a pair: true match to coincidence."""
        return math.fsum(self._odds(name, level_name(name, value)) for name, value in x.items())

    def odds(self) -> dict[str, float]:
        """The logarithm of m/u of every level that is known, in order of names."""
        levels = self.counts.true.keys() | self.counts.other.keys() | self._prior.keys()
        return {level: self._odds(level.partition(" ")[0], level) for level in sorted(levels)}

    def _odds(self, feature: str, level: str) -> float:
        counts, prior = self.counts, self._prior.get(level, 0.0)
        true, other = counts.true_of.get(feature, 0.0), counts.other_of.get(feature, 0.0)
        if not other:
            return prior
        # One row of every level is split into true and other rows as all rows are.
        unseen = counts.weight / (true + other)
        usual = counts.other.get(level, 0.0) / other + unseen
        believed = self.prior_rows * counts.weight
        expected = (unseen * true + usual * believed) * math.exp(prior)
        found = counts.true.get(level, 0.0) + expected
        return math.log(found / (true + believed)) - math.log(usual)

    def _has_room(self, level: str) -> bool:
        true, other = self.counts.true, self.counts.other
        return level in true or level in other or len(true.keys() | other.keys()) < LEVELS_MAX

    def _rescale(self) -> None:
        counts, scale = self.counts, 1.0 / self.counts.weight
        for sums in (counts.true, counts.other, counts.true_of, counts.other_of):
            for name in sums:
                sums[name] *= scale
        counts.rows_true *= scale
        counts.rows_other *= scale
        counts.weight = 1.0
