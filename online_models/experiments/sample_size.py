"""How many units an experiment needs to show a lift that is there.

Read at any time costs units: at the planned end the sequence is 1.55 times as wide as one planned
look, so that 80 % power needs about 1.9 times as many. What is gained is every experiment that may
end early, by a lift larger than hoped for or by harm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from scipy.special import ndtri

from online_models.experiments.confidence_sequence import DEFAULT_ALPHA, half_width

POWER = 0.8
"""The share of experiments that show a lift of the planned size."""


class Baseline(NamedTuple):
    """A metric of units as they are: its mean, and the standard deviation of a unit."""

    mean: float
    deviation: float


class SampleSize(NamedTuple):
    """Units of the control and one treatment together. `at_any_time` is also what the sequence is
    tuned for; `at_one_look` is what one planned look would need."""

    at_any_time: int
    at_one_look: int


def rate_baseline(share: float) -> Baseline:
    """Of a yes or no, whose spread follows from its share."""
    return Baseline(share, math.sqrt(share * (1.0 - share)))


def sample_size(
    baseline: Baseline,
    relative_lift: float,
    weights: Sequence[float] = (1.0, 1.0),
    variance_removed: float = 0.0,
    alpha: float = DEFAULT_ALPHA,
) -> SampleSize:
    """Units to show a relative lift in `POWER` of experiments. `weights`: control, treatment.

    The spread of the treated grows like their mean. Earlier looks add a little power, which is not
    counted. `variance_removed`: the share that covariates take out.
    """
    control, treated = (weight / sum(weights) for weight in weights)
    spread = baseline.deviation**2 * (1.0 - variance_removed)
    unit_variance = spread / control + spread * (1.0 + relative_lift) ** 2 / treated
    per_square = unit_variance / (relative_lift * baseline.mean) ** 2
    reach = float(ndtri(POWER))
    # Tuned for its own end, the boundary in standard errors is the same for any number of units.
    boundary = float(half_width(1.0, 1_000.0, alpha, 1_000.0))
    one_look = float(ndtri(1.0 - alpha / 2.0))
    return SampleSize(
        math.ceil((boundary + reach) ** 2 * per_square),
        math.ceil((one_look + reach) ** 2 * per_square),
    )
