"""Shares of the channels of one conversion: numbers from 0 to 1 that sum to 1.

Used in the stream: no arrays and no state. Shares are floats. To divide money by them, round once
and assign the remainder, so that the parts sum to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from attribution.multi_touch.models import END_SHARE, HALF_LIFE_MS, Heuristic
from schemas.time import EventMs, Millis


class Exposure(NamedTuple):
    """The channel and the time of a touchpoint; a time of 0 is unknown."""

    channel: str
    time: EventMs


def heuristic_shares(
    heuristic: Heuristic, exposures: Sequence[Exposure], half_life_ms: Millis = HALF_LIFE_MS
) -> dict[str, float]:
    """The share of each channel by a rule-based model.

    `exposures` are in order of (time, event id); without any the result is empty (organic). Time
    decay measures age from the latest touchpoint, which gives the same shares as age at the
    conversion. A touchpoint of unknown time gets nothing beside others, and everything alone.
    """
    if heuristic == "time_decay":
        latest = max((exposure.time for exposure in exposures), default=0)
        weights = [0.5 ** ((latest - one.time) / half_life_ms) for one in exposures]
    else:
        weights = _position_weights(heuristic, len(exposures))
    shares: dict[str, float] = {}
    whole = sum(weights)
    for exposure, weight in zip(exposures, weights, strict=True):
        shares[exposure.channel] = shares.get(exposure.channel, 0.0) + weight / whole
    return shares


def weighted_shares(channels: Iterable[str], weights: Mapping[str, float]) -> dict[str, float]:
    """The share of each channel by learned weights, such as those that add up to removal effects
    (`attribution.multi_touch.split`).

    Each channel counts once, however often it was touched, as in the removal effect itself. A
    channel without a learned weight gets nothing; if no channel has one, all share equally.
    """
    known = {channel: weights.get(channel, 0.0) for channel in channels}
    whole = sum(known.values())
    if whole <= 0:
        return dict.fromkeys(known, 1 / len(known)) if known else {}
    return {channel: weight / whole for channel, weight in known.items()}


def shapley_shares(channels: Iterable[str]) -> dict[str, float]:
    """The share of each channel by Shapley value in the game of whole paths: equal parts to the
    distinct channels (see `attribution.multi_touch.shapley.of_paths`, whose values they add up to).
    """
    distinct = dict.fromkeys(channels)
    return {channel: 1 / len(distinct) for channel in distinct}


def _position_weights(heuristic: Heuristic, count: int) -> list[float]:
    if heuristic == "linear" or (heuristic == "position" and count <= 2):
        return [1.0] * count
    if heuristic == "position":
        return [END_SHARE, *[(1 - 2 * END_SHARE) / (count - 2)] * (count - 2), END_SHARE]
    credited = 0 if heuristic == "first" else count - 1
    return [float(index == credited) for index in range(count)]
