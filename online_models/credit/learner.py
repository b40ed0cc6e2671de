"""Learns who moves people to install from one ordered log of paths, and publishes versions of it.

Every path is foretold before it is learned, by the last fit, by the live version and by one rate
for all; that is the evidence a new version is judged by. Versions come by number of paths, never
by a clock. Markov removal effects and Shapley values belong to a version as well; they are
computed, from counts that are kept here, by a function that is given.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable

from msgspec import Struct

from online_models.credit.counts import PathCounts
from online_models.credit.exposures import Watch, watch
from online_models.credit.fitting import fit
from online_models.credit.gates import (
    CreditEvidence,
    CreditGateRules,
    CreditTrial,
    Rejected,
    deserves_suspension,
    evidence_of,
    gate,
)
from online_models.credit.hazard import RATE_MIN, HazardModel
from online_models.credit.snapshots import CreditModel, Weights, dump_model
from online_models.credit.window import Names, Window
from schemas.records import ExposurePath

RATE_PRIOR_DAYS = 100.0
"""The one rate for all starts as if there had been one install in so many days."""

TOUCHES_MAX = 256
"""A path with more touchpoints is skipped, as is one that ends before it begins."""

Weigh = Callable[[PathCounts, Names], Weights]


class CreditRules(Struct, frozen=True):
    """Counts are paths."""

    first_publication: int = 500
    publish_every: int = 2_000
    window: int = 5_000
    """Last paths that count as evidence."""
    gate: CreditGateRules = CreditGateRules()


class CreditPublication(Struct, frozen=True):
    """A version that passed its gate: store it, then mark it in every partition."""

    version: str
    content: bytes
    evidence: CreditEvidence


class CreditRefusal(Struct, frozen=True):
    """A version that failed its gate. `suspends` names the live version if that goes as well."""

    version: str
    reason: str
    evidence: CreditEvidence
    suspends: str = ""


CreditVerdict = CreditPublication | CreditRefusal


class PathsSeen(Struct):
    """Since the beginning of the log."""

    seen: int = 0
    installed: int = 0
    skipped: int = 0
    tried_at: int = 0


class CreditLearner:
    """The model and all that decides its next version. `learn` is its only way forward."""

    def __init__(self, rules: CreditRules, weigh: Weigh) -> None:
        self.rules = rules
        self.weigh = weigh
        self.window = Window()
        self.counts = PathsSeen()
        self.rates: dict[int, tuple[float, float]] = {}  # by app: days, installs
        self.trials: deque[CreditTrial] = deque(maxlen=rules.window)
        self.fitted: HazardModel | None = None
        self.champion: CreditModel | None = None
        self.champion_content = b""

    def learn(self, paths: Iterable[ExposurePath]) -> list[CreditVerdict]:
        """Learn in order; versions come exactly where the count of paths says so."""
        verdicts: list[CreditVerdict] = []
        for path in paths:
            self.counts.seen += 1
            if _is_sound(path):
                self._learn_one(path)
            else:
                self.counts.skipped += 1
            if self._is_trial_due():
                verdicts.append(self._try_version())
        return verdicts

    def bounds_hit(self) -> dict[str, int]:
        """How often each bound was hit since the beginning of the log."""
        return {
            "credit_channels_max": self.window.names.overflowed,
            "credit_sets_max": self.window.names.sets_dropped,
            "credit_touches_max": self.counts.skipped,
        }

    def _learn_one(self, path: ExposurePath) -> None:
        watched = watch(path)
        app = self.window.names.app(path.app_id)
        self.trials.append(self._trial(path, watched, app))
        self.window.add(path, watched)
        days, installs = self.rates.get(app, (RATE_PRIOR_DAYS, 1.0))
        days += math.fsum(watched.days.values())
        self.rates[app] = (days, installs + path.is_installed)
        self.counts.installed += path.is_installed

    def _trial(self, path: ExposurePath, watched: Watch, app: int) -> CreditTrial:
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

    def _try_version(self) -> CreditVerdict:
        self.fitted = fit(self.window, self.fitted)
        self.counts.tried_at = self.counts.seen
        counts = PathCounts()
        for block in self.window.blocks:
            counts.merge(block.counts)
        self.window.roll()
        weights = self.weigh(counts, self.window.names)
        version, content = dump_model(self.counts.seen, self.fitted, weights)
        evidence = evidence_of(self.trials)
        rejected = gate(self.fitted, evidence, self.rules.gate)
        if rejected is None:
            self.champion = CreditModel(version, self.fitted, weights)
            self.champion_content = content
            return CreditPublication(version, content, evidence)
        return self._refuse(version, rejected, evidence)

    def _refuse(self, version: str, rejected: Rejected, evidence: CreditEvidence) -> CreditRefusal:
        live = self.champion
        if live is None or not deserves_suspension(evidence, self.rules.gate):
            return CreditRefusal(version, rejected.reason, evidence)
        self.champion, self.champion_content = None, b""
        return CreditRefusal(version, rejected.reason, evidence, suspends=live.version)


def _is_sound(path: ExposurePath) -> bool:
    return (
        path.begin_time <= path.end_time
        and len(path.touches) <= TOUCHES_MAX
        and 0.0 < path.weight < math.inf
    )
