"""The conversion path: touchpoints before an install among which credit may be shared."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from attribution.decision.waterfall import Review, review, run_waterfall
from attribution.journey.decisions import case_of
from attribution.journey.state import Decision, Journey
from attribution.rules.rules import Rules
from schemas.records import Touch, TouchKind
from schemas.time import EventMs

_GENUINE_BUT_NOT_ELIGIBLE = frozenset(
    {"outside_click_window", "outside_view_window", "before_prior_install", "not_retargeting"}
)
"""Rejections by the rules of attribution, not by doubt about the touchpoint."""


class ConversionPath(NamedTuple):
    """Touchpoints in order of (time, event id)."""

    eligible: list[Touch]
    """Touchpoints that would have been credited if there had been no better one."""

    genuine: list[Touch]
    """Also those that are too old or not meant for this user, but no fraud and no weak matches."""


def conversion_path(journey: Journey, decision: Decision | None, rules: Rules) -> ConversionPath:
    """The path of a journey whose install is known.

    `decision`: the decision just made, if any; it saves running the waterfall again.
    """
    if not journey.candidates:
        return ConversionPath([], [])
    explained = _review(journey, rules) if decision is None else decision.review
    receipt_of = {
        one.touch.identity: receipt
        for one, receipt in zip(explained.reviewed, explained.receipts, strict=True)
    }
    touches = sorted((_in_order(one.touch, journey) for one in journey.candidates), key=_order)
    reviewed = [
        (touch, receipt_of[touch.identity]) for touch in touches if touch.identity in receipt_of
    ]
    return ConversionPath(
        [touch for touch, receipt in reviewed if receipt.verdict != "rejected"],
        [
            touch
            for touch, receipt in reviewed
            if receipt.verdict != "rejected" or receipt.rule in _GENUINE_BUT_NOT_ELIGIBLE
        ],
    )


def _review(journey: Journey, rules: Rules) -> Review:
    case = case_of(journey, rules)
    judgement = run_waterfall(journey.candidates, case, rules)
    return review(journey.candidates, case, judgement, rules)


def _in_order(touch: Touch, journey: Journey) -> Touch:
    """The touchpoint no later than the first open; it may be, where clocks disagree."""
    install = journey.install
    if install is None or touch.time <= install.time:
        return touch
    return replace(touch, time=install.time)


def _order(touch: Touch) -> tuple[EventMs, str, TouchKind]:
    return touch.time, touch.event_id, touch.kind
