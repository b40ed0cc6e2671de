"""All money of one transaction: the purchase once, each refund once, refunds after the purchase."""

from __future__ import annotations

from attribution.matching import transactions
from attribution.matching.facts import Evicted, MatchFact, MoneyWaiting, Settled
from attribution.matching.transactions import Transaction
from attribution.rules.rules import Rules
from schemas.records import AccountMoney, Money, MoneyRouted
from schemas.time import LogMs
from tests.worlds.clock import WEEK, at, logged_at
from tests.worlds.records import RULES, purchase, refund

MS = 1 / 60_000
PAID = purchase(install_id="i1")
DEADLINE = PAID.ts + RULES.parking_ms


def tell(*moneys: Money, rules: Rules = RULES) -> tuple[Transaction, list[MatchFact]]:
    state: Transaction | None = None
    facts: list[MatchFact] = []
    for money in moneys:
        state, new_facts = transactions.fold_money(state, money, rules)
        facts += new_facts
    assert state is not None
    return state, facts


def test_a_purchase_goes_to_the_install_it_names() -> None:
    assert tell(PAID)[1] == [MoneyRouted("i1", PAID, 1, 0, DEADLINE)]


def test_a_purchase_without_install_goes_to_its_account() -> None:
    money = purchase()
    assert tell(money)[1] == [AccountMoney("user", money, money.time, DEADLINE)]


def test_a_purchase_sent_twice_counts_once_for_ever() -> None:
    again = purchase(ts=400 * 24 * 60, install_id="i1")
    assert tell(PAID, again)[1][1:] == [Settled(again.source, "duplicate")]


def test_a_refund_follows_its_purchase() -> None:
    back = refund("r1", 5)
    assert tell(PAID, back)[1][-1] == MoneyRouted("i1", back, 1, 0, DEADLINE)


def test_a_refund_sent_twice_counts_once_and_two_refunds_count_twice() -> None:
    facts = tell(PAID, refund("r1", 5), refund("r1", 6), refund("r2", 7))[1]
    assert [type(fact) for fact in facts] == [MoneyRouted, MoneyRouted, Settled, MoneyRouted]


def test_a_refund_before_its_purchase_waits_for_it() -> None:
    back = refund("r1", -5)
    until = back.ts + RULES.parking_ms
    facts = tell(back, PAID)[1]
    assert facts == [
        MoneyWaiting(back, "parked", "purchase", until),
        Settled(back.source, "parked"),
        MoneyRouted("i1", PAID, 1, 0, DEADLINE),
        MoneyWaiting(back, "released", "purchase", until),
        MoneyRouted("i1", back, 1, 0, DEADLINE),
    ]


def test_the_deadline_of_a_refund_holds_to_the_millisecond_in_both_orders() -> None:
    for ms_late, follows in ((0, True), (MS, False)):
        money = purchase(minutes=WEEK + ms_late, install_id="i1")
        back = refund("r1", 0)
        for order in ((money, back), (back, money)):
            routed = [fact for fact in tell(*order)[1] if isinstance(fact, MoneyRouted)]
            assert (back in [fact.money for fact in routed]) is follows


def test_a_refund_expires_only_after_its_deadline() -> None:
    back = refund("r1", 0)
    state, _ = tell(back)
    until = back.ts + RULES.parking_ms
    assert transactions.expire_refunds(state, until, RULES)[1] == []
    state, facts = transactions.expire_refunds(state, LogMs(until + 1), RULES)
    assert facts == [
        MoneyWaiting(back, "expired", "purchase", until),
        Settled(back.source, "expired"),
    ]
    assert transactions.expire_refunds(state, LogMs(until + 1), RULES)[1] == []


def test_a_transaction_is_due_one_millisecond_after_the_earliest_deadline() -> None:
    state, _ = tell(refund("r1", 3), refund("r2", 1))
    assert transactions.transaction_due(state, RULES) == at(1) + RULES.parking_ms + 1
    assert transactions.transaction_due(tell(PAID)[0], RULES) is None


def test_an_expired_refund_that_comes_again_is_a_duplicate() -> None:
    state, _ = tell(refund("r1", 0))
    state, _ = transactions.expire_refunds(state, logged_at(2 * WEEK), RULES)
    _, facts = transactions.fold_money(state, refund("r1", 1), RULES)
    assert facts == [Settled((3, 0, 1), "duplicate")]


def test_beyond_the_bound_the_oldest_refund_id_is_forgotten_and_counted() -> None:
    rules = Rules(refunds_per_purchase_max=1)
    facts = tell(PAID, refund("r1", 1), refund("r2", 2), rules=rules)[1]
    assert Evicted("refunds_per_purchase_max", 1) in facts
