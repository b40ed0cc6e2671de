"""Who answers for an install: the best tier that can, and what the others would have said.

full: the model, with features of the landmark. install_only: the same model, with features of the
install. rates: how often installs like this one did. constant: the declared prior. Every install
gets an answer at every landmark.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from online_models.hazard.packed import PackedAsk
from online_models.hazard.scorer import Chances, HazardScorer
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.shrunk_rates import InstallOrigin, ShrunkRates
from online_models.targets.targets import Target
from online_models.value.scorer import ExpectedValue, ValueScorer
from schemas.records import Frozen
from schemas.time import DAY_MS

Tier = Literal["full", "install_only", "rates", "constant"]
CONSTANT_VERSION = "constant"


class Subject(NamedTuple):
    """An install at a landmark: what was known at first, and what is known now."""

    install_id: str
    place: InstallOrigin
    first: Frozen
    last: Frozen
    has_behaviour: bool
    """Whether it was ever seen to do anything after the install."""

    @property
    def landmark(self) -> int:
        return self.last.landmark


class Score(NamedTuple):
    chances: Chances
    tier: Tier
    reason: str
    model_version: str
    arm: str
    shadow: dict[str, float]


class LiveModel(NamedTuple):
    """A version that scores. `published_at` is the log time until which it had learned."""

    scorer: HazardScorer
    version: str
    published_at: int


class TierRules(NamedTuple):
    stale_after_ms: int = 14 * DAY_MS
    """Log time after which a model that nothing replaced does not answer any more."""
    challenger_share: float = 0.0
    """Of installs that the challenger answers for, by their id."""


@dataclass(frozen=True, slots=True)
class TargetModels:
    """What a partition scores one target with now."""

    target: Target
    champion: LiveModel | None = None
    challenger: LiveModel | None = None
    rates: ShrunkRates | None = None
    rates_version: str = ""
    rules: TierRules = field(default_factory=TierRules)

    def score(self, subject: Subject, now: int) -> Score:
        """Always an answer: nothing here raises for what an install looks like."""
        arm, model = self._arm(subject)
        full, install_only = _asked(model, subject) if model else (None, None)
        age = LANDMARKS[subject.landmark].after_ms
        answers: dict[Tier, Chances | None] = {
            "full": full,
            "install_only": install_only,
            "rates": None if self.rates is None else self.rates.score(subject.place, age),
            "constant": constant_chances(self.target, subject.landmark),
        }
        reason = self._reason(subject, model, full, now)
        tier = _best(answers, reason)
        chances = answers[tier] or {}
        headline = self.target.headline
        shadow: dict[str, float] = {
            one: said.get(headline, 0.0) for one, said in answers.items() if said
        }
        return Score(chances, tier, reason, self._version(tier, model), arm, shadow)

    def _arm(self, subject: Subject) -> tuple[str, LiveModel | None]:
        if self.challenger and in_share(subject.install_id, self.rules.challenger_share):
            return "challenger", self.challenger
        return "champion", self.champion

    def _reason(
        self, subject: Subject, model: LiveModel | None, full: Chances | None, now: int
    ) -> str:
        """Why the best tier does not answer; empty: it does."""
        if model is None:
            return "no_model"
        if now - model.published_at > self.rules.stale_after_ms:
            return "stale"
        if full is None:
            return "unusable_features"
        return "" if subject.has_behaviour or subject.landmark == 0 else "no_behaviour"

    def _version(self, tier: Tier, model: LiveModel | None) -> str:
        if tier == "rates":
            return self.rates_version
        return CONSTANT_VERSION if tier == "constant" or model is None else model.version


def in_share(install_id: str, share: float) -> bool:
    """The same installs at every landmark, and on every worker."""
    return share > 0.0 and zlib.crc32(install_id.encode()) < share * 2**32


def _best(answers: Mapping[Tier, Chances | None], reason: str) -> Tier:
    if not reason:
        return "full"
    if reason != "stale" and answers["install_only"] is not None:
        return "install_only"
    return "rates" if answers["rates"] is not None else "constant"


def _asked(model: LiveModel, subject: Subject) -> tuple[Chances | None, Chances | None]:
    """With features of the landmark, and with those of the install alone."""
    first, last = subject.first, subject.last
    platform, age = subject.place.platform, LANDMARKS[last.landmark].after_ms
    asks = [PackedAsk(last.slots, last.values, last.landmark, platform)]
    if last.landmark:
        asks.append(PackedAsk(first.slots, first.values, 0, platform, age))
    answers = model.scorer.score_packed(asks)
    return answers[0], answers[-1]


def constant_chances(target: Target, landmark: int) -> Chances:
    """The prior, spread evenly over the bins that are left."""
    shape, age = target.shape, LANDMARKS[landmark].after_ms
    survives = (1.0 - target.prior) ** (1.0 / shape.bins)
    first = shape.first_bin(landmark)
    return {
        horizon.name: 1.0 - survives ** (shape.bins_until(number) - first)
        for number, horizon in enumerate(shape.horizons)
        if horizon.after_ms > age
    }


def expected_value(scorer: ValueScorer | None, subject: Subject) -> ExpectedValue | None:
    """Expected money of an install; None: no model answers."""
    last = subject.last
    if scorer is None:
        return None
    spent = last.spent_micros / 1e6
    return scorer.score_packed(
        last.slots, last.values, last.landmark, spent, subject.place.platform
    )
