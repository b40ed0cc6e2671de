"""The waterfall: which kind of evidence comes first, and how long each counts."""

from __future__ import annotations

from itertools import permutations

import pytest
from msgspec.structs import replace

from attribution.decision.candidates import Candidate
from attribution.decision.waterfall import Case, WaterfallResult, rejection, run_waterfall
from attribution.rules.rules import Policy, Probabilistic, Rules, Scope, Windows
from schemas.records import Installed, Signal, Touch
from schemas.time import DAY_MS, HOUR_MS
from tests.attribution.probabilistic.pair_world import HOME, NEIGHBOUR, STRANGER
from tests.worlds.clock import DAY, HOUR, WEEK
from tests.worlds.records import RULES, before, by, click, device, installed, to_win_back, view

MS = 1 / 60_000
INSTALL = replace(installed(0), traits=HOME)
CASE = Case(INSTALL)
GUESSING = Rules(default=Policy(probabilistic=Probabilistic(click=True, view=True)))
BOLD = Rules(default=Policy(probabilistic=Probabilistic(click=True, view=True, confidence=0.1)))


def apple(touch: Touch) -> Candidate:
    return Candidate(Signal.ADSERVICES, touch)


def timeless(touch: Touch) -> Touch:
    """Apple does not say when, without the user's permission."""
    return replace(touch, time=0)


def guess(touch: Touch, traits: list[str] = HOME) -> Candidate:
    return Candidate(Signal.PROBABILISTIC, replace(touch, traits=traits))


def judged(
    *candidates: Candidate, rules: Rules = RULES, install: Installed = INSTALL
) -> WaterfallResult:
    return run_waterfall(candidates, Case(install), rules)


def winner(*candidates: Candidate, rules: Rules = RULES) -> str:
    best = judged(*candidates, rules=rules).winner
    return best.touch.event_id if best is not None else "organic"


# --- tiers ----------------------------------------------------------------------------------------

LADDER = [
    device(click("click", -2 * HOUR)),
    apple(timeless(click("apple click", -1))),
    device(view("view", -30)),
    apple(timeless(view("apple view", -1))),
    guess(click("guessed click", -20)),
    guess(view("guessed view", -10)),
]
"""Best first; every later one is more recent than those before it, where it has a time."""


def test_each_kind_of_evidence_wins_only_when_all_better_ones_are_missing() -> None:
    for place, best in enumerate(LADDER):
        assert winner(*LADDER[place:], rules=BOLD) == best.touch.event_id


def test_in_whatever_order_the_evidence_becomes_known() -> None:
    for order in permutations(LADDER[::2]):
        assert winner(*order, rules=BOLD) == "click"


def test_no_evidence_that_counts_is_organic() -> None:
    assert winner(guess(click("guess", -1)), device(click("old", -8 * DAY))) == "organic"


# --- Apple's AdServices ---------------------------------------------------------------------------


def test_a_click_that_apple_reports_with_its_time_is_a_click_like_others() -> None:
    assert winner(device(click("early", -3)), apple(click("apple", -2))) == "apple"
    assert winner(device(click("late", -1)), apple(click("apple", -2))) == "late"
    assert rejection(apple(click("old", -WEEK - MS)), CASE, RULES) == "outside_click_window"
    assert rejection(apple(view("old", -DAY - MS)), CASE, RULES) == "outside_view_window"


def test_a_click_without_a_time_is_in_every_window_and_last_among_clicks() -> None:
    no_time = apple(timeless(click("apple", -1)))
    assert rejection(no_time, CASE, RULES) is None
    assert winner(no_time) == "apple"
    assert winner(no_time, device(click("week-old", -WEEK))) == "week-old"


def test_at_the_same_time_any_id_beats_what_apple_says() -> None:
    assert winner(apple(click("z", -1)), device(click("a", -1))) == "a"


# --- matching without ids -------------------------------------------------------------------------


def test_matching_without_ids_is_off_unless_it_is_switched_on_for_each_kind() -> None:
    assert rejection(guess(click("c", -1)), CASE, RULES) == "probabilistic_off"
    assert rejection(guess(view("v", -1)), CASE, RULES) == "probabilistic_off"
    clicks_alone = Rules(default=Policy(probabilistic=Probabilistic(click=True)))
    assert rejection(guess(click("c", -1)), CASE, clicks_alone) is None
    assert rejection(guess(view("v", -1)), CASE, clicks_alone) == "probabilistic_off"


def test_who_is_not_sure_enough_does_not_win_and_who_is_says_how_sure() -> None:
    assert winner(guess(click("home", -5)), rules=GUESSING) == "home"
    assert 0.9 <= judged(guess(click("home", -5)), rules=GUESSING).confidence < 1
    for traits in (NEIGHBOUR, STRANGER):
        assert winner(guess(click("other", -5), traits), rules=GUESSING) == "organic"


def test_two_that_look_alike_share_the_doubt_and_neither_is_sure() -> None:
    twins = guess(click("one", -5)), guess(click("other", -5))
    assert winner(*twins, rules=GUESSING) == "organic"
    assert winner(*twins, rules=BOLD) == "other"  # then the higher id


def test_a_match_by_id_is_certain_however_unlike_the_two_look() -> None:
    certain = device(replace(click("c", -5), traits=STRANGER))
    assert judged(certain, rules=GUESSING).confidence == 1.0


@pytest.mark.parametrize(
    ("touch", "expected"),
    [
        (click("in", -6 * HOUR), None),
        (click("out", -6 * HOUR - MS), "outside_click_window"),
        (view("in", -6 * HOUR), None),
        (view("out", -6 * HOUR - MS), "outside_view_window"),
        (click("own", -7 * HOUR, lookback_ms=8 * HOUR_MS), "outside_click_window"),
        (click("own", -2 * HOUR, lookback_ms=HOUR_MS), None),
    ],
)
def test_guesses_have_windows_of_their_own_that_no_touchpoint_changes(
    touch: Touch, expected: str | None
) -> None:
    assert rejection(guess(touch), CASE, GUESSING) == expected


# --- windows per source and campaign --------------------------------------------------------------

SCOPED = Rules(
    scopes=(
        Scope(media_source="north", windows=(("click", DAY_MS),)),
        Scope(media_source="north", campaign_id="summer", windows=(("click", 2 * DAY_MS),)),
        Scope(app_id="other", windows=(("click", HOUR_MS),)),
        Scope(media_source="east", since=INSTALL.time, windows=(("view", HOUR_MS),)),
    )
)


@pytest.mark.parametrize(
    "touch",
    [
        by(click("c", -DAY), "north", "winter"),
        by(click("c", -2 * DAY), "north", "summer"),
        by(click("c", -WEEK), "south", "summer"),
        by(view("v", -HOUR), "east", "summer"),
    ],
)
def test_each_campaign_counts_by_its_own_window_to_the_millisecond(touch: Touch) -> None:
    assert rejection(device(touch), CASE, SCOPED) is None
    older = replace(touch, time=touch.time - 1)
    assert str(rejection(device(older), CASE, SCOPED)).startswith("outside_")


def test_a_period_counts_by_the_time_of_the_install_not_of_the_touchpoint() -> None:
    shown = device(by(view("v", -2 * HOUR), "east"))
    just_before = Case(replace(INSTALL, time=INSTALL.time - 1))
    assert rejection(shown, CASE, SCOPED) == "outside_view_window"
    assert rejection(shown, just_before, SCOPED) is None


def test_the_own_window_of_a_touchpoint_goes_before_that_of_its_campaign() -> None:
    own = by(click("c", -3 * DAY, lookback_ms=4 * DAY_MS), "north", "winter")
    assert rejection(device(own), CASE, SCOPED) is None
    short = by(click("c", -HOUR - MS, lookback_ms=HOUR_MS), "north", "winter")
    assert rejection(device(short), CASE, SCOPED) == "outside_click_window"


def test_known_users_count_by_the_retargeting_windows() -> None:
    rules = Rules(default=Policy(windows=Windows(retargeting_click=DAY_MS, click=2 * DAY_MS)))
    known = Case(INSTALL, before(-30 * DAY))
    touch = device(to_win_back(click("c", -DAY - MS)))
    assert rejection(touch, CASE, rules) is None
    assert rejection(touch, known, rules) == "outside_click_window"
