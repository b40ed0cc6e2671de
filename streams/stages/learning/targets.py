"""The learners of all declared targets, and of value, as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from online_models.challengers.challengers import Challengers
from online_models.challengers.declaration import challenger_of, no_clock, target_of
from online_models.challengers.river_challenger import RiverChallenger
from online_models.learning.example_learner import ExampleLearner
from online_models.learning.residual_watch import LearnedBlock
from online_models.learning.rules import LearnerRules
from online_models.learning.target_learner import TargetLearner
from online_models.learning.value_learner import ValueLearner, ValueLearnerRules
from online_models.learning.verdicts import Publication, Verdict
from online_models.persistence.envelope import Unusable
from schemas.records import Example
from streams.stages.learning.parts import with_prefix, without_prefix

_PREFIX = "targets/"
TIMED_ROWS_MIN = 1_000
"""Rows of a challenger that are timed before its cost is judged: the first calls cost more."""

AnyRules = LearnerRules | ValueLearnerRules


class TargetLearners:
    """Each target learns as if it were alone. Examples of targets that are not declared, or no
    longer, are left out."""

    def __init__(
        self, rules: Mapping[str, AnyRules], clock: Callable[[], float] = no_clock
    ) -> None:
        self._rules = rules
        self._clock = clock
        self.learners = {name: _new(name, one) for name, one in rules.items()}
        for river in self._river().values():
            river.clock = clock

    def learn(self, example: Example) -> list[Verdict]:
        """Examples come one by one: frames of the log must not change when a version is tried."""
        learner = self.learners.get(example.target)
        return learner.learn([example]) if learner else []

    @property
    def time(self) -> int:
        """Log time of the latest block learned by any of them, in ms."""
        return max((learner.time for learner in self.learners.values()), default=0)

    def taken(self) -> list[LearnedBlock]:
        """Blocks learned since the last call; those of each target in log order."""
        return [block for learner in self.learners.values() for block in learner.taken()]

    def skipped(self) -> dict[str, int]:
        """Examples, or rows of them, that each target could not learn from so far."""
        return {name: learner.skipped for name, learner in self.learners.items()}

    def published(self) -> list[Publication]:
        """The versions of all models that would be live by now."""
        return [one for learner in self.learners.values() for one in learner.published()]

    def lead(self, target: str, challenger: str) -> bool:
        learner = self.learners.get(target)
        return learner is not None and learner.lead(challenger)

    def suspend(self, model: str, reason: str) -> None:
        """Suspend a River challenger, named by its model, as ordered."""
        if river := self._river().get(target_of(model)):
            river.suspend(challenger_of(model), reason)

    def resume(self, model: str) -> None:
        """Let a River challenger that was suspended begin again."""
        if river := self._river().get(target_of(model)):
            river.resume(challenger_of(model))

    def too_slow(self) -> list[tuple[RiverChallenger, float]]:
        """River challengers whose rows cost more than they may, and microseconds per row."""
        return [one for river in self._river().values() for one in river.too_slow(TIMED_ROWS_MIN)]

    def _river(self) -> dict[str, Challengers]:
        return {
            name: learner.river
            for name, learner in self.learners.items()
            if isinstance(learner, TargetLearner) and learner.river
        }

    def dump(self, known: Mapping[str, bytes]) -> dict[str, bytes]:
        parts: dict[str, bytes] = {}
        for name, learner in self.learners.items():
            prefix = f"{_PREFIX}{name}/"
            parts |= with_prefix(learner.dump(without_prefix(known, prefix)), prefix)
        return parts

    def restored(self, parts: Mapping[str, bytes]) -> TargetLearners | Unusable:
        """Learners that go on from `parts`; a target that is new begins with nothing."""
        fresh = TargetLearners(self._rules, self._clock)
        for name, learner in fresh.learners.items():
            own = without_prefix(parts, f"{_PREFIX}{name}/")
            if not own:
                continue
            restored = learner.restored(own)
            if isinstance(restored, Unusable):
                return Unusable(f"target {name}: {restored.reason}")
            fresh.learners[name] = restored
        return fresh


def _new(name: str, rules: AnyRules) -> ExampleLearner[Any]:
    return (
        ValueLearner(rules) if isinstance(rules, ValueLearnerRules) else TargetLearner(name, rules)
    )
