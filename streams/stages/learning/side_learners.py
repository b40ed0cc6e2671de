"""Learners of no target: of credit and of matches, each with a kind of record of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from online_models.credit.learner import CreditLearner
from online_models.credit.persistence import CREDIT
from online_models.learning.learner import Learner
from online_models.pairs.match_learner import MatchLearner
from online_models.pairs.match_model import MATCHES
from online_models.persistence.envelope import Unusable
from schemas.records import ExampleRecord, ExposurePath, MatchExample
from streams.stages.common.live_pair_model import calibrate
from streams.stages.learning.credit_weights import weigh
from streams.stages.learning.parts import with_prefix, without_prefix
from streams.stages.learning.rules import LearningRules

MODEL_OF_RECORD: Mapping[type[ExampleRecord], str] = {ExposurePath: CREDIT, MatchExample: MATCHES}
"""Which of them learns a record."""


class SideLearners:
    """By model. What they have learned of a stretch in quarantine stays."""

    def __init__(self, rules: LearningRules) -> None:
        self._rules = rules
        self.learners: dict[str, Learner[Any]] = {
            CREDIT: CreditLearner(rules.credit, weigh),
            MATCHES: MatchLearner(rules.match, calibrate),
        }

    def dump(self, known: Mapping[str, bytes]) -> dict[str, bytes]:
        """All of them as parts, each behind the name of its model."""
        parts: dict[str, bytes] = {}
        for model, learner in self.learners.items():
            prefix = f"{model}/"
            parts |= with_prefix(learner.dump(without_prefix(known, prefix)), prefix)
        return parts

    def restored(self, parts: Mapping[str, bytes]) -> SideLearners | Unusable:
        """Learners that go on from `parts`."""
        fresh = SideLearners(self._rules)
        for model, learner in fresh.learners.items():
            restored = learner.restored(without_prefix(parts, f"{model}/"))
            if isinstance(restored, Unusable):
                return restored
            fresh.learners[model] = restored
        return fresh
