"""Learns the payer model from one ordered log of examples, and publishes gated versions of it.

Every example is predicted before it is learned, by the learner, by the live version and by the
rate of its landmark; that is the evidence a new version is judged by. Examples of one install
that follow each other are learned together, once the next install begins: its later landmarks
must not be predicted knowing its label. The log decides when: by the number of examples, never
by a clock.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from online_models.gates import (
    Evidence,
    GateRules,
    Rejected,
    Trial,
    deserves_suspension,
    evidence_of,
    gate,
)
from online_models.landmarks import LANDMARKS
from online_models.payer import PROBABILITY_MIN, RiverModel, Scorer, new_river_model
from online_models.snapshots import Snapshot, dump_scorer
from schemas.records import Example

FEATURE_VALUE_MAX = 100.0
"""An example with a larger value, or one that is not a number, is skipped."""

RATE_PRIOR_ROWS = 20
"""The base rate starts as if this many rows had shown the prior."""


class LearnerRules(Struct, frozen=True):
    """Counts are examples."""

    prior: float = 0.05
    first_publication: int = 500
    publish_every: int = 2000
    window: int = 5000
    """Last examples that count as evidence."""
    golden_max: int = 256
    """Examples since the last trial of a version on which its shift is measured."""
    weights_max: int = 50_000
    """Further feature names are ignored."""
    gate: GateRules = GateRules()


class Publication(NamedTuple):
    """A version that passed its gate: store it, then mark it in every partition."""

    version: str
    content: bytes
    evidence: Evidence


class Refusal(NamedTuple):
    """A version that failed its gate. `suspends` names the live version if that goes as well."""

    version: str
    reason: str
    evidence: Evidence
    suspends: str = ""


class Counts(Struct):
    """Since the beginning of the log. `unknown` are feature values ignored for want of room."""

    seen: int = 0
    positives: int = 0
    skipped: int = 0
    unknown: int = 0
    tried_at: int = 0


class Learner:
    """The model and all that decides its next version. `learn` is its only way forward."""

    def __init__(self, rules: LearnerRules) -> None:
        self.rules = rules
        self.model: RiverModel = new_river_model(rules.prior)
        self.counts = Counts()
        self.rates: dict[str, tuple[int, int]] = {}  # landmark: rows, positives
        self.trials: deque[Trial] = deque(maxlen=rules.window)
        self.golden: list[dict[str, float]] = []
        self.group: list[Example] = []
        self.champion: Scorer | None = None
        self.champion_content = b""
        self.previous: Scorer | None = None  # tried last, published or not
        self.previous_content = b""

    def learn(self, examples: Iterable[Example]) -> list[Publication | Refusal]:
        """Learn in order; versions come exactly where the count of examples says so."""
        verdicts = []
        for example in examples:
            if not self._belongs_to_group(example):
                self._learn_group()
                if self._is_trial_due():
                    verdicts.append(self._try_version())
            self.group.append(example)
        return verdicts

    def snapshot(self) -> Snapshot:
        """A read-only copy of the model as it is now."""
        return dump_scorer(self.counts.seen, self.model.intercept, self.model.weights)

    def _belongs_to_group(self, example: Example) -> bool:
        group = self.group
        return not group or (
            group[0].install_id == example.install_id and len(group) < len(LANDMARKS)
        )

    def _learn_group(self) -> None:
        """Learn from one install: all its landmarks, none of which may tell of the others."""
        learnable = []
        for example in self.group:
            self.counts.seen += 1
            if all(abs(value) <= FEATURE_VALUE_MAX for value in example.features.values()):
                features = self._known(example.features)
                self.trials.append(self._trial(example, features))
                learnable.append((example, features))
            else:
                self.counts.skipped += 1
        for example, features in learnable:
            self._learn_one(example, features)
        self.group = []

    def _learn_one(self, example: Example, features: dict[str, float]) -> None:
        self.model.learn_one(features, example.label)
        self.counts.positives += example.label
        rows, positives = self.rates.get(example.landmark, (0, 0))
        self.rates[example.landmark] = (rows + 1, positives + example.label)
        if len(self.golden) < self.rules.golden_max:
            self.golden.append(example.features)

    def _trial(self, example: Example, features: dict[str, float]) -> Trial:
        rows, positives = self.rates.get(example.landmark, (0, 0))
        rate = (positives + RATE_PRIOR_ROWS * self.rules.prior) / (rows + RATE_PRIOR_ROWS)
        champion = self.champion.score(example.features) if self.champion else None
        own = self.model.predict_proba_one(features)[True]
        return Trial(
            label=example.label,
            learner=min(max(own, PROBABILITY_MIN), 1 - PROBABILITY_MIN),
            base=rate,
            champion=math.nan if champion is None else champion,
        )

    def _known(self, features: dict[str, float]) -> dict[str, float]:
        """Without names for which there is no room any more."""
        known = self.model.optimizer.n
        if len(known) + len(features) <= self.rules.weights_max:
            return features
        kept = {name: value for name, value in features.items() if name in known}
        self.counts.unknown += len(features) - len(kept)
        return kept

    def _is_trial_due(self) -> bool:
        rules = self.rules
        wait = rules.publish_every if self.champion else rules.first_publication
        return self.counts.seen - self.counts.tried_at >= wait

    def _try_version(self) -> Publication | Refusal:
        version, content = self.snapshot()
        candidate = Scorer(version, self.counts.seen, self.model.intercept, self.model.weights)
        evidence = evidence_of(self.trials)
        rejected = gate(candidate, self.previous, evidence, self.golden, self.rules.gate)
        self.previous, self.previous_content = candidate, content
        self.counts.tried_at = self.counts.seen
        self.golden = []
        if rejected is None:
            self.champion, self.champion_content = candidate, content
            return Publication(version, content, evidence)
        return self._refuse(version, rejected, evidence)

    def _refuse(self, version: str, rejected: Rejected, evidence: Evidence) -> Refusal:
        live = self.champion
        if live is None or not deserves_suspension(evidence, self.rules.gate):
            return Refusal(version, rejected.reason, evidence)
        self.champion, self.champion_content = None, b""
        return Refusal(version, rejected.reason, evidence, suspends=live.version)
