"""Who comes after an erasure request is linked to nothing before it, in any order of arrival."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from attribution import journey as journeys
from attribution.decision.waterfall import conversion_type
from attribution.journey import Decision, Journey
from attribution.matching import touch_index
from attribution.matching.facts import MatchFact
from attribution.matching.touch_index import TouchIndex
from attribution.privacy import key_requests
from schemas.records import (
    Candidates,
    Erased,
    ErasureSeen,
    Installed,
    InstallSeen,
    LinksCut,
    TouchSeen,
)
from tests.worlds.clock import DAY, logged_at
from tests.worlds.records import KEY, RULES, click, installed, looked_up, seen, to_win_back

Arrival = TouchSeen | InstallSeen | ErasureSeen
FIRST = installed(-40 * DAY, install_id="first")
SECOND = installed(0, install_id="second")


def asked(minutes: float) -> ErasureSeen:
    return ErasureSeen(KEY, "r", logged_at(minutes))


def step(index: TouchIndex | None, record: Arrival) -> tuple[TouchIndex, list[MatchFact]]:
    match record:
        case TouchSeen():
            return touch_index.index_touch(index, record, RULES)
        case InstallSeen():
            return touch_index.index_install(index, record, RULES)
        case ErasureSeen():
            return key_requests.erase_key(index, record, RULES)


def second_install(records: Sequence[Arrival]) -> tuple[str, str, str]:
    """Conversion type, prior install and credited touchpoint of the second install."""
    index: TouchIndex | None = None
    journey, decided = Journey(), list[Decision]()
    answers: list[Installed | Candidates | Erased | LinksCut] = [SECOND]
    for record in records:
        index, facts = step(index, record)
        answers += [
            fact
            for fact in facts
            if isinstance(fact, Candidates | Erased | LinksCut) and fact.install_id == "second"
        ]
    for answer in answers:
        journey, reported = journeys.advance(journey, answer, RULES)
        decided += [one for one in reported if isinstance(one, Decision)]
    last = decided[-1]
    prior, winner = last.case.prior, last.winner
    return (
        conversion_type(last.case, last.judgement),
        prior.install_id if prior else "",
        winner.touch.event_id if winner else "",
    )


OLD, NEW = click("old", -2 * DAY), click("new", -DAY / 2)
BACK = to_win_back(click("back", -2 * DAY))
RECORDS: list[Arrival] = [
    looked_up(FIRST), looked_up(SECOND), seen(OLD), seen(NEW), seen(BACK), asked(-DAY),
]  # fmt: skip


@given(st.permutations(RECORDS))
def test_whoever_asked_to_be_forgotten_is_no_prior_in_any_order(order: Sequence[Arrival]) -> None:
    assert second_install(order) == ("install", "", "new")


@given(st.permutations([one for one in RECORDS if not isinstance(one, ErasureSeen)]))
def test_without_the_request_the_device_is_known(order: Sequence[Arrival]) -> None:
    assert second_install(order) == ("reattribution", "first", "back")


@given(st.permutations(RECORDS), st.integers(-50, 5).filter(lambda days: days != 0))
def test_only_what_was_logged_before_the_request_is_cut_off(
    order: Sequence[Arrival], days: int
) -> None:
    at = days * DAY + 1
    others = [asked(at) if isinstance(one, ErasureSeen) else one for one in order]
    kept = [
        one
        for one in RECORDS
        if (isinstance(one, InstallSeen) and (one.ts > logged_at(at) or at > 0))
        or (isinstance(one, TouchSeen) and (one.touch.ts > logged_at(at) or at > 0))
        or (isinstance(one, InstallSeen) and one.install_id == "second")
    ]
    assert second_install(others) == second_install(kept)
