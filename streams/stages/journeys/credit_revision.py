"""Shares the credit of an install by every method, and again whenever its conversion path changes.

A late touchpoint may leave the decision as it is and still change the shares. So credit has
revisions of its own: there is a new one whenever the touchpoints that count have changed.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from attribution.journey import ConversionPath, Decision, Journey, conversion_path, is_test
from attribution.matching.sampled_paths import exposure
from attribution.multi_touch.models import HEURISTICS
from attribution.multi_touch.shares import (
    Exposure,
    heuristic_shares,
    shapley_shares,
    weighted_shares,
)
from attribution.rules.rules import Rules
from online_models.credit.exposures import state_at
from online_models.credit.hazard import ORGANIC
from online_models.credit.persistence import CreditModel
from schemas.outcomes import Credit, CreditMethod
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


class CreditRevision(Struct, frozen=True, array_like=True, gc=False):
    """The last revision that was reported for an install."""

    revision: int = 0  # 0: none yet
    touches: int = 0  # hash of the touchpoints that counted


NOT_CREDITED = CreditRevision()
SHARE_DIGITS = 6


def may_have_changed(before: Journey, after: Journey, decision: Decision | None) -> bool:
    """Whether the touchpoints that count may have changed. A cheap check."""
    return after.version > 0 and (
        decision is not None
        or after.candidates is not before.candidates
        or after.priors is not before.priors
        or after.site_verdicts is not before.site_verdicts
    )


def credit_install(
    journey: Journey,
    decision: Decision | None,
    before: CreditRevision,
    rules: Rules,
    model: CreditModel | None,
) -> tuple[CreditRevision, Credit | None]:
    """Make the next revision if the touchpoints that count have changed."""
    if journey.version == 0 or journey.is_purged or is_test(journey):
        return before, None
    counting = conversion_path(journey, decision, rules)
    touches = _hash(counting)
    if before.revision and touches == before.touches:
        return before, None
    credited = CreditRevision(before.revision + 1, touches)
    return credited, _credit_row(journey, counting, credited.revision, model)


def _credit_row(
    journey: Journey, counting: ConversionPath, revision: int, model: CreditModel | None
) -> Credit:
    install = journey.install
    assert install is not None
    shares = rule_shares([exposure(touch) for touch in counting.eligible])
    if model is not None:
        touches = [exposure(touch) for touch in counting.genuine]
        priors = sum(one.time < install.time for one in journey.priors)
        shares |= learned_shares(install.app_id, touches, install.time, priors, model)
    logged = [one.touch.ts for one in journey.candidates]
    columns: dict[str, Any] = {
        f"by_{method}": _rounded(by_channel) for method, by_channel in shares.items()
    }
    return Credit(
        credit_id=f"{install.life_id}:{revision}",
        conversion_id=install.life_id,
        install_id=install.install_id,
        revision=revision,
        version=journey.version,
        app_id=install.app_id,
        model_version=model.version if model is not None else "",
        install_time=install.time,
        decided_at=max([install.ts, *logged]),
        **columns,
    )


def _rounded(shares: Shares) -> dict[str, float]:
    """Rounded shares, without channels that get nothing."""
    return {
        channel: share
        for channel, exact in shares.items()
        if (share := round(exact, SHARE_DIGITS)) > 0.0
    }


def _hash(counting: ConversionPath) -> int:
    names = [[touch.identity for touch in touches] for touches in counting]
    return zlib.crc32(repr(names).encode())
