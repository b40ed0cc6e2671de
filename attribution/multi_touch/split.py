"""Weights by which single conversions are split, so that the parts add up to a credit of all paths.

Credit by removal effects belongs to channels, not to conversions. Splitting each conversion in
proportion to the credit of its channels counts popularity twice: a channel that is on many paths
would get more of each of them as well. So the weights are fitted: every channel gets from all
conversions together what the model credits to it. They are found by iterative proportional fitting
(Deming and Stephan, 1940), as in Luce's choice model (1959).
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from attribution.multi_touch.paths import CodedPaths, FloatArray, sums

ROUNDS_MAX = 500
"""Rounds of fitting. A dozen are enough where the credit can be reached; where it cannot, weights
creep towards their limits for ever."""

MISPLACED = 1e-6
"""The fit ends once at most this share of the credit goes to another channel than the model's."""

WEIGHT_MAX = 1e6
"""Weights lie between its inverse and this, around a mean of 1: a channel that cannot reach its
credit neither hides the others nor loses all of its paths."""


class SplitWeights(Struct, frozen=True):
    """Weights, one per channel, of which only ratios matter, and the share of all credit that they
    misplace.

    Some credit cannot be reached by any weights: a conversion with one channel is that channel's,
    even where the model credits fewer conversions to it.
    """

    weights: FloatArray
    misplaced: float


def split_weights(paths: CodedPaths, credit: FloatArray) -> SplitWeights:
    """Fit weights to paths and to the credit (conversions) of each of their channels.

    Each conversion is split once by its distinct channels. Shapes: `credit` and the weights have
    one entry per channel of `paths`.
    """
    count, whole = len(paths.channels), float(credit.sum())
    owners = np.repeat(np.arange(len(paths.lengths)), paths.lengths)
    owner, channel = np.divmod(np.unique(owners * count + paths.codes), count)
    conversions = paths.amounts[owner, 0]
    weights = _bounded(credit, credit)
    misplaced = 1.0 if whole > 0 else 0.0
    for _ in range(ROUNDS_MAX):
        if misplaced <= MISPLACED:
            break
        weight_of_path = sums(owner, weights[channel], len(paths.lengths))
        parts = conversions * weights[channel] / weight_of_path[owner]
        reached = sums(channel, parts, count)
        misplaced = float(np.abs(reached - credit).sum()) / (2 * whole)
        scale = np.divide(credit, reached, out=np.ones(count), where=reached > 0)
        weights = _bounded(weights * scale, credit)
    return SplitWeights(weights, misplaced)


def _bounded(weights: FloatArray, credit: FloatArray) -> FloatArray:
    """The same ratios around a geometric mean of 1, in which channels count by their credit."""
    logs = np.log(np.maximum(weights, np.finfo(np.float64).tiny))
    whole = credit.sum()
    mean = (logs @ credit) / whole if whole > 0 else logs.mean()
    return np.asarray(np.clip(np.exp(logs - mean), 1 / WEIGHT_MAX, WEIGHT_MAX))
