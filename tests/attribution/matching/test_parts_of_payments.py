"""Net amounts, fees and times of steps, and which steps refunds and restores can rely on."""

from __future__ import annotations

from msgspec.structs import replace

from attribution.matching import transactions
from attribution.matching.facts import MatchFact, Settled
from attribution.matching.transaction_state import Transaction
from schemas.records import (
    AccountMoney,
    Money,
    MoneyDetails,
    MoneyKind,
    MoneyRouted,
    OriginalSeen,
    Step,
)
from tests.worlds.records import RULES, booked, purchase, refund

PAID = purchase(install_id="i1")
CANCEL = replace(PAID, booking_id="cancel", kind=MoneyKind.SUBSCRIPTION, step=Step.CANCEL)


def tell(*moneys: Money) -> tuple[Transaction, list[MatchFact]]:
    state = Transaction()
    facts: list[MatchFact] = []
    for money in moneys:
        state, new = transactions.fold_money(state, money, RULES, "t1")
        facts += new
    return state, facts


def test_a_refund_takes_the_same_share_of_net_amount_fee_and_tax() -> None:
    details = MoneyDetails(net_micros=3_000_001, fee_micros=1_500_000, tax_micros=499_999)
    paid = replace(PAID, details=details)
    half = refund("r1", 5, micros=-2_500_000)
    net = [
        (one.money.details.net_micros, one.money.details.fee_micros, one.money.details.tax_micros)
        for one in tell(paid, half)[1]
        if isinstance(one, MoneyRouted)
    ]
    assert net == [(3_000_001, 1_500_000, 499_999), (-1_500_000, -750_000, -249_999)]


def test_a_step_that_counts_nothing_has_no_net_amount_and_keeps_what_it_states() -> None:
    dear = replace(PAID, booking_id="b", time=PAID.time, amount_micros=9_000_000,
                   details=MoneyDetails(net_micros=7_000_000))  # fmt: skip
    later = replace(dear, time=type(dear.time)(dear.time + 1))
    last = tell(PAID, later)[1][-1]
    assert isinstance(last, MoneyRouted)
    assert last.money == booked(replace(later, details=MoneyDetails()), 0)


def test_money_is_paid_when_it_says_and_waits_from_when_it_was_logged() -> None:
    late = purchase(minutes=0, ts=60)
    (fact,) = tell(late)[1]
    assert fact == AccountMoney("user", booked(late), late.time, late.ts + RULES.parking_ms)


def test_a_silent_step_is_no_purchase_for_a_refund() -> None:
    back = refund("r1", 5)
    for order in ((CANCEL, back), (back, CANCEL)):
        state, facts = tell(*order)
        assert state.parked == [back]
        assert Settled(back.source, "parked") in facts


def test_a_period_of_a_subscription_is_no_restore_of_the_first() -> None:
    period = replace(PAID, kind=MoneyKind.SUBSCRIPTION, step=Step.RENEWAL, original_key="t0")
    for money in (period, PAID):
        state, _ = tell(money)
        state, facts = transactions.note_original(state, OriginalSeen("t1", True), RULES)
        assert facts == []
        assert [one.micros for one in state.counted] == [5_000_000]


def test_an_earlier_copy_changes_the_time_but_not_which_event_reported_it() -> None:
    first = replace(PAID, event_id="first")
    copy = purchase(minutes=-5, ts=9, install_id="i1")
    state, facts = tell(first, replace(copy, event_id="second", source=(3, 0, 7)))
    (kept,) = state.steps
    assert (kept.time, kept.ts) == (copy.time, first.ts)
    assert (kept.event_id, kept.source) == ("first", first.source)
    assert [fact.sign for fact in facts if isinstance(fact, MoneyRouted)] == [1, -1, 1]


def test_a_copy_that_says_nothing_new_books_nothing() -> None:
    back = refund("r1", 5)
    facts = tell(PAID, back, replace(back, ts=PAID.ts))[1]
    assert [type(fact) for fact in facts] == [MoneyRouted, MoneyRouted, Settled]
