"""Chooses who answers for an install: the best tier that can, with the answers of all others.

full: the model, with features of the landmark. install_only: the same model, with features of the
install. rates: how often installs like this one, and used alike, reached the target. constant: the
declared prior. Every install gets an answer at every landmark.

A model answers for the horizons for which it is not shown to be worse than rates. For the others
rates say how many of those who are left reach the target after the horizon before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from online_models.hazard.packed import PackedAsk
from online_models.hazard.scorer import Chances
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.shrunk_rates import InstallOrigin, ShrunkRates
from online_models.targets.targets import Target
from schemas.buckets import is_in_share
from schemas.records import Frozen
from schemas.time import DAY_MS

Tier = Literal["full", "install_only", "rates", "constant"]
MODEL_TIERS: tuple[Tier, ...] = ("full", "install_only")
CONSTANT_VERSION = "constant"
RATES_ANSWER = "rates_answer:"
"""Begins the reason of a row in which rates answer for some horizons; their names follow."""
_Asked = tuple[Chances | None, Chances | None]
"""Chances with features of the landmark, and with those of the install alone; None: unusable."""


class Subject(NamedTuple):
    """An install at a landmark: its features at the install, and now."""

    install_id: str
    origin: InstallOrigin
    first: Frozen
    last: Frozen
    has_behaviour: bool
    """Whether any activity after the install is known."""
    cell: int = -1
    """Of activity until the landmark; -1: at the install itself."""

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
    _constants: tuple[Chances, ...] = field(init=False, repr=False, compare=False)  # by landmark
    _outdone: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        constants = (constant_chances(self.target, mark) for mark in range(len(LANDMARKS)))
        object.__setattr__(self, "_constants", tuple(constants))
        outdone = self.rates.answers if self.rates else frozenset()
        object.__setattr__(self, "_outdone", outdone)

    def score(self, subject: Subject, now: int) -> Score:
        """Score an install; `now`: log time in ms. There is always an answer: no features raise."""
        return self.score_many([subject], [now])[0]

    def score_many(self, subjects: Sequence[Subject], moments: Sequence[int]) -> list[Score]:
        """`score` of each at its moment: models are asked once, about all of them."""
        arms = [self._arm(subject) for subject in subjects]
        answers: list[_Asked] = [(None, None)] * len(subjects)
        for arm, model in (("champion", self.champion), ("challenger", self.challenger)):
            own = [number for number, found in enumerate(arms) if found == arm]
            if model is not None and own:
                asked = _asked(model, [subjects[number] for number in own])
                for number, answer in zip(own, asked, strict=True):
                    answers[number] = answer
        asked_of = zip(subjects, moments, arms, answers, strict=True)
        return [self._score(*asked) for asked in asked_of]

    def _score(self, subject: Subject, now: int, arm: str, asked: _Asked) -> Score:
        model = self.challenger if arm == "challenger" else self.champion
        full, install_only = asked
        age = LANDMARKS[subject.landmark].after_ms
        used = (subject.landmark, subject.cell) if subject.cell >= 0 else None
        answers: dict[Tier, Chances | None] = {
            "full": full,
            "install_only": install_only,
            "rates": None if self.rates is None else self.rates.score(subject.origin, age, used),
            "constant": self._constants[subject.landmark],
        }
        reason = self._reason(subject, model, full, now)
        tier = _best(answers, reason)
        chances, headline = answers[tier] or {}, self.target.headline
        by_rates = answers["rates"]
        if tier in MODEL_TIERS and arm == "champion" and by_rates and self._outdone:
            chances, outdone = composed(chances, by_rates, self._outdone)
            if outdone:
                reason = RATES_ANSWER + ",".join(outdone)
            is_whole = headline in outdone or len(outdone) == len(chances)
            tier = "rates" if is_whole else tier
        shadow: dict[str, float] = {
            one: chances_of.get(headline, 0.0) for one, chances_of in answers.items() if chances_of
        }
        return Score(chances, tier, reason, self._version(tier, model), arm, shadow)

    def _arm(self, subject: Subject) -> str:
        if self.challenger and is_challenged(subject.install_id, self.rules.challenger_share):
            return "challenger"
        return "champion"

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


def composed(
    by_model: Chances, by_rates: Chances, answers: frozenset[str]
) -> tuple[Chances, list[str]]:
    """Chances by horizon, and the horizons for which rates answer. Who has not reached the target
    by a horizon does so by the next one as whoever answers for that says: chances never fall."""
    chances: Chances = {}
    outdone: list[str] = []
    left, before = 1.0, ""
    for name in by_model:
        answer = by_model
        if name in answers and name in by_rates:
            answer = by_rates
            outdone.append(name)
        known = 1.0 - answer.get(before, 0.0)
        left *= min((1.0 - answer[name]) / known, 1.0) if known > 0.0 else 1.0
        chances[name] = 1.0 - left
        before = name
    return chances, outdone


def _best(answers: Mapping[Tier, Chances | None], reason: str) -> Tier:
    if not reason:
        return "full"
    if reason != "stale" and answers["install_only"] is not None:
        return "install_only"
    return "rates" if answers["rates"] is not None else "constant"


def _asked(model: LiveModel, subjects: Sequence[Subject]) -> list[_Asked]:
    """What the model answers of each; at the install, both chances are the same."""
    asks = []
    for subject in subjects:
        first, last, platform = subject.first, subject.last, subject.origin.platform
        asks.append(PackedAsk(last.slots, last.values, last.landmark, platform))
        if last.landmark:
            age = LANDMARKS[last.landmark].after_ms
            asks.append(PackedAsk(first.slots, first.values, 0, platform, age))
    found = iter(model.scorer.score_packed(asks))
    return [
        (full, next(found) if subject.landmark else full)
        for subject, full in zip(subjects, found, strict=False)
    ]


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
