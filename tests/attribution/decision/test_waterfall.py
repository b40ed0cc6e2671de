"""Who gets the credit, one rule at a time."""

from __future__ import annotations

import pytest

from attribution.decision.candidates import Candidate
from attribution.decision.waterfall import Case, Receipt, rejection, review, run_waterfall
from attribution.rules.rules import Policy, Rules, Windows, rule_set_id
from schemas.records import Signal, Touch
from schemas.time import DAY_MS, HOUR_MS
from tests.worlds.clock import DAY, HOUR, WEEK
from tests.worlds.records import RULES, click, installed, view

MS = 1 / 60_000
INSTALL = installed(0)
CASE = Case(INSTALL)


def device(touch: Touch) -> Candidate:
    return Candidate(Signal.DEVICE_ID, touch)


def receipts(candidates: list[Candidate], rules: Rules = RULES) -> list[Receipt]:
    return review(candidates, CASE, run_waterfall(candidates, CASE, rules), rules).receipts


def refused(touch: Touch) -> str | None:
    return rejection(device(touch), CASE, RULES)


def winner(*candidates: Candidate) -> str:
    best = run_waterfall(candidates, CASE, RULES).winner
    return best.touch.event_id if best is not None else "organic"


def test_nobody_touched_is_organic() -> None:
    assert winner() == "organic"


def test_the_latest_click_wins() -> None:
    assert winner(device(click("early", -3)), device(click("late", -2))) == "late"


def test_a_click_beats_a_later_view() -> None:
    assert winner(device(click("click", -2 * DAY)), device(view("view", -1))) == "click"


def test_a_view_wins_when_the_click_is_outside_its_window() -> None:
    old = device(click("click", -WEEK - MS))
    assert winner(old, device(view("view", -1))) == "view"


@pytest.mark.parametrize(
    ("touch", "expected"),
    [
        (click("in", -WEEK), None),
        (click("out", -WEEK - MS), "outside_click_window"),
        (view("in", -DAY), None),
        (view("out", -DAY - MS), "outside_view_window"),
        (click("same", 0), None),
        (click("after", MS), "after_install"),
        (click("late", -1, ts=WEEK), None),
        (click("too late", -1, ts=WEEK + MS), "logged_too_late"),
    ],
)
def test_windows_and_lateness_hold_to_the_millisecond(touch: Touch, expected: str | None) -> None:
    assert refused(touch) == expected


def test_a_touchpoint_may_ask_for_its_own_window_up_to_the_limit() -> None:
    assert refused(click("short", -HOUR - MS, lookback_ms=HOUR_MS))
    assert not refused(click("long", -20 * DAY, lookback_ms=20 * DAY_MS))
    assert refused(click("longer", -31 * DAY, lookback_ms=90 * DAY_MS))
    assert refused(view("view", -2 * DAY, lookback_ms=90 * DAY_MS))


def test_at_the_same_time_the_stronger_signal_wins() -> None:
    by_device = device(click("z", -1))
    by_click_id = Candidate(Signal.CLICK_ID, click("b", -1))
    by_referrer = Candidate(Signal.REFERRER, click("a", -1))
    assert winner(by_device, by_referrer, by_click_id) == "a"
    assert winner(by_device, by_click_id) == "b"


def test_a_later_touch_beats_a_stronger_signal() -> None:
    assert winner(Candidate(Signal.REFERRER, click("a", -2)), device(click("b", -1))) == "b"


def test_ties_break_by_event_id_in_any_order() -> None:
    one, other = device(click("a", -1)), device(click("b", -1))
    assert winner(one, other) == winner(other, one) == "b"


def test_receipts_name_the_rule_that_decided_about_each_candidate() -> None:
    candidates = [
        Candidate(Signal.CLICK_ID, click("winner", -1)),
        device(click("winner'", -1)),
        device(click("earlier", -2)),
        device(view("view", -0.5)),
        device(click("old", -8 * DAY)),
        Candidate(Signal.CLICK_ID, click("twin", -1)),
    ]
    found = {one.event_id: (one.verdict, one.rule) for one in receipts(candidates)}
    assert found == {
        "winner": ("credited", "last_touch"),
        "winner'": ("outranked", "stronger_signal"),
        "earlier": ("outranked", "later_touch"),
        "view": ("outranked", "better_tier"),
        "old": ("rejected", "outside_click_window"),
        "twin": ("outranked", "id_order"),
    }


def test_equal_rules_have_equal_ids_and_others_do_not() -> None:
    assert rule_set_id(Rules()) == rule_set_id(Rules())
    assert rule_set_id(Rules()) != rule_set_id(Rules(default=Policy(windows=Windows(click=DAY_MS))))
