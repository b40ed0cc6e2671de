"""The ordinary interval and p value: right at one look that was fixed beforehand, and at no other.

Shown beside the sequence for those who planned one look, and to say what peeking would have
concluded.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from online_models.experiments.confidence_sequence import DEFAULT_ALPHA
from online_models.experiments.effect import Effect

_Floats = NDArray[np.float64]


class FixedHorizon(NamedTuple):
    """The interval of the difference, and the two-sided p value of no difference."""

    low: _Floats
    high: _Floats
    p: _Floats


def welch(effect: Effect, alpha: float = DEFAULT_ALPHA) -> FixedHorizon:
    """Welch's t interval and test, which let variances differ (Welch 1947)."""
    error = np.sqrt(effect.variance)
    reach = stdtrit(effect.degrees, 1.0 - alpha / 2.0) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.abs(effect.lift) / error
    return FixedHorizon(
        effect.lift - reach, effect.lift + reach, 2.0 * stdtr(effect.degrees, -score)
    )
