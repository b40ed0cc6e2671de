"""What the learners of examples share: blocks, the pace of versions, and the last two versions.

Examples are taken in blocks counted from the beginning of the log. Each block is predicted before
it is learned, which is the evidence that versions are judged by (prequential evaluation: Dawid
1984). The log decides when a version is tried: by counts and by its own time, never by a clock.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from online_models.learning.learner import Version
from online_models.learning.residual_watch import LearnedBlock
from online_models.learning.rules import Counts, PaceRules
from online_models.learning.verdicts import Publication, Verdict
from online_models.persistence.envelope import Unusable
from schemas.records import OUTCOMES_ALONE, Example

_Scorer = TypeVar("_Scorer")


class UnlearnableBlockError(Exception):
    """Learning a block raised, so that none of its examples counts as learned. A bug: examples that
    cannot be learned are known beforehand, and counted."""

    def __init__(self, examples: list[Example]) -> None:
        super().__init__(f"a block of {len(examples)} examples cannot be learned")
        self.examples = examples


class ExampleLearner(ABC, Generic[_Scorer]):
    """A `Learner` of examples. Subclasses say how a block is learned, and what a version must
    show; the credit learner is none of these, since it learns path by path and fits anew."""

    def __init__(self, rules: PaceRules) -> None:
        self.rules = rules
        self.counts = Counts()
        self.pending: list[Example] = []
        self.champion: Version[_Scorer] | None = None  # published last, unless suspended since
        self.previous: Version[_Scorer] | None = None  # tried last, published or not
        self.has_matured = False
        """Whether the latest block brought a horizon that versions could not answer for before."""

    @property
    def time(self) -> int:
        """Log time of the latest block learned, in ms; 0: none yet."""
        return self.counts.time

    @property
    @abstractmethod
    def skipped(self) -> int: ...

    def bounds_hit(self) -> Mapping[str, int]:
        return {}

    def learn(self, records: Iterable[Example]) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for example in records:
            if example.bin == OUTCOMES_ALONE:
                continue
            self.pending.append(example)
            if len(self.pending) >= self.rules.block:
                block, self.pending = self.pending, []
                try:
                    self._learn_block(block)
                except Exception as error:
                    raise UnlearnableBlockError(block) from error
                is_due = self.counts.is_trial_due(self.rules, is_first=self.champion is None)
                if is_due or self.has_matured:
                    self.counts.try_now()
                    verdicts += self._try_versions()
        return verdicts

    @abstractmethod
    def lead(self, challenger: str) -> bool: ...

    @abstractmethod
    def published(self) -> list[Publication]: ...

    def taken(self) -> list[LearnedBlock]:
        """Blocks learned since the last call, for whoever monitors; no part of the state."""
        return []

    @abstractmethod
    def dump(self, known: Mapping[str, bytes]) -> dict[str, bytes]: ...

    @abstractmethod
    def restored(self, parts: Mapping[str, bytes]) -> ExampleLearner[_Scorer] | Unusable: ...

    @abstractmethod
    def _learn_block(self, block: list[Example]) -> None: ...

    @abstractmethod
    def _try_versions(self) -> list[Verdict]: ...
