"""Explains a chance: what each feature adds to its log odds.

The log odds of a bin are a sum over features, calibrated or not; those of the chance by a horizon
are not, since it is made of several bins. Each feature gets its share along the path from no
feature to all features, all of them growing alike (Aumann and Shapley 1974; "integrated
gradients", Sundararajan et al. 2017). So the shares add up exactly, and a feature without
weights gets none. Where only one bin counts, a share is value × weight.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.hazard.rules import Numbers
from online_models.hazard.scorer import Ask, HazardScorer

_STEPS = 32
"""Points of the Gauss-Legendre rule; the error stays below rounding."""


class Contribution(NamedTuple):
    """What one feature adds to the log odds of the chance."""

    name: str
    log_odds: float


class Contributions(NamedTuple):
    """`intercept` + the sum of `parts` = `total`, in log odds of the chance by the horizon.

    Given that the target was not reached by the age asked for, as the chance itself.
    """

    intercept: float
    """Log odds when no feature is known, at this landmark and on this platform."""
    parts: tuple[Contribution, ...]
    """By absolute size, largest first, then by name."""
    total: float


def contributions(scorer: HazardScorer, ask: Ask, horizon: str) -> Contributions | None:
    """Contributions to the chance by a horizon; None: unusable features, or the horizon has passed.
    ValueError: no such horizon, or asked before the landmark.

    Exact within the bounds of log odds (`LOGIT_MAX`), beyond which shares are undefined.
    """
    numbers = {one.name: number for number, one in enumerate(scorer.rules.shape.horizons)}
    if horizon not in numbers:
        raise ValueError(f"no horizon {horizon!r}; there are {', '.join(numbers)}")
    hazards = scorer.hazards(ask.features, ask.landmark, ask.platform)
    left = _left(scorer, ask, numbers[horizon])
    if hazards is None or not left.any():
        return None
    own, pulls = _log_odds(scorer, ask)
    together = np.add.reduce(pulls, axis=0)
    points, widths = np.polynomial.legendre.leggauss(_STEPS)
    path = (points + 1.0) / 2.0
    of_bins = _sigmoid(own + path[:, None] * together)
    chances = -np.expm1(-_passed(of_bins, left))
    # The derivative of the chance's log odds by those of each bin, averaged over the path.
    slopes = (widths / 2.0) @ (left * of_bins / chances[:, None])
    named = map(Contribution, ask.features, (pulls @ slopes).tolist())
    ends = _passed(_sigmoid(np.stack([own, own + together])), left)
    intercept, total = np.log(np.expm1(ends)).tolist()
    return Contributions(
        intercept, tuple(sorted(named, key=lambda part: (-abs(part.log_odds), part.name))), total
    )


def _left(scorer: HazardScorer, ask: Ask, horizon: int) -> Numbers:
    """The part of each bin that is left and counts for the horizon, 0 to 1."""
    shape = scorer.rules.shape
    start = shape.landmarks[ask.landmark].after_ms
    elapsed = start if ask.elapsed_ms is None else ask.elapsed_ms
    if elapsed < start:
        raise ValueError(f"asked {elapsed} ms after install, before {ask.landmark=}")
    edges = scorer.frame.edges
    left: Numbers = np.clip((edges[1:] - elapsed) / np.diff(edges), 0.0, 1.0)
    left[shape.bins_until(horizon) :] = 0.0
    return left


def _log_odds(scorer: HazardScorer, ask: Ask) -> tuple[Numbers, Numbers]:
    """Calibrated log odds per bin without features; and what each feature adds, features × bins."""
    mark, weights, frame = ask.landmark, scorer.weights, scorer.frame
    stretch, shift = weights.maps[mark, scorer.place_of(ask.platform)].tolist()
    own = frame.base[mark] + weights.bias[mark]
    own = own + stretch * (own - weights.centres[mark]) + shift
    of_names = weights.w[scorer.encoder.slots_of(ask.features)][:, frame.columns[mark]]
    values = np.fromiter(ask.features.values(), np.float64, len(ask.features))
    return own, (1.0 + stretch) * values[:, None] * np.add.reduce(of_names, axis=2)


def _passed(hazards: Numbers, left: Numbers) -> Numbers:
    """The cumulative hazard: minus the log of the chance of no event."""
    passed: Numbers = -np.log1p(-hazards) @ left
    return passed


def _sigmoid(log_odds: Numbers) -> Numbers:
    chances: Numbers = 1.0 / (1.0 + np.exp(-log_odds))
    return chances
