"""Learns which touchpoint led to an install, from installs whose ids say so.

Every install is judged before it is learned, by the learner as it is, by the weights of the rules
and by the version that decides; that is the evidence a new version is judged by. Confidences are
calibrated on scores from before an install was learned, beside the chance that none of its pairs is
the match. Versions are tried by installs and log time, never by a clock.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from online_models.learning.verdicts import Publication, Refusal, Verdict
from online_models.pairs.match_gate import (
    MatchTrial,
    gate_match,
    match_evidence,
)
from online_models.pairs.match_model import MATCHES, MatchModel, dump_match_model, rounded_weights
from online_models.pairs.match_parts import MatchesSeen, dump_match_learner, fill_match_learner
from online_models.pairs.match_rules import LEARNED_FEATURES, MatchRules
from online_models.pairs.pair_classifier import PairClassifier
from online_models.pairs.pair_weights import (
    NO_MATCH,
    Calibration,
    PairWeights,
    ScoredInstall,
    install_loss,
)
from online_models.persistence.envelope import Unusable
from schemas.records import PAIR_FEATURES, MatchExample
from schemas.time import HOUR_MS

Calibrate = Callable[[Sequence[ScoredInstall]], Calibration]
"""Fits the calibration of scores to installs whose match is known."""


class MatchLearner:
    """The model and all that decides its next version: a `Learner` of installs with known ids."""

    def __init__(self, rules: MatchRules, calibrate: Calibrate) -> None:
        self.rules = rules
        self.calibrate = calibrate
        self.classifier = PairClassifier(rules.half_life, rules.learned_prior)
        self.counts = MatchesSeen()
        self.scored: deque[ScoredInstall] = deque(maxlen=rules.window)
        self.trials: deque[MatchTrial] = deque(maxlen=rules.window)
        self.calibration = rules.in_force.calibration
        self.champion: MatchModel | None = None
        self.champion_content = b""

    def learn(self, records: Iterable[MatchExample]) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for example in records:
            if not _is_valid(example):
                self.counts.skipped += 1
                continue
            if not self._has_room(example):
                continue
            self._learn_install(example)
            if self._is_trial_due(example):
                self.counts.tried_at, self.counts.tried_ts = self.counts.seen, example.ts
                verdicts.append(self._try_version())
        return verdicts

    def lead(self, challenger: str) -> bool:
        """False: matches have one model alone."""
        return False

    def published(self) -> list[Publication]:
        last = self.champion
        return [Publication(MATCHES, last.version, self.champion_content)] if last else []

    def dump(self, known: Mapping[str, bytes]) -> dict[str, bytes]:
        return dump_match_learner(self)

    def restored(self, parts: Mapping[str, bytes]) -> MatchLearner | Unusable:
        fresh = MatchLearner(self.rules, self.calibrate)
        if not parts:
            return fresh  # It was stored before there was this learner.
        return fill_match_learner(fresh, parts) or fresh

    @property
    def skipped(self) -> int:
        return self.counts.skipped

    def bounds_hit(self) -> dict[str, int]:
        return {
            "match_levels_max": self.classifier.counts.overflowed,
            "match_installs_per_hour_max": self.counts.left_out,
        }

    def _has_room(self, example: MatchExample) -> bool:
        """Count the install in its hour of log time, the latest so far."""
        counts, hour = self.counts, example.ts // HOUR_MS
        if hour > counts.hour:
            counts.hour, counts.in_hour = hour, 0
        if counts.in_hour >= self.rules.installs_per_hour_max:
            counts.left_out += 1
            return False
        counts.in_hour += 1
        return True

    def _learn_install(self, example: MatchExample) -> None:
        rows = [dict(zip(LEARNED_FEATURES, pair.levels, strict=False)) for pair in example.pairs]
        match = next((at for at, one in enumerate(example.pairs) if one.is_match), NO_MATCH)
        scored = ScoredInstall([self.classifier.score(row) for row in rows], match)
        self.trials.append(self._trial(example, scored))
        self.scored.append(scored)
        for row, pair in zip(rows, example.pairs, strict=True):
            self.classifier.learn_one(row, pair.is_match)
        self.counts.seen += 1
        self.counts.matches += match != NO_MATCH
        if self.counts.seen % self.rules.calibrate_every == 0:
            self.calibration = self.calibrate(self.scored)

    def _trial(self, example: MatchExample, scored: ScoredInstall) -> MatchTrial:
        live = self.champion
        return MatchTrial(
            learner=install_loss(scored, self.calibration),
            rules=_loss_of(example, scored.match, self.rules.in_force),
            live=_loss_of(example, scored.match, live.weights) if live else math.nan,
        )

    def _is_trial_due(self, example: MatchExample) -> bool:
        counts, rules = self.counts, self.rules
        return (
            counts.seen - counts.tried_at >= rules.publish_every
            and example.ts - counts.tried_ts >= rules.publish_every_ms
        )

    def _try_version(self) -> Verdict:
        self.calibration = self.calibrate(self.scored)
        weights = rounded_weights(PairWeights(self.classifier.odds(), self.calibration))
        version, content = dump_match_model(self.counts.seen, weights)
        evidence = match_evidence(self.trials)
        figures = evidence.figures(self.counts.matches)
        rejected = gate_match(weights, self.counts.matches, evidence, self.rules.gate)
        if rejected is None:
            parent = self.champion.version if self.champion else ""
            self.champion, self.champion_content = MatchModel(version, weights), content
            return Publication(MATCHES, version, content, parent=parent, figures=figures)
        suspends = self.champion is not None and evidence.live_over_rules.is_shown_worse
        if suspends:
            self.champion, self.champion_content = None, b""
        return Refusal(MATCHES, version, rejected.reason, figures=figures, suspends=suspends)


def _loss_of(example: MatchExample, match: int, weights: PairWeights) -> float:
    scores = [weights.score(pair.levels) for pair in example.pairs]
    return install_loss(ScoredInstall(scores, match), weights.calibration)


def _is_valid(example: MatchExample) -> bool:
    return (
        bool(example.pairs)
        and sum(pair.is_match for pair in example.pairs) <= 1
        and all(len(pair.levels) == len(PAIR_FEATURES) for pair in example.pairs)
    )
