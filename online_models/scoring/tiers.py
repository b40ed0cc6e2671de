"""Chooses who answers for an install: the best tier that can, with the answers of all others.

full: the model, with features of the landmark. install_only: the same model, with features of the
install. rates: how often installs like this one reached the target. constant: the declared prior.
Every install gets an answer at every landmark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from online_models.hazard.packed import PackedAsk
from online_models.hazard.scorer import Chances
from online_models.scoring.activity_cells import NO_CELL
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.shrunk_rates import InstallOrigin, ShrunkRates
from online_models.targets.targets import Target
from online_models.value.scorer import ExpectedValue, ValueScorer
from schemas.buckets import is_in_share
from schemas.records import Frozen
from schemas.time import DAY_MS

Tier = Literal["full", "install_only", "rates", "constant"]
CONSTANT_VERSION = "constant"


class Subject(NamedTuple):
    """An install at a landmark: its features at the install, and now."""

    install_id: str
    origin: InstallOrigin
    first: Frozen
    last: Frozen
    has_behaviour: bool
    """Whether any activity after the install is known."""
    cell: int = NO_CELL
    """Of activity until the landmark, for rates."""

    @property
    def landmark(self) -> int:
        return self.last.landmark


class Score(NamedTuple):
    """Chances by horizon, the tier that answered and why not a better one; `shadow`: the chance of
    the headline horizon by every tier that had an answer."""

    chances: Chances
    tier: Tier
    reason: str
    model_version: str
    arm: str
    shadow: dict[str, float]


class ChanceScorer(Protocol):
    """A version of any model of chances, read-only."""

    def score_packed(self, asks: Sequence[PackedAsk], /) -> Sequence[Chances | None]:
        """Of each question, the chances by horizon; None: its features are unusable."""


class LiveModel(NamedTuple):
    """A version that scores. `published_at`: log time, in ms, until which it had learned."""

    scorer: ChanceScorer
    version: str
    published_at: int


class TierRules(NamedTuple):
    """When a model answers."""

    stale_after_ms: int = 14 * DAY_MS
    """Log time, in ms, after which a model that was not replaced does not answer any more."""
    challenger_share: float = 0.0
    """Share of installs, by a hash of their id, that the challenger answers for."""


@dataclass(frozen=True, slots=True)
class TargetModels:
    """The models that a partition scores one target with now."""

    target: Target
    champion: LiveModel | None = None
    challenger: LiveModel | None = None
    rates: ShrunkRates | None = None
    rates_version: str = ""
    rules: TierRules = field(default_factory=TierRules)

    def score(self, subject: Subject, now: int) -> Score:
        """Score an install; `now`: log time in ms. There is always an answer: no features raise."""
        arm, model = self._arm(subject)
        full, install_only = _asked(model, subject) if model else (None, None)
        age = LANDMARKS[subject.landmark].after_ms
        answers: dict[Tier, Chances | None] = {
            "full": full,
            "install_only": install_only,
            "rates": None
            if self.rates is None
            else self.rates.score(subject.origin, age, subject.landmark, subject.cell),
            "constant": constant_chances(self.target, subject.landmark),
        }
        reason = self._reason(subject, model, full, now)
        tier = _best(answers, reason)
        chances = answers[tier] or {}
        headline = self.target.headline
        shadow: dict[str, float] = {
            one: chances_of.get(headline, 0.0) for one, chances_of in answers.items() if chances_of
        }
        return Score(chances, tier, reason, self._version(tier, model), arm, shadow)

    def _arm(self, subject: Subject) -> tuple[str, LiveModel | None]:
        if self.challenger and is_challenged(subject.install_id, self.rules.challenger_share):
            return "challenger", self.challenger
        return "champion", self.champion

    def _reason(
        self, subject: Subject, model: LiveModel | None, full: Chances | None, now: int
    ) -> str:
        """Why the full tier does not answer; empty: it does."""
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


def is_challenged(install_id: str, share: float) -> bool:
    """Whether the challenger answers for an install, at every landmark and on every worker."""
    return is_in_share("challenger", install_id, share)


def _best(answers: Mapping[Tier, Chances | None], reason: str) -> Tier:
    if not reason:
        return "full"
    if reason != "stale" and answers["install_only"] is not None:
        return "install_only"
    return "rates" if answers["rates"] is not None else "constant"


def _asked(model: LiveModel, subject: Subject) -> tuple[Chances | None, Chances | None]:
    """The chances with features of the landmark, and with those of the install alone."""
    first, last = subject.first, subject.last
    platform, age = subject.origin.platform, LANDMARKS[last.landmark].after_ms
    asks = [PackedAsk(last.slots, last.values, last.landmark, platform)]
    if last.landmark:
        asks.append(PackedAsk(first.slots, first.values, 0, platform, age))
    answers = model.scorer.score_packed(asks)
    return answers[0], answers[-1]


def constant_chances(target: Target, landmark: int) -> Chances:
    """The prior, spread evenly over the bins left, for each horizon that has not passed."""
    shape, age = target.shape, LANDMARKS[landmark].after_ms
    survives = (1.0 - target.prior) ** (1.0 / shape.bins)
    first = shape.first_bin(landmark)
    return {
        horizon.name: 1.0 - survives ** (shape.bins_until(number) - first)
        for number, horizon in enumerate(shape.horizons)
        if horizon.after_ms > age
    }


def expected_value(scorer: ValueScorer | None, subject: Subject) -> ExpectedValue | None:
    """Expected revenue of an install; None: there is no model, or features are unusable."""
    last = subject.last
    if scorer is None:
        return None
    spent = last.spent_micros / 1e6
    return scorer.score_packed(
        last.slots, last.values, last.landmark, spent, subject.origin.platform
    )
