"""A full journey: floods cost only their senders, and money is never booked by half."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from attribution.journey import Decision, MoneyApplied
from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.records import JourneyRecord, MoneyKind, MoneyRouted
from tests.worlds.clock import DAY
from tests.worlds.journey_world import dispositions, tell
from tests.worlds.records import (
    answer,
    by,
    click,
    installed,
    late,
    purchase,
    routed,
    session,
    to_win_back,
    view,
)

FLOOD = [by(click(f"f{n:03}", -60 + n / 10), "flood") for n in range(200)]


def winner(*records: JourneyRecord, rules: Rules) -> str:
    found = [one for one in tell(*records, rules=rules)[1] if isinstance(one, Decision)]
    return found[-1].winner.touch.event_id if found[-1].winner else ""


@pytest.mark.no_cover
@pytest.mark.parametrize("first", [True, False])
def test_a_flood_that_is_fraud_never_costs_the_honest_click_its_install(first: bool) -> None:
    """200 clicks of one site in an hour are fraud; the honest click is older than all of them."""
    honest, flood = late(click("honest", -120)), [late(one) for one in FLOOD]
    touches = [honest, *flood] if first else [*flood, honest]
    assert winner(*touches, installed(), answer(), rules=Rules()) == "honest"
    assert winner(installed(), answer(), *touches, rules=Rules()) == "honest"


def test_a_flood_of_views_never_evicts_a_click() -> None:
    views = [late(by(view(f"v{n}", -60 + n / 10), f"net{n % 9}")) for n in range(200)]
    touches = [late(click("click", -120)), *views]
    assert winner(*touches, installed(), answer(), rules=Rules()) == "click"


def test_a_flood_never_evicts_the_retargeting_of_another_source() -> None:
    rules = Rules(retargeting_per_journey_max=4)
    ad = late(to_win_back(click("ad", 8 * DAY)))
    flood = [late(to_win_back(by(click(f"f{n}", 8 * DAY + n), "flood"))) for n in range(1, 40)]
    journey, facts = tell(installed(), answer(), ad, *flood, rules=rules)
    assert [one.touch.event_id for one in journey.retargeting] == ["ad", "f37", "f38", "f39"]
    assert facts.count(Evicted("retargeting_per_journey_max", 1)) == 36


def impression(number: int) -> MoneyRouted:
    money = replace(purchase(f"ad{number}", number, install_id="i1"), kind=MoneyKind.AD_REVENUE)
    return routed(money)


def test_waiting_activity_and_impressions_never_push_out_a_purchase() -> None:
    rules = Rules(waiting_per_journey_max=3)
    noise: list[JourneyRecord] = [
        one for n in range(20) for one in (session(f"s{n}", n), impression(n))
    ]
    paid = routed(purchase("t1", -5, install_id="i1"))
    for records in ([paid, *noise], [*noise, paid]):
        journey, _ = tell(*records, rules=rules)
        waiting = [one for one in journey.waiting if isinstance(one, MoneyRouted)]
        assert sorted(one.money.booking_id for one in waiting) == ["ad18", "ad19", "t1"]


def test_money_evicted_while_it_waited_is_not_taken_back() -> None:
    rules = Rules(waiting_per_journey_max=1)
    evicted, kept = (routed(purchase(f"t{n}", n, install_id="i1")) for n in (1, 2))
    moved: list[JourneyRecord] = [routed(one.money, sign=-1, move=1) for one in (evicted, kept)]
    for is_first in (True, False):
        install = [installed(lookups=0)]
        records = [*install, *moved] if is_first else [*moved, *install]
        _, facts = tell(evicted, kept, *records, rules=rules)
        signs = [one.routed.sign for one in facts if isinstance(one, MoneyApplied)]
        assert sum(signs) == 0
        assert all(earlier > later for earlier, later in pairwise(signs))
        assert dispositions(facts).count(("expired", 0)) == 1


def test_money_that_came_too_late_for_its_install_is_not_taken_back() -> None:
    paid = routed(purchase("t1", -30 * DAY, install_id="i1"))
    away = routed(paid.money, sign=-1, move=1)
    _, facts = tell(installed(lookups=0), away)
    assert not [one for one in facts if isinstance(one, MoneyApplied)]
