"""A user asks to be forgotten: ids go, the credit stays, and nothing depends on who asked first."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution import journey as journeys
from attribution.matching import accounts, touch_index
from attribution.matching.account_state import AccountState
from attribution.matching.facts import Evicted, MatchFact
from attribution.matching.touch_index import TouchIndex
from attribution.privacy import key_requests
from attribution.rules.rules import Rules
from schemas.records import (
    ActivitySeen,
    Candidates,
    Erased,
    ErasureSeen,
    Flag,
    Installed,
    JourneyRecord,
    journey_key,
)
from schemas.time import LogMs, Millis
from streams.stages.common.observer import StageObserver
from streams.stages.matching.matching import Matching
from tests.worlds.clock import DAY, HOUR, WEEK, at, logged_at
from tests.worlds.journey_world import decisions, in_force, returns, tell
from tests.worlds.records import (
    RULES,
    answer,
    click,
    installed,
    late,
    looked_up,
    purchase,
    routed,
    session,
    signed_in,
    to_win_back,
    view,
)
from tests.worlds.stage_world import Fed, Row, fed_journeys, rows

MS = 1 / 60_000
AWAY = 10 * DAY


def erased(minutes: float, install_id: str = "i1") -> Erased:
    return Erased(install_id, "request 1", logged_at(minutes), app_id="app")


def asked(minutes: float, request_id: str = "request 1") -> ErasureSeen:
    return ErasureSeen("key", request_id, logged_at(minutes))


def stage(state: Any = None, rules: Rules = RULES) -> Fed:
    return fed_journeys(rules, state)


def reported(*records: JourneyRecord) -> list[Row]:
    return rows(stage().journeys(*records), "attributions")


# --- the decision ---------------------------------------------------------------------------------


def test_an_erasure_makes_a_version_and_leaves_the_credit() -> None:
    facts = tell(installed(), answer(click("c", -5)), erased(60))[1]
    assert decisions(facts) == [(1, "first_decision", "c"), (2, "erasure", "c")]


def test_from_then_on_rows_have_no_ids_and_keep_source_and_campaign() -> None:
    robber = replace(click("r", -1), flags=Flag.SIGNATURE_MISSING)
    before, after = reported(installed(), answer(click("c", -5), view("v", -9), robber), erased(60))
    for name in ("touch_id", "rejected_touch_id", "candidates", "contributors"):
        assert before[name] not in ("", "[]")
        assert after[name] in ("", "[]")
    kept: tuple[str, ...] = (
        "media_source",
        "campaign_id",
        "site_id",
        "touch_time",
        "status",
        "match_type",
    )
    kept += ("rejected_media_source", "rejected_reason", "conversion_type", "ctit_s")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert (after["attribution_id"], after["supersedes"], after["reason"]) == (
        "i1:2", 1, "erasure",
    )  # fmt: skip


def test_what_changes_after_it_is_told_without_ids_too() -> None:
    effects = reported(
        installed(), answer(click("c", -5)), erased(60), late(click("better", -1, ts=120))
    )
    assert [one["reason"] for one in effects] == ["first_decision", "erasure", "late_touchpoint"]
    assert effects[-1]["touch_id"] == ""
    assert "better" not in str({k: v for k, v in effects[-1].items() if k != "campaign_name"})


def test_returns_of_the_user_are_told_again_without_ids() -> None:
    back = to_win_back(click("back", AWAY))
    records: list[JourneyRecord] = [installed(lookups=0), late(back), session("s", AWAY + 5)]
    reengaged = [
        one
        for one in reported(*records, erased(AWAY + 60))
        if one["conversion_type"] == "reengagement"
    ]
    assert [(one["version"], one["reason"], one["touch_id"]) for one in reengaged] == [
        (1, "first_decision", "touch of back"),
        (2, "erasure", ""),
    ]
    first, last = reengaged
    assert (first["media_source"], first["expires_at"]) == (
        last["media_source"],
        last["expires_at"],
    )


def test_a_return_that_is_settled_is_told_again_too() -> None:
    rules = Rules(sessions_per_journey_max=1)
    back = to_win_back(click("back", AWAY))
    records: list[JourneyRecord] = [installed(lookups=0), late(back), session("s", AWAY + 5)]
    journey, _ = tell(*records, session("s2", AWAY + 9), rules=rules)
    assert journey.settled_until == at(AWAY + 5)
    assert returns(tell(erased(AWAY + 60), rules=rules, start=journey)[1]) == [
        (2, "erasure", "back", AWAY + 5)
    ]


def test_money_and_credit_go_on() -> None:
    paid = routed(purchase(install_id="i1", minutes=90))
    fed = stage()
    fed.journeys(installed(), answer(click("c", -5)), erased(60))
    assert [row["amount_micros"] for row in rows(fed.journeys(paid), "revenue")] == [5_000_000]


def test_nobody_is_forgotten_twice() -> None:
    facts = tell(installed(lookups=0), erased(60), erased(90))[1]
    assert [reason for _, reason, _ in decisions(facts)] == ["first_decision", "erasure"]


def test_who_asks_before_the_install_is_known_is_decided_without_ids_at_once() -> None:
    (row,) = reported(erased(60), installed(), answer(click("c", -5)))
    assert (row["reason"], row["media_source"], row["touch_id"]) == ("first_decision", "north", "")


# --- what is remembered ---------------------------------------------------------------------------


def test_what_was_known_of_the_user_is_dropped_when_nothing_late_can_come_any_more() -> None:
    back = to_win_back(click("back", AWAY))
    records: list[JourneyRecord] = [installed(), answer(click("c", -5)), late(back)]
    journey, _ = tell(*records, session("s", AWAY + 5), erased(AWAY + 60))
    until = at(AWAY + 60 + WEEK)
    assert journeys.journey_due(journey, RULES) == until + 1
    assert journeys.meet_deadlines(journey, LogMs(until), RULES) == (journey, [])
    purged, facts = journeys.meet_deadlines(journey, LogMs(until + 1), RULES)
    assert facts == []
    assert (purged.candidates, purged.retargeting, purged.sessions, purged.priors) == (
        [], [], [], [],
    )  # fmt: skip
    assert purged.is_purged
    assert journeys.journey_due(purged, RULES) == purged.last_ts + RULES.journey_retention_ms


def test_the_stage_forgets_by_log_time() -> None:
    fed = stage()
    fed.journeys(installed(), answer(click("secret", -5)), erased(60))
    fed.journeys(watermarks={"matching-0": at(60 + WEEK)})
    assert b"secret" in dict(fed.state.entries())[journey_key("app", "i1").encode()]
    fed.journeys(watermarks={"matching-0": at(60 + WEEK) + 1})
    assert b"secret" not in dict(fed.state.entries())[journey_key("app", "i1").encode()]


def test_nothing_changes_the_decision_of_somebody_who_is_forgotten() -> None:
    journey, _ = tell(installed(), answer(click("c", -5)), erased(60))
    purged, _ = journeys.meet_deadlines(journey, LogMs(at(60 + WEEK) + 1), RULES)
    more: list[JourneyRecord] = [
        late(click("better", -1)),
        late(to_win_back(click("back", AWAY))),
        session("s", AWAY + 5),
    ]
    after, facts = tell(*more, start=purged)
    assert decisions(facts) == []
    assert returns(facts) == []
    assert (after.candidates, after.retargeting, after.sessions) == ([], [], [])
    assert journeys.change_rules(purged, logged_at(AWAY), Rules(late_ms_max=Millis(1))) == (
        purged,
        [],
    )


# --- who is told ----------------------------------------------------------------------------------


def erasures_in(facts: list[MatchFact]) -> list[tuple[str, int]]:
    return [(one.install_id, one.ts) for one in facts if isinstance(one, Erased)]


def test_every_install_of_the_device_that_was_logged_until_then_is_told() -> None:
    index = TouchIndex()
    for name, ts in (("early", 0), ("same time", 60), ("after", 60 + MS)):
        one = installed(0, ts=ts, install_id=name)
        index, facts = touch_index.index_install(index, looked_up(one), RULES)
        assert erasures_in(facts) == []
    _, facts = key_requests.erase_key(index, asked(60), RULES)
    assert erasures_in(facts) == [("early", at(60)), ("same time", at(60))]


def test_an_install_logged_before_the_erasure_is_told_although_it_comes_late() -> None:
    index, _ = key_requests.erase_key(None, asked(60), RULES)
    for ts, expected in ((60, [("i1", at(60))]), (60 + MS, [])):
        one = looked_up(installed(0, ts=ts))
        assert erasures_in(touch_index.index_install(index, one, RULES)[1]) == expected


def test_an_account_tells_every_install_it_was_signed_in_to_until_then() -> None:
    account, _ = accounts.link_account(None, signed_in("i2", 10), RULES)
    account, _ = accounts.link_account(account, signed_in("i1", 5), RULES)
    account, _ = accounts.link_account(account, signed_in("later", 61), RULES)
    account, facts = key_requests.erase_account(account, asked(60), RULES)
    assert erasures_in(facts) == [("i1", at(60)), ("i2", at(60))]
    assert erasures_in(accounts.link_account(account, signed_in("late", 1, ts=60), RULES)[1]) == [
        ("late", at(60))
    ]
    assert erasures_in(accounts.link_account(account, signed_in("new", 90), RULES)[1]) == []


@pytest.mark.parametrize("first", [30, 60])
def test_the_first_of_two_requests_about_an_install_is_told_in_any_order(first: int) -> None:
    index, account = TouchIndex(), AccountState()
    for minutes in (first, 90 - first):
        request = asked(minutes, f"request at {minutes}")
        index, _ = key_requests.erase_key(index, request, RULES)
        account, _ = key_requests.erase_account(account, request, RULES)
    for ts, expected in ((20, 30), (50, 60)):
        one = looked_up(installed(0, ts=ts))
        _, facts = touch_index.index_install(index, one, RULES)
        assert erasures_in(facts) == [("i1", at(expected))]
        _, new_facts = accounts.link_account(account, signed_in("i1", 0, ts=ts), RULES)
        assert erasures_in(new_facts) == [("i1", at(expected))]


def test_of_very_many_requests_the_oldest_are_forgotten() -> None:
    rules = replace(RULES, erasures_per_key_max=1)
    index, _ = key_requests.erase_key(None, asked(30), rules)
    index, facts = key_requests.erase_key(index, asked(60, "request 2"), rules)
    assert facts == [Evicted("erasures_per_key_max", 1)]
    _, facts = touch_index.index_install(index, looked_up(installed(0, ts=20)), rules)
    assert erasures_in(facts) == [("i1", at(60))]


@pytest.mark.parametrize("kind", ["device", "account"])
def test_device_and_account_tell_the_same_in_any_order(kind: str) -> None:
    def install(index: Any) -> Any:
        if kind == "account":
            return accounts.link_account(index, signed_in("i1", 0), RULES)
        return touch_index.index_install(index, looked_up(installed()), RULES)

    def erase(index: Any) -> Any:
        if kind == "account":
            return key_requests.erase_account(index, asked(60), RULES)
        return key_requests.erase_key(index, asked(60), RULES)

    for order in permutations([install, erase]):
        state, facts = None, []
        for one in order:
            state, new_facts = one(state)
            facts += new_facts
        assert erasures_in(facts) == [("i1", at(60))]


def test_matching_passes_an_erasure_on_to_the_journey() -> None:
    fed = Fed(Matching(0, 1, RULES, StageObserver()))
    fed.match(looked_up(installed(), key="d:app:x"))
    effects = fed.match(replace(asked(60), key="d:app:x"))
    frames = [message for (topic, _), some in effects.messages.items() for message in some]
    assert b"request 1" in b"".join(message.value or b"" for message in frames)


# --- in any order ---------------------------------------------------------------------------------

LOGGED = [0, HOUR, DAY, WEEK, WEEK + MS, AWAY, AWAY + WEEK, AWAY + WEEK + MS, 2 * AWAY]


@st.composite
def stories(draw: st.DrawFn) -> list[JourneyRecord]:
    """An install, what explains it, two returns and some requests, each logged whenever."""
    ts = st.sampled_from(LOGGED)
    touches = [to_win_back(click(f"back {n}", AWAY + n, ts=AWAY + draw(ts))) for n in range(2)]
    visits = [session(f"s{n}", AWAY + n + 5, ts=AWAY + draw(ts)) for n in range(2)]
    return [
        installed(lookups=2, ts=draw(st.sampled_from([0, HOUR]))),
        answer(click("c", -5)),
        answer(view("v", -2), ordinal=1),
        late(click("better", -1, ts=draw(ts))),
        *map(late, touches),
        *visits,
        *map(erased, draw(st.lists(ts, min_size=1, max_size=2))),
    ]


def live(records: list[JourneyRecord]) -> tuple[journeys.Journey, list[journeys.JourneyFact]]:
    """One record after the other, while log time follows as far as everything is known."""
    journey, facts = journeys.Journey(), list[journeys.JourneyFact]()
    for number, record in enumerate(records):
        journey, new_facts = tell(record, start=journey)
        facts += new_facts
        now = min((_logged(one) for one in records[number + 1 :]), default=at(4 * AWAY))
        if journeys.journey_due(journey, RULES) <= now:
            journey, new_facts = journeys.meet_deadlines(journey, LogMs(now), RULES)
            facts += new_facts
    return journey, facts


def _logged(record: JourneyRecord) -> int:
    """Log time of what caused it."""
    if isinstance(record, Candidates):
        return record.touches[0].ts if record.ordinal < 0 else at(0)
    assert isinstance(record, Installed | ActivitySeen | Erased)
    return record.ts


@settings(max_examples=500, deadline=None)
@given(stories(), st.data())
def test_what_is_told_last_does_not_depend_on_what_becomes_known_first(
    records: list[JourneyRecord], data: st.DataObject
) -> None:
    one, first_facts = live(sorted(records, key=_logged))
    other, second_facts = live(data.draw(st.permutations(records)))
    assert decisions(first_facts)[-1][2] == decisions(second_facts)[-1][2]
    assert in_force(first_facts) == in_force(second_facts)
    for journey, facts in ((one, first_facts), (other, second_facts)):
        assert journey.is_purged
        last = {
            fact.candidate.touch.event_id if isinstance(fact, journeys.Reengagement) else "": fact
            for fact in facts
            if isinstance(fact, journeys.Decision | journeys.Reengagement)
        }
        assert all(fact.is_erased for fact in last.values())
