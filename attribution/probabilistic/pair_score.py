"""Confidence that a touchpoint without any shared id led to an install.

The score of a pair is the log-likelihood ratio of their traits: place, device and time (Fellegi and
Sunter, "A Theory for Record Linkage", 1969). The confidences of all candidates of one install and
of "none of them" sum to one, so two touchpoints that look alike get half the confidence each.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from attribution.probabilistic.pair_model import DELAY_EDGES_MS, PairModel
from schemas.records import TRAITS, Installed, Touch, TouchKind

IP, NETWORK, OS_VERSION, USER_AGENT, COUNTRY = range(len(TRAITS))
DIGITS = 6
"""Confidences are rounded, so that no decision depends on the last bit of a machine's `exp`."""

_NOTHING_KNOWN = ("",) * len(TRAITS)


def confidences(touches: Sequence[Touch], install: Installed, model: PairModel) -> list[float]:
    """Probability that each touchpoint led to the install, in the order given.

    `touches` are all candidates within their lookback windows and with consent, and none of them
    shares an id with the install. The rest to one is the probability that it was none of them.
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
    """Natural log of the likelihood ratio of a pair: true match to coincidence."""
    place: float = getattr(model.place, place_level(touch, install))
    device: float = getattr(model.device, device_level(touch, install))
    return place + device + _delay_odds(touch, install, model)


def place_level(touch: Touch, install: Installed) -> str:
    """Name of the field of `PlaceOdds` that applies to this pair."""
    seen, opened = touch.traits or _NOTHING_KNOWN, install.traits or _NOTHING_KNOWN
    if _agree(seen[IP], opened[IP]):
        return "same_address"
    if _agree(seen[NETWORK], opened[NETWORK]):
        return "same_network"
    knows_network = bool(seen[NETWORK] and opened[NETWORK])
    if not seen[COUNTRY] or not opened[COUNTRY]:
        return "same_country" if knows_network else "unknown"
    is_same = seen[COUNTRY] == opened[COUNTRY]
    if knows_network:
        return "same_country" if is_same else "other_country"
    return "only_country_same" if is_same else "only_country_other"


def device_level(touch: Touch, install: Installed) -> str:
    """Name of the field of `DeviceOdds` that applies to this pair."""
    seen, opened = touch.traits or _NOTHING_KNOWN, install.traits or _NOTHING_KNOWN
    if _agree(seen[USER_AGENT], opened[USER_AGENT]):
        return "same_agent"
    knows_agent = bool(seen[USER_AGENT] and opened[USER_AGENT])
    if not seen[OS_VERSION] or not opened[OS_VERSION]:
        return "same_system" if knows_agent else "unknown"
    is_same = seen[OS_VERSION] == opened[OS_VERSION]
    if knows_agent:
        return "same_system" if is_same else "other_system"
    return "only_system_same" if is_same else "only_system_other"


def delay_bin(touch: Touch, install: Installed) -> int:
    """Index of the bin of `DELAY_EDGES_MS` for the time from the touchpoint to the first open."""
    return bisect_right(DELAY_EDGES_MS, install.time - touch.time)


def delay_level(kind: TouchKind, number: int) -> str:
    """Name of a bin of delays, of clicks or of views."""
    return f"{kind.name} {number}"


def source_level(media_source: str, number: int) -> str:
    """Name of a bin of delays of one media source."""
    return f"{number} {media_source}"


def pair_levels(touch: Touch, install: Installed) -> list[str]:
    """What is compared of a pair, in the order of `records.PAIR_FEATURES`."""
    number = delay_bin(touch, install)
    return [
        place_level(touch, install),
        device_level(touch, install),
        delay_level(touch.kind, number),
        source_level(touch.media_source, number),
    ]


def _delay_odds(touch: Touch, install: Installed, model: PairModel) -> float:
    number = delay_bin(touch, install)
    by_kind = model.click_delay if touch.kind is TouchKind.CLICK else model.view_delay
    by_source = model.source_delay.get(touch.media_source)
    return by_kind[number] + (by_source[number] if by_source else 0.0)


def _agree(first: str, second: str) -> bool:
    return first != "" and first == second
