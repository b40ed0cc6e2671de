"""Rule-based models: first touch, last touch, linear, time decay and position based.

The rules are those of Google Analytics' former rule-based models and of Snowplow's attribution
package; first, last and linear agree with the heuristic models of ChannelAttribution. Every
touchpoint counts, even one that repeats the channel before it.
"""

from __future__ import annotations

import numpy as np

from attribution.multi_touch.models import END_SHARE, HALF_LIFE_POSITIONS, Heuristic
from attribution.multi_touch.paths import CodedPaths, FloatArray, sums


def heuristic_credit(
    paths: CodedPaths, heuristic: Heuristic, half_life: float = HALF_LIFE_POSITIONS
) -> FloatArray:
    """Credit of each channel, as an array of channels × (conversions, value).

    `half_life` is in positions, and used by time decay only.
    """
    weights = _weights(paths, heuristic, half_life)
    per_touch = np.repeat(paths.amounts, paths.lengths, axis=0) * weights[:, None]
    return sums(paths.codes, per_touch, len(paths.channels))


def _weights(paths: CodedPaths, heuristic: Heuristic, half_life: float) -> FloatArray:
    """Share of its path that each touchpoint gets; the shares of a path sum to 1."""
    length = np.repeat(paths.lengths, paths.lengths)
    since_first = np.arange(len(length)) - np.repeat(paths.starts, paths.lengths)
    until_last = length - 1 - since_first
    if heuristic == "first":
        return np.asarray(since_first == 0, np.float64)
    if heuristic == "last":
        return np.asarray(until_last == 0, np.float64)
    if heuristic == "linear":
        return np.asarray(1 / length)
    if heuristic == "position":
        is_end = (since_first == 0) | (until_last == 0)
        between = (1 - 2 * END_SHARE) / np.maximum(length - 2, 1)
        shared = np.where(is_end, END_SHARE, between)
        return np.asarray(np.where(length <= 2, 1 / length, shared))
    decayed = np.exp2(-until_last / half_life)
    whole = np.add.reduceat(decayed, paths.starts)
    return np.asarray(decayed / np.repeat(whole, paths.lengths))
