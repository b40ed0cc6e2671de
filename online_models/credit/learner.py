"""Learns what moves people to install, from one ordered log of sampled paths.

Every path is predicted before it is learned, by the last fit, by the version published last and by
one rate per app; that is the evidence a new version is judged by. Versions are tried by number of
paths, never by a clock. Weights of Markov removal effects belong to a version as well; they are
computed from counts that are kept here, by a function that the caller supplies.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, structs

from online_models.credit.counts import PathCounts
from online_models.credit.exposures import WatchedPath, watch_path
from online_models.credit.gates import (
    CreditGateRules,
    CreditTrial,
    credit_deserves_suspension,
    credit_evidence,
    gate_credit,
)
from online_models.credit.hazard import RATE_MIN, CreditHazard
from online_models.credit.hazard_fit import fit_hazard
from online_models.credit.learner_parts import PathsSeen, dump_credit_learner, fill_credit_learner
from online_models.credit.persistence import CREDIT, CreditModel, MarkovWeights, dump_credit_model
from online_models.credit.window import ChannelCodes, PathWindow
from online_models.learning.verdicts import Publication, Refusal, Verdict, finite
from online_models.persistence.envelope import Unusable
from schemas.records import ExposurePath

RATE_PRIOR_DAYS = 100.0
"""The rate of an app starts as if there had been one install in so many days."""

TOUCHES_MAX = 256
"""A path with more touchpoints is skipped, as is one that ends before it begins."""

Weigh = Callable[[PathCounts, ChannelCodes], MarkovWeights]


class CreditRules(Struct, frozen=True):
    """When a version is tried, and what it must show. Counts are paths."""

    first_publication: int = 500
    publish_every: int = 2_000
    window: int = 5_000
    """Latest paths that count as evidence."""
    gate: CreditGateRules = CreditGateRules()


class CreditLearner:
    """The model and all that decides its next version: a `Learner` of sampled paths.

    It shares no code with the learners of examples: it learns path by path without blocks, fits
    its model anew for every version, and its closed parts are written once.
    """

    def __init__(self, rules: CreditRules, weigh: Weigh) -> None:
        self.rules = rules
        self.weigh = weigh
        self.window = PathWindow()
        self.counts = PathsSeen()
        self.rates: dict[int, tuple[float, float]] = {}  # by app: days, installs
        self.trials: deque[CreditTrial] = deque(maxlen=rules.window)
        self.fitted: CreditHazard | None = None
        self.champion: CreditModel | None = None
        self.champion_content = b""

    def learn(self, records: Iterable[ExposurePath]) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for path in records:
            self.counts.seen += 1
            if _is_valid(path):
                self._learn_path(path)
            else:
                self.counts.skipped += 1
            if self._is_trial_due():
                verdicts.append(self._try_version())
        return verdicts

    def lead(self, challenger: str) -> bool:
        """False: credit has one model alone."""
        return False

    def published(self) -> list[Publication]:
        last = self.champion
        return [Publication(CREDIT, last.version, self.champion_content)] if last else []

    def dump(self, known: Mapping[str, bytes]) -> dict[str, bytes]:
        return dump_credit_learner(self, known)

    def restored(self, parts: Mapping[str, bytes]) -> CreditLearner | Unusable:
        fresh = CreditLearner(self.rules, self.weigh)
        return fill_credit_learner(fresh, parts) or fresh

    @property
    def skipped(self) -> int:
        """0: whatever is skipped hit a bound (`credit_touches_max`)."""
        return 0

    def bounds_hit(self) -> dict[str, int]:
        return {
            "credit_channels_max": self.window.names.overflowed,
            "credit_sets_max": self.window.names.sets_dropped,
            "credit_touches_max": self.counts.skipped,
        }

    def _learn_path(self, path: ExposurePath) -> None:
        watched = watch_path(path)
        app = self.window.names.app(path.app_id)
        self.trials.append(self._trial(path, watched, app))
        self.window.add(path, watched)
        days, installs = self.rates.get(app, (RATE_PRIOR_DAYS, 1.0))
        days += math.fsum(watched.days.values())
        self.rates[app] = (days, installs + path.is_installed)
        self.counts.installed += path.is_installed

    def _trial(self, path: ExposurePath, watched: WatchedPath, app: int) -> CreditTrial:
        days, installs = self.rates.get(app, (RATE_PRIOR_DAYS, 1.0))
        rate = installs / days
        expected = rate * math.fsum(watched.days.values())
        base = own = expected - (math.log(max(rate, RATE_MIN)) if path.is_installed else 0.0)
        champion = math.nan
        if self.fitted is not None:
            expected = self.fitted.expected(path.app_id, watched)
            own = self.fitted.loss(path.app_id, watched)
        if self.champion is not None:
            champion = self.champion.hazard.loss(path.app_id, watched)
        return CreditTrial(path.is_installed, expected, own, base, champion)

    def _is_trial_due(self) -> bool:
        rules = self.rules
        wait = rules.publish_every if self.champion else rules.first_publication
        return self.counts.seen - self.counts.tried_at >= wait

    def _try_version(self) -> Verdict:
        self.fitted = fit_hazard(self.window, self.fitted)
        self.counts.tried_at = self.counts.seen
        counts = PathCounts()
        for block in self.window.blocks:
            counts.merge(block.counts)
        self.window.roll()
        weights = self.weigh(counts, self.window.names)
        version, content = dump_credit_model(self.counts.seen, self.fitted, weights)
        evidence = credit_evidence(self.trials)
        figures = finite(structs.asdict(evidence))
        rejected = gate_credit(self.fitted, evidence, self.rules.gate)
        if rejected is None:
            self.champion = CreditModel(version, self.fitted, weights)
            self.champion_content = content
            return Publication(CREDIT, version, content, figures=figures)
        suspends = self.champion is not None and credit_deserves_suspension(
            evidence, self.rules.gate
        )
        if suspends:
            self.champion, self.champion_content = None, b""
        return Refusal(CREDIT, version, rejected.reason, figures=figures, suspends=suspends)


def _is_valid(path: ExposurePath) -> bool:
    return (
        path.begin_time <= path.end_time
        and len(path.touches) <= TOUCHES_MAX
        and 0.0 < path.weight < math.inf
    )
