"""Hours of payments by country as games have them: a day, a week, growth, and more than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COUNTRIES = {"US": 60.0, "DE": 40.0, "JP": 30.0, "BR": 20.0}
"""Payments an hour in the mean; twenty is the least that the proofs ask about."""
HOURS_OF_PAST = 30 * 24


@dataclass(frozen=True, slots=True)
class DrawnSeries:
    """Payments of one country of one app, by hour from the oldest on."""

    app: str
    country: str
    counts: NDArray[np.int64]


def drawn_app(name: str, rng: np.random.Generator, hours: int) -> list[DrawnSeries]:
    """One app. Its days differ by some percent, and its level drifts by up to 2 % a week."""
    at = np.arange(hours)
    peak = rng.uniform(0, 24)
    swing = rng.uniform(0.3, 0.6)
    weekend = rng.uniform(0.9, 1.3)
    drift = rng.uniform(-0.02, 0.02) / 168
    of_day = 1 + swing * np.cos(2 * np.pi * (at - peak) / 24)
    of_week = np.where((at // 24) % 7 >= 5, weekend, 1.0)
    daily = np.exp(rng.normal(0, 0.05, hours // 24 + 1))[at // 24]
    return [
        DrawnSeries(name, country, _counts(rng, mean * of_day * of_week * daily, drift, at))
        for country, mean in COUNTRIES.items()
    ]


def _counts(
    rng: np.random.Generator, mean: NDArray[np.float64], drift: float, at: NDArray[np.int64]
) -> NDArray[np.int64]:
    level = mean * np.exp(drift * at)
    # Negative binomial: people buy in bursts, of which the variance is 1.3 times the mean.
    excess = 0.3
    drawn = rng.poisson(rng.gamma(level / excess, excess))
    return np.asarray(drawn, dtype=np.int64)
