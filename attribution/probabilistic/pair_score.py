"""How sure it is that a touchpoint without any shared id led to an install.

The score of a pair is the log-likelihood ratio of what both say of place, device and time
(Fellegi and Sunter, "A Theory for Record Linkage", 1969). The confidences of all candidates of
one install and of "none of them" sum to one, so two touchpoints that look alike share the doubt.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from attribution.probabilistic.pair_model import DELAY_EDGES_MS, PairModel
from schemas.records import TRAITS, Installed, Touch, TouchKind

IP, NETWORK, OS_VERSION, USER_AGENT, COUNTRY = range(len(TRAITS))
DIGITS = 6
"""Confidences are rounded, so that no decision hangs on the last bit of a machine's `exp`."""

_NOTHING_KNOWN = ("",) * len(TRAITS)


def confidences(touches: Sequence[Touch], install: Installed, model: PairModel) -> list[float]:
    """Probability of each touchpoint to have led to the install, in the order given.

    `touches` are all candidates that windows and consent admit, none of which shares an id with
    the install. What is missing to one is the probability that none of them did.
    """
    if not touches:
        return []
    crowd = model.crowding * math.log(len(touches))
    logits = [model.slope * score_pair(touch, install, model) - crowd for touch in touches]
    top = max(model.null, *logits)
    weights = [math.exp(logit - top) for logit in logits]
    # fsum rounds once, so the order of the candidates makes no difference.
    total = math.fsum([*weights, math.exp(model.null - top)])
    return [round(weight / total, DIGITS) for weight in weights]


def score_pair(touch: Touch, install: Installed, model: PairModel) -> float:
    """Natural log of how much likelier this pair is if one led to the other."""
    place: float = getattr(model.place, place_level(touch, install))
    device: float = getattr(model.device, device_level(touch, install))
    return place + device + _delay_odds(touch, install, model)


def place_level(touch: Touch, install: Installed) -> str:
    """The field of `PlaceOdds` that applies."""
    ours, theirs = touch.traits or _NOTHING_KNOWN, install.traits or _NOTHING_KNOWN
    if _agree(ours[IP], theirs[IP]):
        return "same_address"
    if _agree(ours[NETWORK], theirs[NETWORK]):
        return "same_network"
    knows_network = bool(ours[NETWORK] and theirs[NETWORK])
    if not ours[COUNTRY] or not theirs[COUNTRY]:
        return "same_country" if knows_network else "unknown"
    is_same = ours[COUNTRY] == theirs[COUNTRY]
    if knows_network:
        return "same_country" if is_same else "other_country"
    return "only_country_same" if is_same else "only_country_other"


def device_level(touch: Touch, install: Installed) -> str:
    """The field of `DeviceOdds` that applies."""
    ours, theirs = touch.traits or _NOTHING_KNOWN, install.traits or _NOTHING_KNOWN
    if _agree(ours[USER_AGENT], theirs[USER_AGENT]):
        return "same_agent"
    knows_agent = bool(ours[USER_AGENT] and theirs[USER_AGENT])
    if not ours[OS_VERSION] or not theirs[OS_VERSION]:
        return "same_system" if knows_agent else "unknown"
    is_same = ours[OS_VERSION] == theirs[OS_VERSION]
    if knows_agent:
        return "same_system" if is_same else "other_system"
    return "only_system_same" if is_same else "only_system_other"


def delay_bin(touch: Touch, install: Installed) -> int:
    """Which bin of `DELAY_EDGES_MS` the time from touchpoint to first open falls in."""
    return bisect_right(DELAY_EDGES_MS, install.time - touch.time)


def _delay_odds(touch: Touch, install: Installed, model: PairModel) -> float:
    number = delay_bin(touch, install)
    by_kind = model.click_delay if touch.kind is TouchKind.CLICK else model.view_delay
    by_source = model.source_delay.get(touch.media_source)
    return by_kind[number] + (by_source[number] if by_source else 0.0)


def _agree(one: str, other: str) -> bool:
    return one != "" and one == other
