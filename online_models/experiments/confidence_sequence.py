"""Confidence sequences: intervals that hold at every look at once, however often anybody looks.

An ordinary interval of 95 % is right at one look that was fixed beforehand. Read daily, it misses
the truth at some look in a third of all experiments. A confidence sequence contains the truth at
all looks together with the promised probability, so that it may be read, and acted on, at any time.

This is the asymptotic sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform
central limit theory and asymptotic confidence sequences" (Annals of Statistics 52, 2024), with `n`
the units of both variants together, as in GrowthBook's gbstats. With σ² the variance of one unit's
share in the estimate, the half-width after n units is

    σ √( 2 (nρ² + 1) / (n²ρ²) · ln( √(nρ² + 1) / α ) ),    ρ² = (−2 ln α + ln(1 − 2 ln α)) / n*

`n*` (`tuned_for`) is the number of units at which the sequence is narrowest: 1.55 times an ordinary
interval there, for α = 0.05. It has to be chosen before anybody looks, and must not follow the
data: an `n*` that moves with n is an ordinary interval with a larger constant, and fails in the
long run.

All functions take numbers or arrays, and broadcast.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Floats = NDArray[np.float64]

TUNED_FOR = 5_000
"""Units at which intervals are narrowest, if nobody says otherwise: GrowthBook's default."""

DEFAULT_ALPHA = 0.05
"""The share of experiments in which the truth may leave the interval at some look."""


def mixture_variance(alpha: float, tuned_for: float) -> float:
    """ρ² of the sequence that is narrowest after `tuned_for` units."""
    surprise = -2.0 * np.log(alpha)
    return float((surprise + np.log1p(surprise)) / tuned_for)


def half_width(
    variance: ArrayLike,
    units: ArrayLike,
    alpha: float = DEFAULT_ALPHA,
    tuned_for: float = TUNED_FOR,
) -> _Floats:
    """How far the two-sided sequence reaches to each side of the estimate.

    `variance`: that of the estimate, not of a unit. `units`: of both variants together. Without
    units it is infinite.
    """
    spread, count = _as_floats(variance, units)
    mixed = count * mixture_variance(alpha, tuned_for) + 1.0
    return _scaled(spread, count, mixed, np.log(np.sqrt(mixed) / alpha))


def one_sided_width(
    variance: ArrayLike,
    units: ArrayLike,
    alpha: float = DEFAULT_ALPHA,
    tuned_for: float = TUNED_FOR,
) -> _Floats:
    """How far the one-sided sequence lies below (or above) the estimate: for guardrails, where only
    harm matters. Narrower than `half_width`, which has to watch both sides."""
    spread, count = _as_floats(variance, units)
    mixed = count * mixture_variance(2.0 * alpha, tuned_for) + 1.0
    return _scaled(spread, count, mixed, np.log1p(np.sqrt(mixed) / (2.0 * alpha)))


def always_valid_p(
    estimate: ArrayLike,
    variance: ArrayLike,
    units: ArrayLike,
    alpha: float = DEFAULT_ALPHA,
    tuned_for: float = TUNED_FOR,
) -> _Floats:
    """The p value that may be read at any time: the least level whose sequence, mixed as that of
    `alpha`, excludes no difference. At most `alpha` exactly where the interval excludes 0."""
    spread, count = _as_floats(variance, units)
    mixed = count * mixture_variance(alpha, tuned_for) + 1.0
    distance = np.square(np.asarray(estimate, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(spread > 0.0, distance / spread, np.where(distance > 0.0, np.inf, 0.0))
    log_p = 0.5 * np.log(mixed) - 0.5 * score * (mixed - 1.0) / mixed
    return np.asarray(np.exp(np.minimum(log_p, 0.0)), dtype=np.float64)


def _scaled(spread: _Floats, count: _Floats, mixed: _Floats, logarithm: _Floats) -> _Floats:
    """√(variance of the estimate · 2 · mixed / (mixed − 1) · logarithm): σ² is variance · n."""
    with np.errstate(divide="ignore"):
        factor = np.where(count > 0.0, 2.0 * mixed / (mixed - 1.0), np.inf)
    return np.asarray(np.sqrt(spread * factor * logarithm), dtype=np.float64)


def _as_floats(variance: ArrayLike, units: ArrayLike) -> tuple[_Floats, _Floats]:
    return np.asarray(variance, dtype=np.float64), np.asarray(units, dtype=np.float64)
