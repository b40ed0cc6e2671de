"""Re-engagements at the bounds on sessions and touchpoints, and what is settled by them."""

from __future__ import annotations

from attribution import journey as journeys
from attribution.journey import Journey, JourneyFact
from attribution.matching.facts import Evicted
from attribution.rules.rules import Policy, Rules, Windows
from schemas.records import (
    JourneyRecord,
)
from schemas.time import DAY_MS, HOUR_MS, Millis
from tests.worlds.clock import DAY, HOUR, logged_at
from tests.worlds.journey_world import evictions, in_force, returns, tell
from tests.worlds.records import click, installed, late, session, to_win_back

AWAY = 10 * DAY
INSTALLED: list[JourneyRecord] = [installed(lookups=0)]
BACK = to_win_back(click("back", AWAY))


def returns_of(*records: JourneyRecord, rules: Rules) -> list[tuple[int, str, str, float]]:
    return returns(tell(*INSTALLED, *records, rules=rules)[1])


def bounded(**bounds: int) -> Rules:
    return Rules(**bounds)  # type: ignore[arg-type]  # mypy does not see that all are counts


def settled(rules: Rules) -> tuple[Journey, list[JourneyFact]]:
    """A user who came back twice, where only two of everything are remembered."""
    again = to_win_back(click("again", 2 * AWAY))
    return tell(
        *INSTALLED, late(BACK), session("s1", AWAY + 5), late(again), session("s2", 2 * AWAY),
        rules=rules,
    )  # fmt: skip


def test_beyond_the_bound_the_oldest_session_goes_and_what_it_led_to_stays_as_told() -> None:
    rules = Rules(sessions_per_journey_max=2)
    journey, reported = settled(rules)
    journey, facts = tell(session("s3", 2 * AWAY + 5), rules=rules, start=journey)
    assert evictions(facts) == [Evicted("sessions_per_journey_max", 1)]
    assert returns(facts) == []
    better = late(to_win_back(click("better", AWAY + 1)))
    assert returns(tell(better, rules=rules, start=journey)[1]) == []
    assert set(in_force(reported)) == {"back", "again"}


def test_a_forgotten_session_still_shows_that_the_user_was_there() -> None:
    rules = Rules(sessions_per_journey_max=2)
    here = [session("s0", AWAY), session("s1", AWAY + DAY), session("s2", AWAY + 2 * DAY)]
    journey, facts = tell(*INSTALLED, *here, rules=rules)
    assert evictions(facts) == [Evicted("sessions_per_journey_max", 1)]
    not_away = late(to_win_back(click("c", AWAY + 5)))
    assert returns(tell(not_away, rules=rules, start=journey)[1]) == []


def test_a_session_from_the_time_that_is_settled_changes_nothing_and_is_counted() -> None:
    rules = Rules(sessions_per_journey_max=2)
    journey, _ = settled(rules)
    journey, _ = tell(session("s3", 2 * AWAY + 5), rules=rules, start=journey)
    was_here = session("s0", AWAY - DAY, ts=3 * AWAY)
    _, facts = tell(was_here, rules=rules, start=journey)
    assert evictions(facts) == [Evicted("sessions_per_journey_max", 1)]
    assert returns(facts) == []


def test_beyond_the_bound_the_oldest_touchpoint_goes_and_its_return_stays_as_told() -> None:
    rules = Rules(retargeting_per_journey_max=2)
    journey, _ = settled(rules)
    third = late(to_win_back(click("third", 3 * AWAY)))
    journey, facts = tell(third, rules=rules, start=journey)
    assert evictions(facts) == [Evicted("retargeting_per_journey_max", 1)]
    assert returns(facts) == []
    other = late(to_win_back(click("other", AWAY + 1)))
    assert returns(tell(other, rules=rules, start=journey)[1]) == []
    assert returns(tell(session("s3", 3 * AWAY + 5), rules=rules, start=journey)[1]) == [
        (1, "first_decision", "third", 3 * AWAY + 5)
    ]


def test_a_user_who_comes_back_for_ever_is_remembered_in_little() -> None:
    rules = Rules(
        retargeting_per_journey_max=2, default=Policy(windows=Windows(inactivity=HOUR_MS))
    )
    journey, facts = tell(*INSTALLED)
    for day in range(1, 9):
        back = late(to_win_back(click(f"t{day}", day * DAY)))
        journey, new_facts = tell(
            back, session(f"s{day}", day * DAY + 5), rules=rules, start=journey
        )
        facts += new_facts
    assert len(in_force(facts)) == 8
    assert (len(journey.retargeting), len(journey.reengaged)) == (2, 2)


def test_without_inactivity_every_visit_through_retargeting_is_a_return() -> None:
    always = Rules(default=Policy(windows=Windows(inactivity=Millis(0))))
    touches = [late(to_win_back(click(f"t{n}", n * HOUR))) for n in (1, 2)]
    visits = [session(f"s{n}", n * HOUR + 5) for n in (1, 2)]
    assert [one[2] for one in returns_of(*touches, *visits, rules=always)] == ["t1", "t2"]


def test_what_is_settled_is_never_withdrawn_by_a_change_of_rules() -> None:
    rules = Rules(sessions_per_journey_max=2)
    journey, _ = settled(rules)
    journey, _ = tell(session("s3", 2 * AWAY + 5), rules=rules, start=journey)
    strict = Rules(
        sessions_per_journey_max=2, default=Policy(windows=Windows(inactivity=60 * DAY_MS))
    )
    reported = returns(journeys.change_rules(journey, logged_at(3 * AWAY), strict)[1])
    assert [(version, reason, event) for version, reason, event, _ in reported] == [
        (2, "rule_change", "again")
    ]
