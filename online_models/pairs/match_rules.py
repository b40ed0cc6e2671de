"""When a version of the live pair model is tried, and what it must show."""

from __future__ import annotations

from msgspec import Struct

from online_models.pairs.match_gate import MatchGateRules
from online_models.pairs.pair_weights import PairWeights
from schemas.records import PAIR_FEATURES
from schemas.time import HOUR_MS, Millis

LEARNED_FEATURES = PAIR_FEATURES[:3]
"""Delays by media source are left to a fit of a whole history: few sources have matches enough."""

NOTHING_KNOWN = PairWeights({})


class MatchRules(Struct, frozen=True):
    """When a version is tried, and what it must show. Counts are installs."""

    in_force: PairWeights = NOTHING_KNOWN
    """The weights of the rule file, which decide while no version does."""
    half_life: float = 2_000.0
    """Matches after which an install weighs half as much."""
    window: int = 2_000
    """Latest installs that scores are calibrated on, and that count as evidence."""
    installs_per_hour_max: int = 500
    """Installs of one hour of log time that are learned; the cost of learning does not grow with
    traffic, and a model of so few numbers needs no more."""
    calibrate_every: int = 100
    publish_every: int = 300
    publish_every_ms: Millis = 6 * HOUR_MS
    """Log time between two trials, at the least."""
    gate: MatchGateRules = MatchGateRules()

    @property
    def learned_prior(self) -> dict[str, float]:
        """What the learner begins with: the weights in force of all that it learns."""
        names = tuple(f"{feature} " for feature in LEARNED_FEATURES)
        odds = self.in_force.odds
        return {level: odds[level] for level in odds if level.startswith(names)}
