"""The story of one install: decided once, corrected by what comes late, paid in any order."""

from __future__ import annotations

from attribution import journey as journeys
from attribution.journey import (
    ActiveDay,
    ActivityApplied,
    Decision,
    Journey,
    MoneyApplied,
    Waiting,
)
from attribution.matching.facts import Evicted, Settled
from attribution.rules.rules import Rules
from schemas.records import (
    Signal,
)
from schemas.time import LogMs
from tests.worlds.clock import HOUR, WEEK, logged_at
from tests.worlds.journey_world import decisions, dispositions, tell
from tests.worlds.records import (
    RULES,
    answer,
    click,
    installed,
    late,
    purchase,
    routed,
    session,
    view,
)

MS = 1 / 60_000
PAID = routed(purchase(install_id="i1"))
GONE = 2 * WEEK


# --- decisions ------------------------------------------------------------------------------------


def test_an_install_that_asked_for_nothing_is_organic_at_once() -> None:
    assert decisions(tell(installed(lookups=0))[1]) == [(1, "first_decision", "organic")]


def test_a_journey_decides_on_the_last_answer_and_once() -> None:
    two = installed(lookups=2)
    first, second = answer(click("c1", -2)), answer(click("c2", -1), ordinal=1)
    assert decisions(tell(two, first)[1]) == []
    assert decisions(tell(two, second, first)[1]) == [(1, "first_decision", "c2")]


def test_empty_answers_count() -> None:
    two = installed(lookups=2)
    assert decisions(tell(two, answer(), answer(ordinal=1))[1]) == [
        (1, "first_decision", "organic")
    ]


def test_an_answer_given_again_is_no_other_answer() -> None:
    assert decisions(tell(installed(lookups=2), answer(), answer())[1]) == []


def test_answers_to_a_second_install_of_the_same_id_do_not_stop_the_first() -> None:
    facts = tell(installed(lookups=1), answer(ordinal=1), answer(click("c1", -1)))[1]
    assert decisions(facts) == [(1, "first_decision", "c1")]


def test_an_install_is_settled_once_and_seen_twice_is_a_duplicate() -> None:
    facts = tell(installed(lookups=0), installed(5, lookups=3))[1]
    assert dispositions(facts) == [("decided", 0), ("duplicate", 0)]


def test_a_missing_answer_is_waited_for_until_a_deadline_that_the_log_decides() -> None:
    waiting, _ = tell(installed(ts=10))
    deadline = logged_at(10) + RULES.decision_wait_ms
    assert journeys.journey_due(waiting, RULES) == deadline + 1
    assert journeys.meet_deadlines(waiting, deadline, RULES)[1] == []
    _, facts = journeys.meet_deadlines(waiting, LogMs(deadline + HOUR), RULES)
    assert decisions(facts) == [(1, "deadline", "organic")]
    assert [fact.decided_at for fact in facts if isinstance(fact, Decision)] == [deadline]


def test_a_late_touchpoint_that_wins_makes_a_version_that_names_its_log_time() -> None:
    decided, _ = tell(installed(), answer(click("c1", -5)))
    _, facts = tell(late(click("c2", -1, ts=30)), start=decided)
    assert decisions(facts) == [(2, "late_touchpoint", "c2")]
    assert [fact.decided_at for fact in facts if isinstance(fact, Decision)] == [logged_at(30)]
    assert dispositions(facts) == []


def test_a_late_touchpoint_that_loses_makes_no_version() -> None:
    decided, _ = tell(installed(), answer(click("c1", -1)))
    assert tell(late(click("c0", -5)), late(view("v", -0.5)), start=decided)[1] == []


def test_stronger_evidence_for_the_credited_touchpoint_makes_a_version() -> None:
    decided, _ = tell(installed(), answer(click("c1", -1)))
    _, facts = tell(late(click("c1", -1), Signal.REFERRER), start=decided)
    assert decisions(facts) == [(2, "read_later", "c1")]


def test_weaker_evidence_for_a_known_touchpoint_changes_nothing() -> None:
    decided, _ = tell(installed(), answer(click("c1", -1), signal=Signal.CLICK_ID))
    assert tell(late(click("c1", -1)), start=decided)[1] == []


def test_of_two_touchpoints_with_one_event_id_the_same_counts_in_any_order() -> None:
    one, other = answer(click("c1", -9, ts=1)), answer(click("c1", -2, ts=2), ordinal=1)
    for order in ((one, other), (other, one)):
        decided, _ = tell(installed(lookups=2), *order)
        assert [candidate.touch for candidate in decided.candidates] == one.touches


def test_what_cannot_win_never_pushes_out_what_can() -> None:
    rules = Rules(candidates_per_journey_max=1)
    decided, _ = tell(installed(), answer(view("v", -1)), rules=rules)
    _, facts = tell(late(click("old", -8 * 24 * HOUR)), start=decided, rules=rules)
    assert facts == [Evicted("candidates_per_journey_max", 1)]


def test_credit_can_be_told_as_of_an_earlier_log_time() -> None:
    decided, _ = tell(installed(), answer(click("c1", -5)), late(click("c2", -1, ts=30)))
    then = journeys.winner_known_by(decided, logged_at(29), RULES)
    now = journeys.winner_known_by(decided, logged_at(30), RULES)
    assert (then and then.touch.event_id, now and now.touch.event_id) == ("c1", "c2")
    assert journeys.winner_known_by(Journey(), logged_at(0), RULES) is None


# --- activity and money ---------------------------------------------------------------------------


def test_money_after_the_install_is_booked() -> None:
    facts = tell(installed(lookups=0), PAID)[1]
    assert facts[-2:] == [MoneyApplied(PAID), Settled(PAID.money.source, "decided")]


def test_money_and_activity_before_the_install_wait_for_it() -> None:
    seen = session("s1", -1)
    waiting, facts = tell(seen, PAID)
    assert dispositions(facts) == [("parked", 0), ("parked", 0)]
    facts = tell(installed(lookups=0), start=waiting)[1]
    assert [type(fact) for fact in facts[2:]] == [
        *[Waiting, ActivityApplied, Settled, ActiveDay],
        *[Waiting, MoneyApplied, Settled],
    ]


def test_the_install_may_come_until_the_deadline_to_the_millisecond_in_any_order() -> None:
    for ms_late, applies in ((0, True), (MS, False)):
        install = installed(ts=WEEK + ms_late, lookups=0)
        for order in ((install, PAID), (PAID, install)):
            facts = tell(*order)[1]
            assert (MoneyApplied(PAID) in facts) is applies


def test_what_waits_in_vain_expires_only_after_its_deadline() -> None:
    waiting, _ = tell(PAID)
    assert journeys.journey_due(waiting, RULES) == PAID.deadline + 1
    assert journeys.meet_deadlines(waiting, PAID.deadline, RULES)[1] == []
    waiting, facts = journeys.meet_deadlines(waiting, LogMs(PAID.deadline + 1), RULES)
    assert facts == [
        Waiting(PAID, "expired", PAID.deadline),
        Settled(PAID.money.source, "expired"),
    ]
    assert journeys.meet_deadlines(waiting, logged_at(GONE), RULES)[1] == []


def test_what_came_too_late_for_its_install_expires_at_its_deadline_too() -> None:
    waiting, facts = tell(installed(ts=WEEK + MS, lookups=0), PAID)
    assert dispositions(facts) == [("decided", 0), ("parked", 0)]
    assert dispositions(journeys.meet_deadlines(waiting, LogMs(PAID.deadline + 1), RULES)[1]) == [
        ("expired", 0)
    ]


def test_activity_seen_twice_is_a_duplicate_even_while_it_waits() -> None:
    facts = tell(session("s1", 0), session("s1", 0, ts=9))[1]
    assert dispositions(facts) == [("parked", 0), ("duplicate", 0)]


def test_booked_money_that_moves_away_is_booked_back_and_settled_at_its_next_place() -> None:
    there, _ = tell(installed(lookups=0), PAID)
    away = routed(PAID.money, sign=-1, move=1)
    assert tell(away, start=there)[1] == [MoneyApplied(away)]
    next_place = routed(PAID.money, move=1)
    facts = tell(installed(lookups=0), next_place)[1]
    assert facts[-1] == Settled(PAID.money.source, "decided", 1)


def test_waiting_money_that_moves_away_is_released_and_never_booked_here() -> None:
    away = routed(PAID.money, sign=-1, move=1)
    waiting, facts = tell(PAID, away)
    assert facts[2:] == [Waiting(PAID, "released", PAID.deadline)]
    assert MoneyApplied(PAID) not in tell(installed(lookups=0), start=waiting)[1]


def test_money_too_late_for_this_install_can_still_move_to_another() -> None:
    away = routed(PAID.money, sign=-1, move=1)
    facts = tell(installed(ts=WEEK + MS, lookups=0), PAID, away)[1]
    assert facts[-1] == Waiting(PAID, "released", PAID.deadline)
    assert ("expired", 0) not in dispositions(facts)


def test_moved_money_that_waits_in_vain_expires_under_the_number_of_its_move() -> None:
    moved = routed(PAID.money, move=2)
    waiting, _ = tell(moved)
    assert dispositions(journeys.meet_deadlines(waiting, logged_at(GONE), RULES)[1]) == [
        ("expired", 2)
    ]


def test_beyond_the_bound_what_waited_longest_expires_early_and_is_counted() -> None:
    rules = Rules(waiting_per_journey_max=1)
    facts = tell(PAID, session("s1", 0), rules=rules)[1]
    assert dispositions(facts) == [("parked", 0), ("parked", 0), ("expired", 0)]
    assert facts[-1] == Evicted("waiting_per_journey_max", 1)


def test_beyond_the_bound_the_oldest_activity_id_is_forgotten_and_counted() -> None:
    rules = Rules(activity_ids_per_journey_max=1)
    facts = tell(installed(lookups=0), session("s1", 0), session("s2", 0), rules=rules)[1]
    assert Evicted("activity_ids_per_journey_max", 1) in facts


# --- forgetting -----------------------------------------------------------------------------------


def test_a_journey_is_forgotten_when_nothing_was_logged_for_long() -> None:
    decided, _ = tell(installed(lookups=0), session("s1", 3, ts=5))
    forgotten_at = logged_at(5) + RULES.journey_retention_ms
    assert journeys.journey_due(decided, RULES) == forgotten_at
    assert not journeys.is_forgotten(decided, LogMs(forgotten_at - 1), RULES)
    assert journeys.is_forgotten(decided, LogMs(forgotten_at), RULES)


def test_a_journey_is_not_forgotten_while_anything_waits() -> None:
    waiting, _ = tell(PAID)
    assert not journeys.is_forgotten(waiting, logged_at(10_000_000), RULES)
