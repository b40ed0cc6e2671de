"""What somebody was shown before an install, as far as credit may be shared for it."""

from __future__ import annotations

from typing import NamedTuple

from attribution.decision.waterfall import Receipt, review, run_waterfall
from attribution.journey.decisions import case_of
from attribution.journey.state import Decision, Journey
from attribution.rules.rules import Rules
from schemas.records import Touch
from schemas.time import EventMs

_SHOWN_BUT_NOT_ELIGIBLE = frozenset(
    {"outside_click_window", "outside_view_window", "before_prior_install", "not_retargeting"}
)
"""Rejections that are a matter of what counts, not of what happened."""


class ConversionPath(NamedTuple):
    """Touchpoints in order of (time, event id)."""

    eligible: list[Touch]
    """Those that the rules would have credited, had there been no better one."""

    genuine: list[Touch]
    """And those too old, or not meant for this user. Fraud and mere guesses are left out."""


def conversion_path(journey: Journey, decision: Decision | None, rules: Rules) -> ConversionPath:
    """Of a journey whose install is known. A decision just made saves judging again."""
    if not journey.candidates:
        return ConversionPath([], [])
    receipts = _review(journey, rules) if decision is None else decision.review.receipts
    rule_of = {one.event_id: one for one in receipts}
    touches = sorted((one.touch for one in journey.candidates), key=_order)
    told = [(touch, rule_of[touch.event_id]) for touch in touches if touch.event_id in rule_of]
    return ConversionPath(
        [touch for touch, receipt in told if receipt.verdict != "rejected"],
        [
            touch
            for touch, receipt in told
            if receipt.verdict != "rejected" or receipt.rule in _SHOWN_BUT_NOT_ELIGIBLE
        ],
    )


def _review(journey: Journey, rules: Rules) -> list[Receipt]:
    case = case_of(journey, rules)
    judgement = run_waterfall(journey.candidates, case, rules)
    return review(journey.candidates, case, judgement, rules).receipts


def _order(touch: Touch) -> tuple[EventMs, str]:
    return touch.time, touch.event_id
