"""An id that meets too many installs in a day identifies nobody, and joins none from then on."""

from __future__ import annotations

import random
import time
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.matching import accounts, touch_index
from attribution.matching.account_state import AccountState
from attribution.matching.facts import Evicted, KeyShared, MatchFact, MoneyWaiting
from attribution.matching.shared_keys import NEVER_SHARED, SharedPeriod, shared_period
from attribution.matching.touch_index import TouchIndex
from attribution.privacy import key_requests
from attribution.rules.rules import Rules
from schemas.records import (
    AccountLinked,
    AccountMoney,
    Candidates,
    ErasureSeen,
    InstallSeen,
    MoneyRouted,
    Signal,
    TouchSeen,
)
from schemas.time import DAY_MS, LogMs, Millis
from tests.worlds.clock import DAY
from tests.worlds.records import (
    account_money,
    click,
    installed,
    looked_up,
    purchase,
    seen,
    signed_in,
)

RULES = Rules(installs_per_key_day_max=3, installs_per_account_day_max=3)
REST = RULES.shared_key_rest_ms // DAY_MS * DAY
MatchRecord = TouchSeen | InstallSeen | ErasureSeen | AccountLinked | AccountMoney


def tell(*records: MatchRecord, rules: Rules = RULES) -> list[MatchFact]:
    index: TouchIndex | None = None
    account: AccountState | None = None
    facts: list[MatchFact] = []
    for record in records:
        match record:
            case TouchSeen():
                index, found = touch_index.index_touch(index, record, rules)
            case InstallSeen():
                index, found = touch_index.index_install(index, record, rules)
            case ErasureSeen():
                index, found = key_requests.erase_key(index, record, rules)
            case AccountLinked():
                account, found = accounts.link_account(account, record, rules)
            case AccountMoney():
                account, found = accounts.place_money(account, record, rules)
        facts += found
    return facts


def met(number: int, minutes: float, signal: Signal = Signal.DEVICE_ID) -> InstallSeen:
    return looked_up(installed(minutes, install_id=f"i{number}"), signal=signal)


def evidence(facts: list[MatchFact]) -> dict[str, tuple[int, int]]:
    """Touchpoints and earlier installs that each install was known of."""
    found: dict[str, tuple[int, int]] = {}
    for fact in facts:
        if isinstance(fact, Candidates):
            touches, priors = found.get(fact.install_id, (0, 0))
            found[fact.install_id] = touches + len(fact.touches), priors + len(fact.priors)
    return found


@pytest.mark.parametrize("signal", [Signal.DEVICE_ID, Signal.CLICK_ID, Signal.REFERRER])
def test_a_key_is_no_evidence_from_the_install_on_that_exceeds_the_limit(signal: Signal) -> None:
    facts = tell(seen(click("c", -5)), *(met(n, n, signal) for n in range(40)))
    known = evidence(facts)
    assert [name for name, (touches, _) in known.items() if touches] == ["i0", "i1", "i2"]
    assert all(known[f"i{n}"] == (0, 0) for n in range(3, 40))
    ignored = [fact for fact in facts if isinstance(fact, KeyShared)]
    assert [fact.install_id for fact in ignored] == [f"i{n}" for n in range(3, 40)]
    assert {fact.bound for fact in ignored} == {"installs_per_key_day_max"}


def test_touchpoints_logged_meanwhile_join_nobody_not_even_later() -> None:
    many = [met(n, n) for n in range(5)]
    between = seen(click("between", 10))
    after = met(9, REST + 10 + 2 * DAY)
    facts = tell(*many, between, after)
    assert evidence(facts)["i9"][0] == 0
    assert all(touches == 0 for touches, _ in evidence(facts).values())


def test_after_a_rest_the_key_is_evidence_again() -> None:
    many = [met(n, n) for n in range(5)]
    later = REST + 10 + 2 * DAY
    facts = tell(*many, seen(click("later", later - 5)), met(9, later))
    assert evidence(facts)["i9"][0] == 1


def test_installs_spread_over_days_are_those_of_one_device() -> None:
    facts = tell(*(met(n, n * DAY / 2) for n in range(12)))
    assert not [fact for fact in facts if isinstance(fact, KeyShared)]


def test_a_network_is_shared_by_many_and_stays_evidence() -> None:
    facts = tell(*(met(n, n, Signal.PROBABILISTIC) for n in range(12)))
    assert not [fact for fact in facts if isinstance(fact, KeyShared)]


def test_a_guest_account_collects_no_money() -> None:
    links = [signed_in(f"i{n}", n) for n in range(30)]
    paid = [account_money(purchase(f"t{n}", n)) for n in range(4, 30)]
    facts = tell(*links, *paid)
    assert not [fact for fact in facts if isinstance(fact, MoneyRouted)]
    waiting = [fact for fact in facts if isinstance(fact, MoneyWaiting)]
    assert [fact.state for fact in waiting] == ["parked"] * 26


def test_money_placed_before_an_account_became_shared_stays() -> None:
    paid = account_money(purchase("t", 1))
    facts = tell(signed_in("i0", 0), paid, *(signed_in(f"i{n}", n) for n in range(1, 30)))
    routed = [fact for fact in facts if isinstance(fact, MoneyRouted)]
    assert (routed[0].install_id, routed[0].sign) == ("i0", 1)
    net: dict[str, int] = {}
    for fact in routed:
        net[fact.install_id] = net.get(fact.install_id, 0) + fact.sign
    assert sorted(net.values())[-1:] == [1]
    assert sum(net.values()) == 1


def test_below_the_limit_the_order_of_arrival_does_not_matter() -> None:
    records: list[MatchRecord] = [seen(click("c", -5)), *(met(n, n) for n in range(3))]
    expected = evidence(tell(*records))
    assert all(evidence(tell(*one)) == expected for one in permutations(records))


times = st.lists(st.integers(0, 4 * DAY_MS), min_size=1, max_size=16)


@given(times, st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_period_is_that_of_a_naive_scan_in_any_order(
    drawn: list[int], limit: int, chance: random.Random
) -> None:
    met_at = [(f"i{number}", LogMs(ts)) for number, ts in enumerate(drawn)]
    rest = Millis(30 * DAY_MS)
    crossed = [ts for ts in drawn if sum(ts - DAY_MS <= one <= ts for one in drawn) > limit]
    expected = SharedPeriod(LogMs(min(crossed)), LogMs(max(crossed) + rest)) if crossed else None
    assert shared_period(NEVER_SHARED, met_at, limit, rest) == (expected or NEVER_SHARED)
    chance.shuffle(met_at)
    period = NEVER_SHARED
    for end in range(1, len(met_at) + 1):
        period = shared_period(period, met_at[:end], limit, rest)
    assert period == (expected or NEVER_SHARED)


@pytest.mark.no_cover
def test_ten_thousand_installs_of_one_account_cost_no_more_each_than_a_hundred() -> None:
    rules = Rules()

    def cost(installs: int) -> float:
        state: AccountState | None = None
        for n in range(installs):
            state, _ = accounts.link_account(state, signed_in(f"i{n}", n), rules)
            state, _ = accounts.place_money(state, account_money(purchase(f"t{n}", n)), rules)
        assert state is not None
        assert len(state.links) <= rules.links_per_account_max
        begun = time.process_time()
        for n in range(20):
            extra = replace(signed_in(f"x{n}", installs + n))
            state, facts = accounts.link_account(state, extra, rules)
            assert not any(isinstance(one, MoneyRouted) for one in facts)
            assert all(isinstance(one, Evicted | KeyShared) for one in facts)
        return time.process_time() - begun

    assert cost(3_000) < 5 * cost(300) + 0.05
