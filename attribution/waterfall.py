"""Who gets the credit: clicks before views, then the latest touchpoint, then organic.

Order of the waterfall after Adjust's and AppsFlyer's: a click beats a view however recent the
view; at the same time the stronger signal wins (Play referrer, click id, device id); ties break
by event id, so the answer never depends on the order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from attribution.rules import Rules
from schemas.records import Installed, Signal, Touch, TouchKind

Verdict = Literal["credited", "outranked", "rejected"]
Rule = Literal[
    "last_touch",
    "click_before_view",
    "later_touch",
    "stronger_signal",
    "id_order",
    "after_install",
    "outside_click_window",
    "outside_view_window",
    "logged_too_late",
]


class Candidate(Struct, frozen=True, array_like=True, gc=False):
    """A touchpoint that may have led to the install, and the strongest evidence for it."""

    signal: Signal
    touch: Touch


class Receipt(Struct, frozen=True, gc=False):
    """What became of one candidate, and by which rule."""

    touch_id: str
    event_id: str
    verdict: Verdict
    rule: Rule


def rank(candidate: Candidate) -> tuple[int, int, int, str]:
    """Total order of candidates; the highest wins."""
    touch = candidate.touch
    return touch.kind, touch.time, -candidate.signal, touch.event_id


def rejection(touch: Touch, install: Installed, rules: Rules) -> Rule | None:
    """The rule that forbids this touchpoint to win, or None. Compares the two records only."""
    if touch.time > install.time:
        return "after_install"
    if touch.ts - install.ts > rules.late_ms_max:
        return "logged_too_late"
    if install.time - touch.time > rules.window_ms(touch):
        if touch.kind is TouchKind.CLICK:
            return "outside_click_window"
        return "outside_view_window"
    return None


def credited(candidates: Iterable[Candidate], install: Installed, rules: Rules) -> Candidate | None:
    """The winner of the waterfall; None is organic."""
    eligible = (one for one in candidates if rejection(one.touch, install, rules) is None)
    return max(eligible, key=rank, default=None)


def receipts(candidates: Iterable[Candidate], install: Installed, rules: Rules) -> list[Receipt]:
    """Why each candidate won or lost, best first."""
    ordered = sorted(candidates, key=rank, reverse=True)
    winner = credited(ordered, install, rules)
    return [_receipt(one, winner, install, rules) for one in ordered]


def _receipt(
    candidate: Candidate, winner: Candidate | None, install: Installed, rules: Rules
) -> Receipt:
    touch = candidate.touch
    rejected_by = rejection(touch, install, rules)
    if rejected_by is not None:
        return Receipt(touch.touch_id, touch.event_id, "rejected", rejected_by)
    if winner is None or candidate is winner:
        return Receipt(touch.touch_id, touch.event_id, "credited", "last_touch")
    return Receipt(touch.touch_id, touch.event_id, "outranked", _outranked_by(candidate, winner))


def _outranked_by(candidate: Candidate, winner: Candidate) -> Rule:
    if candidate.touch.kind != winner.touch.kind:
        return "click_before_view"
    if candidate.touch.time != winner.touch.time:
        return "later_touch"
    if candidate.signal != winner.signal:
        return "stronger_signal"
    return "id_order"
