"""The additive hazard: the rate at which a person installs, and what each touchpoint adds to it.

    rate = exp(level of the app + slopes · standing) + Σ effect · strength      per day, effect ≥ 0

Aalen's additive hazard (1989) with a log-linear baseline. Credit is additive too: the Shapley value
of an effect is its own term, whatever else happened, so no sampling is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from online_models.credit.exposures import (
    LEVEL_STEP,
    PersonStanding,
    PersonState,
    Strength,
    TouchEffect,
    WatchedPath,
)

ORGANIC = "organic"
POOLED = ""
"""Key of the parameters for apps, and channels of an app, that the model does not know."""

RATE_MIN = 1e-9  # installs per day; bounds the loss of an install

AppChannel = tuple[str, str]


class ChannelEffect(NamedTuple):
    """Installs per day that a touchpoint of a channel adds per unit of strength, by kind and rate
    of fading."""

    impression: Strength
    click: Strength


class CreditHazard(Struct, frozen=True):
    """Read-only. Rates are installs per day; effects are rates per unit of strength."""

    levels: dict[str, float]  # log of the rate without any exposure or intent, by app
    intent_slope: float  # of log rate by log(1 + intent)
    prior_slope: float  # of log rate by log(1 + earlier installs)
    effects: dict[AppChannel, ChannelEffect]

    def baseline(self, app_id: str, standing: PersonStanding) -> float:
        """The organic part of the rate, in installs per day."""
        level = self.levels.get(app_id)
        if level is None:
            level = self.levels[POOLED]
        intent, priors = regressors(standing)
        return math.exp(level + self.intent_slope * intent + self.prior_slope * priors)

    def parts(
        self, app_id: str, strengths: dict[TouchEffect, Strength]
    ) -> Iterator[tuple[str, float]]:
        """What each effect adds, by channel: to the rate at an instant, or to expected installs
        over a time, depending on the strengths."""
        for (channel, is_click), strength in strengths.items():
            known = self.effects.get((app_id, channel))
            adds = (self.effects[POOLED, POOLED] if known is None else known)[is_click]
            yield channel, adds.fast * strength.fast + adds.slow * strength.slow

    def shares(self, app_id: str, moment: PersonState) -> dict[str, float]:
        """Credit for an install, by channel; shares sum to 1, organic comes first."""
        baseline = max(self.baseline(app_id, moment.standing), RATE_MIN)
        added: dict[str, float] = {ORGANIC: baseline}
        for channel, rate in self.parts(app_id, moment.strengths):
            added[channel] = added.get(channel, 0.0) + rate
        whole = math.fsum(added.values())
        return {channel: rate / whole for channel, rate in added.items()}

    def expected(self, app_id: str, watched: WatchedPath) -> float:
        """Expected installs over the time watched: the integral of the rate."""
        baseline = math.fsum(
            days * self.baseline(app_id, standing) for standing, days in watched.days.items()
        )
        return baseline + math.fsum(added for _, added in self.parts(app_id, watched.exposure))

    def loss(self, app_id: str, watched: WatchedPath) -> float:
        """Negative log likelihood in nats: the limit of Σ -y log(1 - exp(-rate)) + (1 - y) rate
        over ever shorter times, but for a constant that no model can change."""
        loss = self.expected(app_id, watched)
        if watched.installed is None:
            return loss
        at = watched.installed
        rate = self.baseline(app_id, at.standing)
        rate += math.fsum(added for _, added in self.parts(app_id, at.strengths))
        return loss - math.log(max(rate, RATE_MIN))

    def is_complete(self) -> bool:
        """Whether it has parameters for unknown apps and channels."""
        return POOLED in self.levels and (POOLED, POOLED) in self.effects

    def is_finite(self) -> bool:
        """Whether all parameters are."""
        numbers = [*self.levels.values(), self.intent_slope, self.prior_slope]
        for effect in self.effects.values():
            numbers += [*effect.impression, *effect.click]
        return all(map(math.isfinite, numbers))


def regressors(standing: PersonStanding) -> tuple[float, float]:
    """Intent and earlier installs as the baseline uses them: log(1 + each)."""
    return standing.level * LEVEL_STEP, math.log1p(standing.priors)
