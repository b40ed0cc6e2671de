"""Scores installs with a version of a River challenger that leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from online_models.challengers.declaration import RiverDeclaration
from online_models.challengers.persistence import load_estimator
from online_models.challengers.plain_state import raise_unless_fault
from online_models.challengers.river_challenger import chance_of
from online_models.challengers.row_features import RowNames
from online_models.hazard.packed import PackedAsk
from online_models.hazard.rules import HazardRules
from online_models.hazard.scorer import Chances
from online_models.persistence.envelope import Unusable


class RiverScorer:
    """The chances of a target by an estimator that predicts one bin at a time. Read-only."""

    def __init__(self, rules: HazardRules, estimator: Any) -> None:
        self.rules = rules
        self.estimator = estimator
        self._names = RowNames(rules)
        shape = rules.shape
        self._until = [
            (horizon.name, horizon.after_ms, shape.bins_until(number))
            for number, horizon in enumerate(shape.horizons)
        ]
        self._prior = 1.0 - (1.0 - rules.prior) ** (1.0 / shape.bins)

    def score_packed(self, asks: Sequence[PackedAsk]) -> list[Chances | None]:
        """P(outcome by each horizon | none so far); None: features are unusable, or the estimator
        fails, so that the next tier answers."""
        return [self._score(ask) for ask in asks]

    def _score(self, ask: PackedAsk) -> Chances | None:
        shape = self.rules.shape
        elapsed = shape.landmarks[ask.landmark].after_ms
        if ask.elapsed_ms is not None:
            elapsed = ask.elapsed_ms
        first = max(shape.bin_at(elapsed), 0)
        survives, after = 1.0, [1.0]
        try:
            snapshot = self._names.snapshot(ask.slots, ask.values, ask.landmark)
            for number in range(first, shape.bins):
                row = self._names.row(snapshot, number)
                chance = chance_of(self.estimator.predict_proba_one(row), self._prior)
                survives *= 1.0 - chance
                after.append(survives)
        except BaseException as error:  # Code of users may raise anything.
            raise_unless_fault(error)
            return None
        return {name: 1.0 - after[until - first] for name, at, until in self._until if at > elapsed}


def load_river_scorer(
    content: bytes, rules: HazardRules, declared: tuple[RiverDeclaration, ...]
) -> RiverScorer | Unusable:
    """The scorer of a version, if its challenger is declared here as it was where it learned."""
    loaded = load_estimator(content, declared)
    return loaded if isinstance(loaded, Unusable) else RiverScorer(rules, loaded.estimator)
