"""Shares the credit of one conversion among channels and organic, by every method."""

from __future__ import annotations

from collections.abc import Sequence

from attribution.multi_touch.models import HEURISTICS
from attribution.multi_touch.shares import (
    Exposure,
    heuristic_shares,
    shapley_shares,
    weighted_shares,
)
from online_models.credit.exposures import state_at
from online_models.credit.hazard import ORGANIC
from online_models.credit.persistence import CreditModel
from schemas.outcomes import CreditMethod
from schemas.records import ExposureTouch, Flag
from schemas.time import EventMs

Shares = dict[str, float]
METHODS: tuple[CreditMethod, ...] = (*HEURISTICS, "markov", "shapley", "hazard")
RULE_METHODS: tuple[CreditMethod, ...] = (*HEURISTICS, "shapley")
"""Methods that need no model."""


def rule_shares(touches: Sequence[ExposureTouch]) -> dict[CreditMethod, Shares]:
    """Shares by the methods that look at one path alone, of touchpoints in order of time; they sum
    to 1.

    Owned media are left out: visits there show intent and are no channel.
    """
    exposures = [
        Exposure(touch.channel, touch.time) for touch in touches if not touch.flags & Flag.OWNED
    ]
    if not exposures:
        return {method: {ORGANIC: 1.0} for method in RULE_METHODS}
    shares: dict[CreditMethod, Shares] = {
        method: heuristic_shares(method, exposures) for method in HEURISTICS
    }
    return shares | {"shapley": shapley_shares(exposure.channel for exposure in exposures)}


def learned_shares(
    app_id: str,
    touches: Sequence[ExposureTouch],
    time: EventMs,
    prior_installs: int,
    model: CreditModel,
) -> dict[CreditMethod, Shares]:
    """Shares by the learned methods, for a conversion at `time`; they sum to 1."""
    channels = sorted({touch.channel for touch in touches if not touch.flags & Flag.OWNED})
    known = {channel: model.markov.get((app_id, channel), 0.0) for channel in channels}
    return {
        "markov": weighted_shares(channels, known) or {ORGANIC: 1.0},
        "hazard": model.hazard.shares(app_id, state_at(touches, time, prior_installs)),
    }
