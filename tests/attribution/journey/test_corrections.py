"""When the evidence changes, so does the decision, in a version that says what it replaces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.decision.fraud import FraudRules
from attribution.decision.waterfall import fraud_status
from attribution.journey import Decision, JourneyFact
from attribution.rules.rules import Policy, Rules, Scope, Windows
from schemas.records import (
    Candidates,
    Flag,
    Installed,
    JourneyRecord,
    Prior,
    Signal,
    SiteVerdict,
    Touch,
)
from schemas.time import DAY_MS
from tests.worlds.clock import DAY, HOUR, WEEK, at, logged_at
from tests.worlds.journey_world import decisions, tell
from tests.worlds.records import (
    RULES,
    answer,
    before,
    by,
    click,
    installed,
    late,
    to_win_back,
    view,
)
from tests.worlds.stage_world import Row, fed_journeys, rows

MS = 1 / 60_000
STRICT = Rules(default=Policy(fraud=FraudRules(click_flood="reject")))


def reported(*records: JourneyRecord, rules: Rules = RULES) -> list[Row]:
    stage = fed_journeys(rules)
    return rows(stage.journeys(*records), "attributions")


def suspected(event_id: str, value: float = 0.999, minutes: float = HOUR) -> SiteVerdict:
    return SiteVerdict("i1", event_id, "click_flood", value, logged_at(minutes), app_id="app")


# --- versions -------------------------------------------------------------------------------------


def test_each_version_names_the_one_it_replaces_and_why_it_did() -> None:
    back = to_win_back(click("back", -1, ts=50))
    known = Candidates("i1", Signal.DEVICE_ID, -1, [], [before(-9 * DAY, ts=40)], app_id="app")
    found = reported(
        installed(), answer(click("a", -9)), late(click("b", -5, ts=30)), known, late(back)
    )
    assert [
        (one["attribution_id"], one["supersedes"], one["reason"], one["conversion_type"])
        for one in found
    ] == [
        ("i1:1", 0, "first_decision", "install"),
        ("i1:2", 1, "late_touchpoint", "install"),
        ("i1:3", 2, "late_install", "reinstall"),
        ("i1:4", 3, "late_touchpoint", "reattribution"),
    ]
    assert [one["decided_at"] for one in found] == [at(0), at(30), at(40), at(50)]


def test_what_was_decided_at_a_deadline_is_corrected_like_anything_else() -> None:
    stage = fed_journeys(RULES)
    deadline = {"matching-0": at(0) + RULES.decision_wait_ms + 1}
    first = rows(stage.journeys(installed(), watermarks=deadline), "attributions")
    then = rows(stage.journeys(answer(click("c", -5))), "attributions")
    assert [(one["version"], one["reason"], one["status"]) for one in first + then] == [
        (1, "deadline", "organic"),
        (2, "read_later", "non_organic"),
    ]


@pytest.mark.parametrize(
    ("ts", "expected"), [(WEEK, [(2, "late_touchpoint", "c")]), (WEEK + MS, [])]
)
def test_a_touchpoint_may_be_as_late_as_the_rules_say_to_the_millisecond(
    ts: float, expected: list[tuple[int, str, str]]
) -> None:
    decided, _ = tell(installed(), answer())
    assert decisions(tell(late(click("c", -5, ts=ts)), start=decided)[1]) == expected


@pytest.mark.parametrize(
    "one_more",
    [
        click("worse", -9),
        view("worse", -1),
        click("old", -8 * DAY),
        click("future", 5),
        replace(click("forged, and worse", -9), flags=Flag.SIGNATURE_MISSING),
    ],
)
def test_what_changes_no_decision_makes_no_version(one_more: Touch) -> None:
    decided, _ = tell(installed(), answer(click("c", -5)))
    assert tell(late(one_more), start=decided)[1] == []


def test_who_would_have_won_but_for_fraud_makes_a_version_although_the_winner_stays() -> None:
    """Somebody has to be told who tried."""
    forged = replace(by(click("forged", -1, ts=30), "south"), flags=Flag.SIGNATURE_MISSING)
    found = reported(installed(), answer(click("c", -5)), late(forged))
    assert [(one["touch_id"], one["rejected_media_source"]) for one in found] == [
        ("touch of c", ""), ("touch of c", "south"),
    ]  # fmt: skip
    assert found[-1]["rejected_reason"] == "incorrect_signature"


def test_what_is_newly_suspicious_about_the_winner_makes_a_version() -> None:
    """A late claim on the same click id changes nothing for the first who made it; a copy that was
    logged earlier does."""
    one = answer(click("c", -5, ts=20))
    earlier = replace(by(click("d", -6, ts=10), "south"), touch_id="touch of c")
    found = decisions(tell(installed(), one, late(earlier))[1])
    assert found == [(1, "first_decision", "c"), (2, "late_touchpoint", "d")]


# --- verdicts from the history of sites -----------------------------------------------------------


def test_a_verdict_takes_the_credit_away_where_the_rules_reject() -> None:
    touches = answer(by(click("flood", -5), "south"), click("honest", -HOUR))
    found = reported(installed(), touches, suspected("flood"), rules=STRICT)
    assert [(one["reason"], one["media_source"]) for one in found] == [
        ("first_decision", "south"), ("fraud_verdict", "north"),
    ]  # fmt: skip
    last = found[-1]
    assert (last["rejected_media_source"], last["rejected_reason"]) == ("south", "click_flood")
    assert last["decided_at"] == at(HOUR)


def test_without_another_candidate_the_install_becomes_organic() -> None:
    facts = tell(installed(), answer(click("c", -5)), suspected("c"), rules=STRICT)[1]
    assert decisions(facts)[-1] == (2, "fraud_verdict", "organic")


def test_a_later_verdict_that_is_less_sure_gives_the_credit_back() -> None:
    facts = tell(
        installed(), answer(click("c", -5)), suspected("c"), suspected("c", 0.2, 2 * HOUR),
        rules=STRICT,
    )[1]  # fmt: skip
    assert decisions(facts)[1:] == [(2, "fraud_verdict", "organic"), (3, "fraud_verdict", "c")]


def test_an_earlier_verdict_that_comes_after_a_later_one_changes_nothing() -> None:
    facts = tell(
        installed(), answer(click("c", -5)), suspected("c", 0.2, 2 * HOUR), suspected("c"),
        rules=STRICT,
    )[1]  # fmt: skip
    assert decisions(facts) == [(1, "first_decision", "c")]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("off", [("", "c")]),
        ("tag", [("", "c")]),  # what a site's history merely tags is told apart
        ("suspicious", [("", "c"), ("suspicious", "c")]),
        ("reject", [("", "c"), ("", "organic")]),
    ],
)
def test_the_mode_says_what_a_verdict_does(mode: str, expected: list[tuple[str, str]]) -> None:
    rules = Rules(scopes=(Scope(media_source="north", fraud=(("click_flood", mode),)),))
    found = reported(installed(), answer(click("c", -5)), suspected("c"), rules=rules)
    assert [
        (one["fraud_status"], one["touch_id"].removeprefix("touch of ") or "organic")
        for one in found
    ] == expected


@pytest.mark.parametrize(("minutes", "counts"), [(8 * DAY, True), (8 * DAY + MS, False)])
def test_a_verdict_after_the_time_for_it_changes_nothing(minutes: float, counts: bool) -> None:
    facts = tell(
        installed(), answer(click("c", -5)), suspected("c", minutes=minutes), rules=STRICT
    )[1]
    assert (len(decisions(facts)) == 2) is counts


def test_the_time_for_verdicts_is_that_of_the_app() -> None:
    short = Rules(
        default=Policy(fraud=FraudRules(click_flood="reject")),
        scopes=(Scope(app_id="app", windows=(("post_install_fraud", 0),)),),
    )
    facts = tell(installed(), answer(click("c", -5)), suspected("c"), rules=short)[1]
    assert decisions(facts) == [(1, "first_decision", "c")]


def test_a_verdict_on_a_touchpoint_that_lost_changes_nothing() -> None:
    touches = answer(click("winner", -5), click("loser", -HOUR))
    facts = tell(installed(), touches, suspected("loser"), rules=STRICT)[1]
    assert decisions(facts) == [(1, "first_decision", "winner")]


# --- in any order ---------------------------------------------------------------------------------

RULE_SETS = [
    RULES,
    STRICT,
    Rules(default=Policy(windows=Windows(reattribution=DAY_MS, temporary=DAY_MS))),
]
PIECES: list[Touch | Prior | SiteVerdict] = [
    click("a", -5),
    by(click("b", -5), "south"),
    click("c", -3 * HOUR, ts=60),
    view("v", -2),
    click("late", -1, ts=WEEK),
    click("too late", -1, ts=WEEK + MS),
    replace(click("forged", -3), flags=Flag.SIGNATURE_INVALID),
    to_win_back(click("back", -4)),
    replace(by(click("twin", -6, ts=1), "south"), touch_id="touch of a"),
    before(-3 * HOUR),
    before(-40 * DAY, install_id="older"),
    suspected("a"),
    suspected("b"),
    suspected("a", 0.1, 2 * HOUR),
]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=8, unique_by=id),
    st.sampled_from(RULE_SETS),
    st.data(),
)
def test_the_final_decision_is_what_everything_known_at_once_would_have_led_to(
    pieces: list[Touch | Prior | SiteVerdict], rules: Rules, data: st.DataObject
) -> None:
    verdicts = [one for one in pieces if isinstance(one, SiteVerdict)]
    rest = [one for one in pieces if not isinstance(one, SiteVerdict)]
    known = Candidates(
        "i1",
        Signal.DEVICE_ID,
        0,
        [one for one in rest if isinstance(one, Touch)],
        [one for one in rest if isinstance(one, Prior)],
        app_id="app",
    )
    at_once = tell(installed(), *verdicts, known, rules=rules)[1]
    order = data.draw(st.permutations([*rest, *verdicts]))
    step_by_step = tell(installed(), answer(), *map(_record_of, order), rules=rules)[1]
    assert _gist(step_by_step) == _gist(at_once)
    for one, other in pairwise(decisions(step_by_step)):
        assert other[0] == one[0] + 1


def _record_of(piece: Touch | Prior | SiteVerdict) -> JourneyRecord:
    match piece:
        case Touch():
            return late(piece)
        case Prior():
            return Candidates("i1", Signal.DEVICE_ID, -1, [], [piece], app_id="app")
        case _:
            return piece


def _gist(facts: list[JourneyFact]) -> object:
    """What the last decision says."""
    last = [fact for fact in facts if isinstance(fact, Decision)][-1:]
    return [
        (
            one.winner,
            one.case.prior,
            one.judgement.robbed,
            one.judgement.robbed_by,
            fraud_status(one.judgement.hits),
        )
        for one in last
    ]


def test_an_install_of_the_same_id_again_corrects_nothing() -> None:
    again: Installed = installed(5, ts=5)
    facts = tell(installed(), answer(click("c", -5)), again, answer(click("d", 4)))[1]
    assert decisions(facts) == [(1, "first_decision", "c")]
