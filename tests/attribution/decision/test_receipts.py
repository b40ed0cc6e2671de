"""What a decision tells beside the winner: why others lost, who helped, who was robbed of it."""

from __future__ import annotations

from msgspec.structs import replace

from attribution.decision.candidates import Candidate
from attribution.decision.fraud import FraudRules
from attribution.decision.waterfall import (
    CONTRIBUTORS_MAX,
    Case,
    Review,
    WaterfallResult,
    review,
    run_waterfall,
)
from attribution.rules.rules import Policy, Probabilistic, Rules
from schemas.records import Flag, Signal, Touch
from tests.attribution.probabilistic.pair_world import HOME, STRANGER
from tests.worlds.clock import DAY, HOUR, WEEK, at
from tests.worlds.records import RULES, before, by, click, device, installed, to_win_back, view

INSTALL = replace(installed(0), traits=HOME, begin_time=at(-5))
CASE = Case(INSTALL)
KNOWN_USER = Case(INSTALL, before(-30 * DAY))
GUESSING = Rules(default=Policy(probabilistic=Probabilistic(click=True)))


def injected(event_id: str, minutes: float = -2) -> Candidate:
    """A click after the download began: somebody wants the credit for it."""
    assert -5 < minutes < 0
    return device(click(event_id, minutes))


def unsigned(event_id: str, minutes: float) -> Candidate:
    return device(replace(click(event_id, minutes), flags=Flag.SIGNATURE_MISSING))


def guess(touch: Touch, traits: list[str]) -> Candidate:
    return Candidate(Signal.PROBABILISTIC, replace(touch, traits=traits))


def reported(
    *candidates: Candidate, case: Case = CASE, rules: Rules = RULES
) -> tuple[WaterfallResult, Review]:
    judgement = run_waterfall(candidates, case, rules)
    return judgement, review(candidates, case, judgement, rules)


def rule_by_event(
    *candidates: Candidate, case: Case = CASE, rules: Rules = RULES
) -> dict[str, str]:
    return {
        one.event_id: one.rule for one in reported(*candidates, case=case, rules=rules)[1].receipts
    }


def names(candidates: list[Candidate]) -> list[str]:
    return [one.touch.event_id for one in candidates]


def outcome(judgement: WaterfallResult) -> tuple[str, str, str]:
    """Who has the credit, who would have had it, and why not."""
    winner, robbed, hit = judgement.winner, judgement.robbed, judgement.robbed_by
    return (
        winner.touch.event_id if winner else "organic",
        robbed.touch.event_id if robbed else "nobody",
        hit.reason if hit else "",
    )


# --- receipts -------------------------------------------------------------------------------------


def test_every_candidate_has_one_receipt_the_best_first() -> None:
    _, found = reported(device(view("v", -10)), device(click("a", -20)), device(click("b", -15)))
    assert [(one.event_id, one.verdict) for one in found.receipts] == [
        ("b", "credited"), ("a", "outranked"), ("v", "outranked"),
    ]  # fmt: skip


def test_what_dropped_a_candidate_of_a_new_user_is_named() -> None:
    assert rule_by_event(
        device(click("future", 1)),
        device(click("slow log", -HOUR, ts=WEEK + 1)),
        device(click("old", -8 * DAY)),
        device(view("old view", -2 * DAY)),
        guess(click("off", -10), HOME),
        injected("injected"),
        unsigned("unsigned", -HOUR),
        device(click("winner", -2 * HOUR)),
        device(view("view", -10)),
    ) == {
        "future": "after_install",
        "slow log": "logged_too_late",
        "old": "outside_click_window",
        "old view": "outside_view_window",
        "off": "probabilistic_off",
        "injected": "engagement_injection",
        "unsigned": "incorrect_signature",
        "winner": "last_touch",
        "view": "better_tier",
    }


def test_what_dropped_a_candidate_of_a_known_user_is_named() -> None:
    assert rule_by_event(
        device(to_win_back(click("winner", -10))),
        device(click("not meant for them", -10)),
        device(to_win_back(click("before", -6 * DAY))),
        case=Case(INSTALL, before(-6 * DAY)),
    ) == {
        "winner": "last_touch",
        "not meant for them": "not_retargeting",
        "before": "before_prior_install",
    }


def test_who_only_looks_a_little_alike_is_told_so() -> None:
    assert rule_by_event(guess(click("stranger", -10), STRANGER), rules=GUESSING) == {
        "stranger": "low_confidence"
    }


def test_the_first_rule_that_applies_is_the_one_that_is_told() -> None:
    """A click may be wrong in many ways; the order is part of what explains it."""
    too_late = replace(click("c", 1, ts=WEEK + 1), flags=Flag.SIGNATURE_MISSING)
    order = [
        (too_late, "after_install"),
        (replace(too_late, time=at(-WEEK - 1)), "logged_too_late"),
        (replace(too_late, time=at(-WEEK - 1), ts=at(0)), "outside_click_window"),
        (replace(too_late, time=at(-WEEK), ts=at(0)), "before_prior_install"),
        (replace(too_late, time=at(-HOUR), ts=at(0)), "not_retargeting"),
        (to_win_back(replace(too_late, time=at(-HOUR), ts=at(0))), "incorrect_signature"),
        (to_win_back(click("c", -HOUR)), "last_touch"),
    ]
    case = Case(INSTALL, before(-WEEK))
    assert [rule_by_event(device(touch), case=case)["c"] for touch, _ in order] == [
        rule for _, rule in order
    ]


def test_of_several_reasons_to_reject_the_first_in_their_order_is_told() -> None:
    both = replace(click("c", -2), flags=Flag.SIGNATURE_MISSING | Flag.SIGNATURE_STALE)
    assert rule_by_event(device(both)) == {"c": "engagement_injection"}


# --- who was kept from it by fraud alone ----------------------------------------------------------


def test_the_next_eligible_touchpoint_gets_the_credit_and_the_robber_is_named() -> None:
    judgement, _ = reported(injected("injected"), device(click("honest", -HOUR)))
    assert outcome(judgement) == ("honest", "injected", "engagement_injection")


def test_when_nobody_else_is_eligible_the_install_is_organic_and_the_robber_is_named() -> None:
    judgement, found = reported(injected("injected"), device(click("old", -8 * DAY)))
    assert outcome(judgement) == ("organic", "injected", "engagement_injection")
    assert found.contributors == []


def test_of_several_robbers_the_one_that_would_have_won_is_named() -> None:
    judgement, _ = reported(injected("first", -4), injected("last", -1), device(click("c", -HOUR)))
    assert outcome(judgement) == ("c", "last", "engagement_injection")


def test_a_robber_that_would_have_lost_anyway_robbed_nobody() -> None:
    judgement, found = reported(device(click("winner", -10)), unsigned("loser", -HOUR))
    assert outcome(judgement) == ("winner", "nobody", "")
    assert {one.event_id: one.rule for one in found.receipts}["loser"] == "incorrect_signature"


def test_what_no_rule_lets_win_is_no_robber_either() -> None:
    judgement, _ = reported(unsigned("old", -8 * DAY), device(click("winner", -HOUR)))
    assert outcome(judgement) == ("winner", "nobody", "")


def test_a_source_may_be_allowed_what_others_are_not() -> None:
    lenient = Rules(default=Policy(fraud=FraudRules(engagement_injection="suspicious")))
    judgement, found = reported(injected("c"), rules=lenient)
    assert outcome(judgement) == ("c", "nobody", "")
    assert [(one.touch.event_id, hit.mode) for one, hit in found.suspicions] == [
        ("c", "suspicious")
    ]


# --- who helped -----------------------------------------------------------------------------------


def test_up_to_three_who_would_have_won_next_are_told_in_their_order() -> None:
    clicks = [device(by(click(f"c{n}", -n * HOUR), "north", f"c{n}")) for n in range(1, 7)]
    assert CONTRIBUTORS_MAX == 3
    assert names(reported(*clicks, device(view("v", -10)))[1].contributors) == ["c2", "c3", "c4"]


def test_who_could_not_have_won_did_not_help() -> None:
    found = reported(
        device(click("winner", -10)),
        device(click("old", -8 * DAY)),
        unsigned("unsigned", -HOUR),
        device(click("future", 1)),
        device(view("view", -10)),
    )[1]
    assert names(found.contributors) == ["view"]


def test_an_organic_install_had_no_help() -> None:
    assert reported(device(click("old", -8 * DAY)))[1].contributors == []


def test_a_known_user_was_helped_by_retargeting_alone() -> None:
    found = reported(
        device(to_win_back(click("winner", -10))),
        device(to_win_back(view("view", -20))),
        device(click("other", -30)),
        case=KNOWN_USER,
    )[1]
    assert names(found.contributors) == ["view"]
