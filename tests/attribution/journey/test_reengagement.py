"""A user who was away sees a retargeting touchpoint and opens the app again."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.decision.fraud import FraudRules
from attribution.rules.rules import Policy, Rules, Scope
from schemas.records import (
    NAMED_BY_SESSION,
    Candidates,
    Flag,
    JourneyRecord,
    Signal,
    Touch,
    TouchKind,
)
from schemas.time import DAY_MS, HOUR_MS
from tests.worlds.clock import DAY, HOUR, WEEK, at
from tests.worlds.journey_world import evictions, in_force, returns, tell
from tests.worlds.records import (
    RULES,
    answer,
    by,
    click,
    installed,
    late,
    session,
    to_win_back,
    view,
)
from tests.worlds.stage_world import Row, fed_journeys, rows

MS = 1 / 60_000
AWAY = 10 * DAY
"""Long enough after the install that whoever comes back was away."""

INSTALLED: list[JourneyRecord] = [installed(lookups=0)]
BACK = to_win_back(click("back", AWAY))


def found(*records: JourneyRecord, rules: Rules = RULES) -> list[tuple[int, str, str, float]]:
    return returns(tell(*INSTALLED, *records, rules=rules)[1])


def winner(touches: list[Touch], minutes: float, rules: Rules = RULES) -> str:
    """Event whose touchpoint brought the user back to a session at this time."""
    records = [late(to_win_back(touch)) for touch in touches]
    reported = in_force(tell(*INSTALLED, *records, session("s", minutes), rules=rules)[1])
    assert len(reported) <= 1
    return next(iter(reported), "nobody")


# --- what brings a user back ----------------------------------------------------------------------


def test_a_session_after_a_retargeting_click_reengages_a_user_who_was_away() -> None:
    assert found(late(BACK), session("s", AWAY + 5)) == [(1, "first_decision", "back", AWAY + 5)]


def test_an_ordinary_touchpoint_brings_nobody_back() -> None:
    assert found(late(click("c", AWAY)), session("s", AWAY + 5)) == []


def test_a_click_that_the_session_names_needs_no_device_id() -> None:
    named = Candidates("i1", Signal.CLICK_ID, NAMED_BY_SESSION, [BACK], app_id="app")
    assert found(named, session("s", AWAY + 5)) == [(1, "first_decision", "back", AWAY + 5)]


@pytest.mark.parametrize("signal", [Signal.REFERRER, Signal.PROBABILISTIC])
def test_what_a_store_or_a_likeness_says_brings_nobody_back(signal: Signal) -> None:
    assert found(late(BACK, signal), session("s", AWAY + 5)) == []


@pytest.mark.parametrize(
    ("touch", "minutes", "expected"),
    [
        (click("c", AWAY), AWAY, "c"),
        (click("c", AWAY), AWAY - MS, "nobody"),
        (click("c", AWAY), AWAY + WEEK, "c"),
        (click("c", AWAY), AWAY + WEEK + MS, "nobody"),
        (view("v", AWAY), AWAY + DAY, "v"),
        (view("v", AWAY), AWAY + DAY + MS, "nobody"),
        (click("own", AWAY, lookback_ms=HOUR_MS), AWAY + HOUR, "own"),
        (click("own", AWAY, lookback_ms=HOUR_MS), AWAY + HOUR + MS, "nobody"),
        (click("own", AWAY, lookback_ms=90 * DAY_MS), AWAY + 30 * DAY, "own"),
        (click("own", AWAY, lookback_ms=90 * DAY_MS), AWAY + 30 * DAY + MS, "nobody"),
    ],
)
def test_a_touchpoint_counts_for_its_retargeting_window_to_the_millisecond(
    touch: Touch, minutes: float, expected: str
) -> None:
    assert winner([touch], minutes) == expected


@pytest.mark.parametrize(
    ("last_seen", "touched", "expected"),
    [
        (None, WEEK, "c"),  # a week after the install itself
        (None, WEEK - MS, "nobody"),
        (3 * DAY, 3 * DAY + WEEK, "c"),
        (3 * DAY, 3 * DAY + WEEK - MS, "nobody"),
    ],
)
def test_only_who_was_away_for_the_whole_time_of_inactivity_is_brought_back(
    last_seen: float | None, touched: float, expected: str
) -> None:
    records = [session("before", last_seen)] if last_seen is not None else []
    reported = tell(
        *INSTALLED, *records, late(to_win_back(click("c", touched))), session("s", 12 * DAY)
    )
    assert next(iter(in_force(reported[1])), "nobody") == expected


def test_the_session_at_the_very_time_of_the_touchpoint_is_the_one_it_brought() -> None:
    assert winner([click("c", WEEK)], WEEK) == "c"


def test_inactivity_and_windows_are_those_of_the_source() -> None:
    rules = Rules(
        scopes=(
            Scope(media_source="south", windows=(("inactivity", 0), ("reengagement", DAY_MS))),
            Scope(media_source="east", windows=(("retargeting_click", HOUR_MS),)),
        )
    )
    early = by(click("c", 10), "south")
    assert winner([early], 20, rules) == "c"
    assert winner([by(early, "north")], 20, rules) == "nobody"
    assert winner([by(click("c", AWAY), "east")], AWAY + HOUR + 1, rules) == "nobody"
    reported = tell(*INSTALLED, late(to_win_back(early)), session("s", 20), rules=rules)[1]
    assert in_force(reported) == {"c": (at(20), at(20) + DAY_MS)}


def test_the_best_ranked_of_several_brought_the_user_back() -> None:
    assert winner([click("early", AWAY), click("late", AWAY + 1)], AWAY + 5) == "late"
    assert winner([click("click", AWAY), view("view", AWAY + 1)], AWAY + 5) == "click"
    assert winner([click("a", AWAY), click("b", AWAY)], AWAY + 5) == "b"


@pytest.mark.parametrize(
    ("flag", "rules", "expected"),
    [
        (Flag.SIGNATURE_MISSING, RULES, "nobody"),
        (Flag.SIGNATURE_INVALID, RULES, "nobody"),
        (Flag.SIGNATURE_STALE, RULES, "nobody"),
        (Flag.MALFORMED_ID, RULES, "c"),
        (
            Flag.SIGNATURE_MISSING,
            Rules(default=Policy(fraud=FraudRules(incorrect_signature="tag"))),
            "c",
        ),
        (Flag.SIGNATURE_STALE, Rules(default=Policy(fraud=FraudRules(stale_signature="off"))), "c"),
    ],
)
def test_what_is_forged_brings_nobody_back_where_it_is_rejected(
    flag: Flag, rules: Rules, expected: str
) -> None:
    assert winner([replace(click("c", AWAY), flags=flag)], AWAY + 5, rules) == expected


# --- one after the other --------------------------------------------------------------------------


def test_each_touchpoint_brings_a_user_back_once() -> None:
    assert found(late(BACK), session("s1", AWAY + 5), session("s2", AWAY + 10)) == [
        (1, "first_decision", "back", AWAY + 5)
    ]


def test_the_newest_return_is_the_one_that_counts_and_each_ends_by_its_own_time() -> None:
    second = to_win_back(click("again", 2 * AWAY))
    reported = tell(
        *INSTALLED, late(BACK), session("s1", AWAY), late(second), session("s2", 2 * AWAY)
    )[1]
    assert in_force(reported) == {
        "back": (at(AWAY), at(AWAY) + 30 * DAY_MS),
        "again": (at(2 * AWAY), at(2 * AWAY) + 30 * DAY_MS),
    }


def test_another_touchpoint_from_before_the_first_return_may_explain_a_later_session() -> None:
    other = to_win_back(click("other", AWAY - 5))
    assert found(late(BACK), late(other), session("s1", AWAY + 5), session("s2", AWAY + 10)) == [
        (1, "first_decision", "back", AWAY + 5),
        (1, "first_decision", "other", AWAY + 10),
    ]


# --- corrections ----------------------------------------------------------------------------------


def test_a_late_touchpoint_takes_the_return_from_the_one_that_had_it() -> None:
    better = to_win_back(click("better", AWAY + 2, ts=AWAY + 60))
    assert found(late(BACK), session("s", AWAY + 5), late(better)) == [
        (1, "first_decision", "back", AWAY + 5),
        (2, "late_touchpoint", "back", 0),
        (1, "first_decision", "better", AWAY + 5),
    ]


def test_a_late_session_is_the_one_that_the_touchpoint_brought() -> None:
    assert found(
        late(BACK), session("s2", AWAY + 9), session("s1", AWAY + 5, ts=AWAY + 60)
    ) == [
        (1, "first_decision", "back", AWAY + 9),
        (2, "late_activity", "back", AWAY + 5),
    ]  # fmt: skip


def test_a_late_session_that_shows_the_user_was_not_away_withdraws_the_return() -> None:
    was_here = session("s0", AWAY - DAY, ts=AWAY + 60)
    records: list[JourneyRecord] = [late(BACK), session("s", AWAY + 5), was_here]
    assert found(*records) == [
        (1, "first_decision", "back", AWAY + 5),
        (2, "late_activity", "back", 0),
    ]


def test_what_was_withdrawn_may_come_again_as_the_next_version() -> None:
    better = to_win_back(click("better", AWAY + 2, ts=AWAY + 60))
    later = session("later", AWAY + 30)
    assert found(late(BACK), session("s", AWAY + 5), late(better), later)[3:] == [
        (3, "late_activity", "back", AWAY + 30)
    ]


@pytest.mark.parametrize(("ts", "counts"), [(AWAY + WEEK, True), (AWAY + WEEK + MS, False)])
def test_a_touchpoint_logged_too_late_after_the_session_does_not_explain_it(
    ts: float, counts: bool
) -> None:
    slow = to_win_back(click("slow", AWAY - 1, ts=ts))
    assert bool(found(session("s", AWAY, ts=AWAY), late(slow))) is counts


def test_a_repeated_session_brings_nobody_back_twice() -> None:
    other = to_win_back(click("other", AWAY - 5))
    again = session("s", AWAY + 5, ts=AWAY + 60)
    reported = found(late(BACK), late(other), session("s", AWAY + 5), again)
    assert [one[2] for one in reported] == ["back"]


def test_sessions_that_waited_for_their_install_count_once_it_is_known() -> None:
    facts = tell(late(BACK), session("s", AWAY + 5), installed(ts=AWAY + 10, lookups=0))[1]
    assert returns(facts) == [(1, "first_decision", "back", AWAY + 5)]


def test_a_session_that_waited_too_long_for_its_install_counts_for_nothing() -> None:
    too_late = installed(ts=AWAY + 5 + WEEK + MS, lookups=0)
    assert returns(tell(late(BACK), session("s", AWAY + 5), too_late)[1]) == []


def test_a_retargeting_touchpoint_before_the_install_led_to_it_or_to_nothing() -> None:
    before = to_win_back(click("before", -5))
    facts = tell(installed(), answer(before), session("s", 3 * DAY))[1]
    assert returns(facts) == []


# --- on the row -----------------------------------------------------------------------------------


def reengagement_rows(*records: JourneyRecord) -> list[Row]:
    stage = fed_journeys(RULES)
    reported = rows(stage.journeys(*INSTALLED, *records), "attributions")
    return [one for one in reported if one["conversion_type"] == "reengagement"]


def test_a_return_is_a_conversion_of_its_own_beside_that_of_the_install() -> None:
    (row,) = reengagement_rows(late(BACK), session("s", AWAY + 5))
    assert (row["conversion_id"], row["attribution_id"]) == ("i1~back", "i1~back:1")
    assert (row["status"], row["match_type"]) == ("reengaged", "device_id")
    assert (row["conversion_time"], row["install_time"]) == (at(AWAY + 5), at(0))
    assert (row["expires_at"], row["ctit_s"]) == (at(AWAY + 5) + 30 * DAY_MS, 300)
    assert (row["media_source"], row["touch_id"]) == ("north", "touch of back")
    assert (row["click_window_s"], row["inactivity_s"]) == (7 * 86_400, 7 * 86_400)


def test_a_return_that_was_none_is_withdrawn_by_name() -> None:
    was_here = session("s0", AWAY - DAY, ts=AWAY + 60)
    row = reengagement_rows(late(BACK), session("s", AWAY + 5), was_here)[-1]
    assert (row["attribution_id"], row["supersedes"], row["status"]) == (
        "i1~back:2", 1, "withdrawn",
    )  # fmt: skip
    assert (row["reason"], row["expires_at"]) == ("late_activity", 0)


# --- any order ------------------------------------------------------------------------------------

MOMENTS = [WEEK - 1, WEEK, WEEK + 1, AWAY, AWAY + 5, AWAY + WEEK, 2 * AWAY, 2 * AWAY + WEEK + 1]


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Touch], list[float]]:
    """Touchpoints and the times of sessions, at and beside the edges of the rules."""
    times = st.sampled_from(MOMENTS)
    touches = [
        to_win_back((click if draw(st.booleans()) else view)(f"t{n}", time))
        for n, time in enumerate(draw(st.lists(times, max_size=5)))
    ]
    return touches, draw(st.lists(times, max_size=5, unique=True))


def naive(touches: list[Touch], sessions: list[float]) -> dict[str, tuple[int, int]]:
    """Walks through the sessions and asks every touchpoint."""
    reported: dict[str, tuple[int, int]] = {}
    active = [at(0), *(at(minutes) for minutes in sessions)]
    for opened in sorted(active[1:]):
        possible: list[tuple[bool, int, str]] = []
        for touch in touches:
            is_click = touch.kind is TouchKind.CLICK
            window = 7 * DAY_MS if is_click else DAY_MS
            seen = max(time for time in active if time < touch.time)
            is_fresh = touch.event_id not in reported and 0 <= opened - touch.time <= window
            if is_fresh and touch.time - seen >= 7 * DAY_MS:
                possible.append((is_click, touch.time, touch.event_id))
        if possible:
            reported[max(possible)[2]] = opened, opened + 30 * DAY_MS
    return reported


@settings(max_examples=300, deadline=None)
@given(lives(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_leads_to_what_a_walk_through_everything_finds(
    life: tuple[list[Touch], list[float]], random: object
) -> None:
    touches, sessions = life
    records: list[JourneyRecord] = [installed(lookups=0), *map(late, touches)]
    records += [session(f"s{n}", minutes) for n, minutes in enumerate(sessions)]
    assert hasattr(random, "shuffle")
    random.shuffle(records)
    facts = tell(*records)[1]
    assert in_force(facts) == naive(touches, sessions)
    assert evictions(facts) == []


def test_every_version_follows_the_one_before_it() -> None:
    touches = [to_win_back(click(f"t{n}", AWAY + n)) for n in range(3)]
    records: list[JourneyRecord] = [*map(late, touches), session("s", AWAY + 5)]
    records += [session("s0", AWAY - DAY)]
    for order in permutations(records):
        last: dict[str, int] = {}
        for version, _, event, _ in found(*order):
            assert version == last.get(event, 0) + 1
            last[event] = version
