"""Shares the credit of one conversion among channels and organic, by every method."""

from __future__ import annotations

from collections.abc import Sequence

from attribution.multi_touch.models import HEURISTICS
from attribution.multi_touch.shares import Exposure, heuristic_shares, weighted_shares
from online_models.credit.exposures import state_at
from online_models.credit.hazard import ORGANIC
from online_models.credit.persistence import CreditModel
from schemas.outcomes import CreditMethod
from schemas.records import ExposureTouch, Flag
from schemas.time import EventMs

Shares = dict[str, float]
METHODS: tuple[CreditMethod, ...] = (*HEURISTICS, "markov", "shapley", "hazard")


def rule_shares(touches: Sequence[ExposureTouch]) -> dict[CreditMethod, Shares]:
    """Shares by the rule-based methods, of touchpoints in order of time; they sum to 1.

    Owned media are left out: visits there show intent and are no channel.
    """
    exposures = [
        Exposure(touch.channel, touch.time) for touch in touches if not touch.flags & Flag.OWNED
    ]
    if not exposures:
        return {method: {ORGANIC: 1.0} for method in HEURISTICS}
    return {method: heuristic_shares(method, exposures) for method in HEURISTICS}


def learned_shares(
    app_id: str,
    touches: Sequence[ExposureTouch],
    time: EventMs,
    prior_installs: int,
    model: CreditModel,
) -> dict[CreditMethod, Shares]:
    """Shares by the learned methods, for a conversion at `time`; they sum to 1."""
    channels = sorted({touch.channel for touch in touches if not touch.flags & Flag.OWNED})
    weights = model.weights
    shares: dict[CreditMethod, Shares] = {
        "hazard": model.hazard.shares(app_id, state_at(touches, time, prior_installs))
    }
    of_channels: tuple[tuple[CreditMethod, dict[tuple[str, str], float]], ...] = (
        ("markov", weights.markov),
        ("shapley", weights.shapley),
    )
    for method, learned in of_channels:
        known = {channel: learned.get((app_id, channel), 0.0) for channel in channels}
        shares[method] = weighted_shares(channels, known) or {ORGANIC: 1.0}
    return shares
