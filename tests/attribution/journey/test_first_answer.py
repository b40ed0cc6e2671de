"""The first decision waits until what was logged before the install has been read."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from attribution import journey as journeys
from attribution.decision.fraud import FraudRules
from attribution.decision.settlement import settles_at
from attribution.journey import Journey, JourneyFact
from attribution.rules.rules import Policy
from schemas.records import JourneyRecord, Signal, Touch
from schemas.time import DAY_MS, LogMs
from tests.worlds.clock import DAY, WEEK
from tests.worlds.journey_world import decisions, tell
from tests.worlds.records import RULES, answer, before, click, installed, late, view

INSTALL = installed()
MS = 1 / 60_000  # in minutes
READ = LogMs(INSTALL.ts + 1)
"""Another record may have the log time of the install, so reading up to it is not enough."""


def state_after(*records: JourneyRecord, read: int) -> tuple[Journey, list[JourneyFact]]:
    journey, facts = Journey(), list[JourneyFact]()
    for record in records:
        journey, new = journeys.advance(journey, record, RULES, LogMs(read))
        facts += new
    return journey, facts


@pytest.mark.parametrize("touches", [(), (click("c", -5),)])
def test_an_answer_waits_until_the_log_is_read_beyond_its_install(
    touches: tuple[Touch, ...],
) -> None:
    journey, facts = state_after(INSTALL, answer(*touches), read=INSTALL.ts)
    assert (decisions(facts), journeys.unread_install(journey)) == ([], INSTALL.ts)
    found = touches[0].event_id if touches else "organic"
    assert decisions(state_after(INSTALL, answer(*touches), read=READ)[1]) == [
        (1, "first_decision", found)
    ]


def test_a_click_that_is_read_while_the_answer_waits_is_in_the_first_decision() -> None:
    waiting, _ = state_after(INSTALL, answer(), late(click("c", -5)), read=INSTALL.ts)
    decided, facts = journeys.read_log(waiting, RULES)
    assert decisions(facts) == [(1, "first_decision", "c")]
    assert journeys.unread_install(decided) is None
    assert journeys.read_log(decided, RULES) == (decided, [])


@pytest.mark.parametrize(
    ("signal", "touch", "waits"),
    [
        (Signal.REFERRER, click("c", -5), False),
        (Signal.CLICK_ID, click("c", -5), False),
        (Signal.CLICK_ID, view("v", -5), True),  # a click that is still unread would beat it
        (Signal.CLICK_ID, click("c", -8 * DAY), True),  # it cannot win
        (Signal.PROBABILISTIC, click("c", -5), True),
        (Signal.DEVICE_ID, click("c", -5), True),  # any number of clicks may share a device
    ],
)
def test_only_a_click_that_the_install_names_is_answered_at_once(
    signal: Signal, touch: Touch, waits: bool
) -> None:
    _, facts = state_after(INSTALL, answer(touch, signal=signal), read=0)
    assert (decisions(facts) == []) is waits


def test_a_named_click_waits_where_the_device_may_bring_a_later_one() -> None:
    named = answer(click("c", -5), signal=Signal.REFERRER)
    both = installed(lookups=2)
    waiting, facts = state_after(both, named, answer(ordinal=1), read=0)
    assert decisions(facts) == []
    waiting, _ = state_after(both, named, answer(ordinal=1), late(click("d", -2)), read=0)
    assert decisions(journeys.read_log(waiting, RULES)[1]) == [(1, "first_decision", "d")]


def test_an_install_without_lookups_waits_for_nothing() -> None:
    assert decisions(state_after(installed(lookups=0), read=0)[1]) == [
        (1, "first_decision", "organic")
    ]


@pytest.mark.parametrize(
    ("logged", "reason"), [(-1, "read_later"), (0, "read_later"), (MS, "late_touchpoint")]
)
def test_only_what_was_logged_after_the_install_is_called_late(logged: float, reason: str) -> None:
    decided, _ = tell(INSTALL, answer())
    _, facts = tell(late(click("c", -5, ts=logged)), start=decided)
    (decision,) = [fact for fact in facts if isinstance(fact, journeys.Decision)]
    assert decision.reason == reason
    assert decision.winner is not None
    assert decision.decided_at == max(INSTALL.ts, decision.winner.touch.ts)


def test_an_earlier_install_is_called_late_only_if_it_was_logged_later() -> None:
    for logged, reason in ((-1, "read_later"), (1, "late_install")):
        prior = before(-60, ts=logged)
        decided, _ = tell(INSTALL, answer())
        _, facts = tell(replace(answer(ordinal=-1), priors=[prior]), start=decided)
        assert [reason for _, reason, _ in decisions(facts)] == [reason]


def test_an_answer_that_is_missing_at_the_deadline_is_read_later() -> None:
    waiting, _ = tell(INSTALL)
    now = LogMs(INSTALL.ts + RULES.decision_wait_ms + 1)
    decided, facts = journeys.meet_deadlines(waiting, now, RULES)
    assert decisions(facts) == [(1, "deadline", "organic")]
    _, facts = tell(answer(click("c", -5)), start=decided)
    assert decisions(facts) == [(2, "read_later", "c")]


def test_nothing_logged_from_the_moment_it_settles_changes_a_decision() -> None:
    decided, _ = tell(INSTALL, answer())
    settled = settles_at(INSTALL, RULES)
    assert settled == INSTALL.ts + RULES.late_ms_max + 1
    last = replace(click("c", -5), ts=LogMs(settled - 1))
    for touch, changes in ((last, True), (replace(last, ts=settled), False)):
        assert bool(tell(late(touch), start=decided)[1]) is changes


def test_a_decision_settles_later_where_verdicts_on_sites_may_change_it() -> None:
    windows = replace(RULES.default.windows, post_install_fraud=30 * DAY_MS)
    heeding = Policy(windows=windows, fraud=FraudRules(click_flood="reject"))
    assert settles_at(INSTALL, replace(RULES, default=heeding)) == INSTALL.ts + 30 * DAY_MS + 1
    deaf = Policy(windows=windows)
    assert settles_at(INSTALL, replace(RULES, default=deaf)) == INSTALL.ts + WEEK * 60_000 + 1
