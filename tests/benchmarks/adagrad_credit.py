"""The additive hazard learned by projected AdaGrad, path by path: what a fitted window replaces."""

from __future__ import annotations

import math
from collections.abc import Iterable

from online_models.credit.exposures import Strength, TouchEffect, WatchedPath
from online_models.credit.hazard import (
    POOLED,
    RATE_MIN,
    ChannelEffect,
    CreditHazard,
    regressors,
)

Coordinate = tuple[TouchEffect, int]
FIRST_LEVEL = -5.0
FIRST_EFFECT = 0.02


class AdaGrad:
    """One app. Rates of learning are for effects and for the three numbers of the baseline."""

    def __init__(self, effect_rate: float, baseline_rate: float) -> None:
        self._rates = effect_rate, baseline_rate
        self.effects: dict[Coordinate, float] = {}
        self._squares: dict[Coordinate, float] = {}
        self.baseline = [FIRST_LEVEL, 0.0, 0.0]
        self._baseline_squares = [1e-8] * 3

    def learn(self, watches: Iterable[WatchedPath]) -> None:
        for watched in watches:
            self._learn_one(watched)

    def model(self, app_id: str) -> CreditHazard:
        channels = {effect[0] for effect, _ in self.effects}
        effects = {(app_id, channel): self._channel(channel) for channel in channels}
        effects[POOLED, POOLED] = ChannelEffect(Strength(0.0, 0.0), Strength(0.0, 0.0))
        level, intent, priors = self.baseline
        return CreditHazard({app_id: level, POOLED: level}, intent, priors, effects)

    def _learn_one(self, watched: WatchedPath) -> None:
        slopes = [0.0, 0.0, 0.0]
        for standing, days in watched.days.items():
            x = (1.0, *regressors(standing))
            expected = days * self._organic(x)
            slopes = [slope + expected * one for slope, one in zip(slopes, x, strict=True)]
        gradient: dict[Coordinate, float] = {
            (effect, rate): amount
            for effect, strength in watched.exposure.items()
            for rate, amount in enumerate(strength)
        }
        if watched.installed is not None:
            at = watched.installed
            x = (1.0, *regressors(at.standing))
            organic = self._organic(x)
            parts = {
                (effect, rate): amount
                for effect, strength in at.strengths.items()
                for rate, amount in enumerate(strength)
            }
            added = sum(self._effect(name) * amount for name, amount in parts.items())
            whole = max(organic + added, RATE_MIN)
            for name, amount in parts.items():
                gradient[name] = gradient.get(name, 0.0) - amount / whole
            slopes = [slope - organic / whole * one for slope, one in zip(slopes, x, strict=True)]
        self._step(gradient, slopes)

    def _step(self, gradient: dict[Coordinate, float], slopes: list[float]) -> None:
        effect_rate, baseline_rate = self._rates
        for name, slope in gradient.items():
            square = self._squares.get(name, 1e-8) + slope * slope
            self._squares[name] = square
            moved = self._effect(name) - effect_rate * slope / math.sqrt(square)
            self.effects[name] = max(moved, 0.0)
        for number, slope in enumerate(slopes):
            self._baseline_squares[number] += slope * slope
            root = math.sqrt(self._baseline_squares[number])
            self.baseline[number] -= baseline_rate * slope / root

    def _organic(self, x: tuple[float, ...]) -> float:
        log = sum(weight * one for weight, one in zip(self.baseline, x, strict=True))
        return math.exp(min(log, 20.0))

    def _effect(self, name: Coordinate) -> float:
        return self.effects.get(name, FIRST_EFFECT)

    def _channel(self, channel: str) -> ChannelEffect:
        kinds = [
            Strength(*(self._effect(((channel, is_click), rate)) for rate in (0, 1)))
            for is_click in (False, True)
        ]
        return ChannelEffect(*kinds)
