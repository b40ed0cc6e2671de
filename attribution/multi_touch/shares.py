"""How the channels of one conversion share it: numbers from 0 to 1 that sum to 1.

For the stream: no arrays, no state. Shares are floats; whoever divides money by them rounds once
and gives the remainder away, so that the parts sum to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from attribution.multi_touch.models import END_SHARE, HALF_LIFE_MS, Heuristic
from schemas.time import EventMs, Millis


class Exposure(NamedTuple):
    """A touchpoint as far as shares look: its channel and when it was, ms since 1970 in UTC."""

    channel: str
    time: EventMs


def heuristic_shares(
    heuristic: Heuristic, exposures: Sequence[Exposure], half_life_ms: Millis = HALF_LIFE_MS
) -> dict[str, float]:
    """The share of each channel of these touchpoints, which come in order of (time, event id).

    Time decay compares touchpoints with the latest of them. That cancels when shares are made to
    sum to 1, so it is the same as their age at the conversion, and one of unknown time (0) counts
    nothing beside others and everything when alone. No touchpoints, no shares: organic.
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
    """The share of each channel by learned weights: Markov removal effects or Shapley values.

    Each channel counts once, however often it was touched, as in the removal effect itself. A
    channel that was not learned yet has no weight; where none has, the channels share equally.
    """
    known = {channel: weights.get(channel, 0.0) for channel in channels}
    whole = sum(known.values())
    if whole <= 0:
        return dict.fromkeys(known, 1 / len(known)) if known else {}
    return {channel: weight / whole for channel, weight in known.items()}


def _position_weights(heuristic: Heuristic, count: int) -> list[float]:
    if heuristic == "linear" or (heuristic == "position" and count <= 2):
        return [1.0] * count
    if heuristic == "position":
        return [END_SHARE, *[(1 - 2 * END_SHARE) / (count - 2)] * (count - 2), END_SHARE]
    credited = 0 if heuristic == "first" else count - 1
    return [float(index == credited) for index in range(count)]
