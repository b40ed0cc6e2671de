"""All steps of one transaction: each once, in any order, and what they are worth together."""

from __future__ import annotations

from collections import Counter
from itertools import islice, permutations

import pytest
from msgspec.structs import replace

from attribution.matching import transactions
from attribution.matching.facts import Evicted, MatchFact, MoneyWaiting, Settled
from attribution.matching.transaction_state import Transaction
from attribution.rules.rules import Rules
from schemas.records import (
    TAKEN_BACK,
    AccountMoney,
    Money,
    MoneyKind,
    MoneyRouted,
    OriginalSeen,
    ReceiptStatus,
    RestoreSeen,
    Step,
)
from schemas.time import LogMs
from tests.worlds.clock import WEEK, at, logged_at
from tests.worlds.records import RULES, booked, purchase, refund

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
    assert tell(PAID)[1] == [MoneyRouted("i1", booked(PAID), 1, 0, DEADLINE)]


def test_a_purchase_without_install_goes_to_its_account() -> None:
    money = purchase()
    assert tell(money)[1] == [AccountMoney("user", booked(money), money.time, DEADLINE)]


def test_a_purchase_sent_twice_counts_once_for_ever() -> None:
    again = purchase(ts=400 * 24 * 60, install_id="i1")
    assert tell(PAID, again)[1][1:] == [Settled(again.source, "duplicate")]


def test_a_refund_follows_its_purchase() -> None:
    back = refund("r1", 5)
    assert tell(PAID, back)[1][-1] == MoneyRouted("i1", booked(back), 1, 0, DEADLINE)


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
        MoneyWaiting(back, "released", "purchase", until),
        MoneyRouted("i1", booked(PAID), 1, 0, DEADLINE),
        MoneyRouted("i1", booked(back), 1, 0, DEADLINE),
    ]


def test_the_deadline_of_a_refund_holds_to_the_millisecond_in_both_orders() -> None:
    for ms_late, follows in ((0, True), (MS, False)):
        money = purchase(minutes=WEEK + ms_late, install_id="i1")
        back = refund("r1", 0)
        for order in ((money, back), (back, money)):
            routed = [fact for fact in tell(*order)[1] if isinstance(fact, MoneyRouted)]
            assert (booked(back) in [fact.money for fact in routed]) is follows


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


# --- what steps are worth together ----------------------------------------------------------------


def step(
    name: Step,
    minutes: float = 0,
    micros: int = 5_000_000,
    *,
    receipt: ReceiptStatus = ReceiptStatus.UNCHECKED,
) -> Money:
    """A step of transaction t1 by install i1."""
    money = purchase("t1", minutes, install_id="i1", micros=micros)
    kind = MoneyKind.PURCHASE if name is Step.PURCHASE else MoneyKind.SUBSCRIPTION
    statement = f"t1:{name.name}:{receipt.name}:{micros}"
    return replace(money, booking_id=statement, kind=kind, step=name, receipt=receipt)


def reversal(refund_id: str, minutes: float, micros: int = 0) -> Money:
    back = refund(refund_id, minutes, micros=micros)
    return replace(
        back,
        booking_id=f"{back.booking_id}:reversed",
        step=Step.REVERSED,
        currency="EUR" if micros else "",
    )


def unstated(refund_id: str, minutes: float) -> Money:
    return replace(refund(refund_id, minutes, micros=0), currency="")


def named(money: Money, refund_id: str) -> Money:
    return replace(money, refund_id=refund_id)


def value_of(*moneys: Money, rules: Rules = RULES) -> int:
    """What is booked in the end, the same in every order; each step is booked once."""
    sums: set[int] = set()
    for order in islice(permutations(moneys), 120):
        booked_micros, live = 0, Counter[tuple[str, int]]()
        for fact in tell(*order, rules=rules)[1]:
            if isinstance(fact, MoneyRouted):
                booked_micros += fact.sign * fact.money.amount_micros
                live[fact.money.booking_id, fact.money.revision] += fact.sign
        assert set(live.values()) <= {0, 1}
        assert sum(live.values()) == len({one.booking_id for one in moneys})
        sums.add(booked_micros)
    (only,) = sums
    return only


PRICE = 5_000_000


@pytest.mark.parametrize(
    ("moneys", "micros"),
    [
        ([step(Step.GRACE, 0, 0), step(Step.RECOVERY, 9)], PRICE),
        ([step(Step.CANCEL, 9), step(Step.START, 0)], PRICE),
        ([step(Step.GRACE), step(Step.BILLING_RETRY), step(Step.EXPIRE), step(Step.CANCEL)], 0),
        ([step(Step.TRIAL_START, 0, 0), step(Step.RENEWAL, 9)], PRICE),
        # The price of a trial is what comes after it, whoever pays that.
        ([step(Step.TRIAL_START)], 0),
        ([step(Step.TRIAL_START, 0, 9_000_000), step(Step.RENEWAL, 9)], PRICE),
        ([step(Step.TRIAL_START, receipt=ReceiptStatus.VALID), step(Step.CANCEL, 9)], 0),
        ([step(Step.TRIAL_START), refund("r1", 5)], 0),
        ([step(Step.START), step(Step.START, 3, 7_000_000)], PRICE),
        ([step(Step.PURCHASE, 0, receipt=ReceiptStatus.PENDING)], 0),
        ([step(Step.PURCHASE, 0, receipt=ReceiptStatus.PENDING), step(Step.PURCHASE, 1)], 0),
        (
            [
                step(Step.PURCHASE, 0, receipt=ReceiptStatus.PENDING),
                step(Step.PURCHASE, 0, receipt=ReceiptStatus.VALID),
            ],
            PRICE,
        ),
        ([step(Step.PURCHASE), step(Step.PURCHASE, 1, receipt=ReceiptStatus.INVALID)], 0),
        (
            [
                step(Step.PURCHASE, 1, receipt=ReceiptStatus.VALID),
                step(Step.PURCHASE, 1, receipt=ReceiptStatus.INVALID),
            ],
            0,
        ),
        (
            [
                step(Step.PURCHASE, 1, receipt=ReceiptStatus.INVALID),
                step(Step.PURCHASE, 2, receipt=ReceiptStatus.VALID),
            ],
            PRICE,
        ),
        (
            [
                step(Step.PURCHASE, 0, 9_000_000),
                step(Step.PURCHASE, 5, receipt=ReceiptStatus.VALID),
            ],
            PRICE,
        ),
        ([step(Step.PURCHASE), step(Step.PURCHASE, 1, 0, receipt=ReceiptStatus.VALID)], PRICE),
        # The state of a subscription is no verdict on what was paid for it.
        ([step(Step.START), step(Step.EXPIRE, 9, receipt=ReceiptStatus.INVALID)], PRICE),
    ],
)
def test_steps_of_one_payment_count_it_once_in_any_order(moneys: list[Money], micros: int) -> None:
    assert value_of(*moneys) == micros


@pytest.mark.parametrize(
    ("refunds", "left"),
    [
        ([unstated("r1", 1)], 0),
        ([refund("r1", 1, micros=-2_000_000), refund("r2", 2, micros=-1_000_000)], 2_000_000),
        ([refund("r1", 1), refund("r2", 2)], 0),
        ([refund("r1", 1, micros=-9_000_000)], 0),
        ([refund("r1", 1, micros=-2_000_000), unstated("r2", 2)], 0),
        ([unstated("r1", 1), refund("r2", 2)], 0),
        ([named(unstated("r1", 1), "r1"), named(reversal("r1", 2), "r1")], PRICE),
        ([named(unstated("r1", 3), "r1"), named(reversal("r1", 2), "r1")], PRICE),
        ([refund("r1", 1, micros=-2_000_000), reversal("r9", 2)], PRICE),
        ([refund("r1", 1), reversal("r9", 2, 1_000_000)], 1_000_000),
        ([refund("r1", 1), reversal("r9", 2), refund("r3", 3)], 0),
        ([reversal("r9", 2)], PRICE),
        ([reversal("r9", 2, 1_000_000)], PRICE),
    ],
)
def test_refunds_take_what_is_left_and_reversals_give_it_back(
    refunds: list[Money], left: int
) -> None:
    assert value_of(PAID, *refunds) == left


def test_what_never_counted_cannot_be_refunded() -> None:
    assert value_of(step(Step.PURCHASE, receipt=ReceiptStatus.INVALID), refund("r1", 5)) == 0
    assert value_of(step(Step.TRIAL_START, 0, 0), refund("r1", 5)) == 0


def test_a_refund_of_what_never_counted_names_no_other_currency() -> None:
    facts = tell(step(Step.PURCHASE, receipt=ReceiptStatus.INVALID), unstated("r1", 5))[1]
    assert {fact.money.currency for fact in facts if isinstance(fact, MoneyRouted)} == {"EUR"}


def test_a_refund_in_another_currency_is_booked_in_its_own() -> None:
    foreign = replace(refund("r1", 5), currency="USD")
    routes = [fact for fact in tell(PAID, foreign)[1] if isinstance(fact, MoneyRouted)]
    counted = [(fact.money.currency, fact.money.amount_micros) for fact in routes]
    assert counted == [("EUR", PRICE), ("USD", -PRICE)]


def test_a_change_of_worth_is_told_as_a_signed_pair_with_ids_of_its_own() -> None:
    pending = step(Step.PURCHASE, 0, receipt=ReceiptStatus.PENDING)
    valid = step(Step.PURCHASE, 9, receipt=ReceiptStatus.VALID)
    invalid = step(Step.PURCHASE, 20, receipt=ReceiptStatus.INVALID)
    routes_of = [
        (
            fact.money.receipt.name,
            fact.sign,
            fact.money.revision,
            fact.move,
            fact.money.amount_micros,
        )
        for fact in tell(pending, valid, invalid)[1]
        if isinstance(fact, MoneyRouted)
    ]
    assert routes_of == [
        ("PENDING", 1, 0, 0, 0),
        ("VALID", 1, 0, 0, PRICE),
        ("VALID", -1, 0, TAKEN_BACK, PRICE),
        ("VALID", 1, 1, 0, 0),
        ("INVALID", 1, 0, 0, 0),
    ]


def test_an_install_is_the_payer_before_an_account_in_any_order() -> None:
    by_account = replace(purchase(minutes=-3), booking_id="by account")
    for order in ((PAID, by_account), (by_account, PAID)):
        left: Counter[str] = Counter()
        for fact in tell(*order)[1]:
            if isinstance(fact, MoneyRouted | AccountMoney):
                payer = fact.install_id if isinstance(fact, MoneyRouted) else fact.key
                left[payer] += fact.sign * fact.money.amount_micros
        assert +left == {"i1": PRICE}


# --- restores -------------------------------------------------------------------------------------

ORIGINAL = replace(purchase("t0", install_id="i0"), booking_id="t0")
RESTORE = replace(purchase("t1", 60, install_id="i1"), original_key="key of t0")


class Keys:
    """Transactions by key; records between them arrive at once."""

    def __init__(self) -> None:
        self.states: dict[str, Transaction | None] = {}
        self.sums: Counter[str] = Counter()
        self.steps: dict[str, Step] = {}

    def read(self, key: str, money: Money) -> None:
        self._note(key, transactions.fold_money(self.states.get(key), money, RULES, key))

    def _note(self, key: str, step: tuple[Transaction, list[MatchFact]]) -> None:
        self.states[key], facts = step
        for fact in facts:
            match fact:
                case MoneyRouted():
                    self.sums[fact.money.transaction_id] += fact.sign * fact.money.amount_micros
                    self.steps[fact.money.transaction_id] = fact.money.step
                case RestoreSeen():
                    known = self.states.get(fact.key)
                    self._note(fact.key, transactions.note_restore(known, fact, RULES))
                case OriginalSeen():
                    known = self.states.get(fact.key)
                    self._note(fact.key, transactions.note_original(known, fact, RULES))
                case _:
                    pass


@pytest.mark.parametrize("order", list(permutations((ORIGINAL, RESTORE))))
def test_a_restore_counts_nothing_whichever_comes_first(order: tuple[Money, ...]) -> None:
    keys = Keys()
    for money in order:
        keys.read(f"key of {money.transaction_id}", money)
    assert keys.sums == {"t0": PRICE, "t1": 0}
    assert keys.steps["t1"] is Step.RESTORED


def test_a_purchase_whose_original_nobody_knows_counts() -> None:
    keys = Keys()
    keys.read("key of t1", RESTORE)
    assert keys.sums == {"t1": PRICE}


def test_an_original_whose_receipt_turns_out_invalid_restores_nothing() -> None:
    keys = Keys()
    for money in (ORIGINAL, RESTORE):
        keys.read(f"key of {money.transaction_id}", money)
    forged = replace(ORIGINAL, booking_id="t0 again", receipt=ReceiptStatus.INVALID)
    keys.read("key of t0", replace(forged, time=at(9)))
    assert keys.sums == {"t0": 0, "t1": PRICE}


def test_of_two_purchases_that_name_each_other_one_counts() -> None:
    for order in permutations((replace(ORIGINAL, original_key="key of t1"), RESTORE)):
        keys = Keys()
        for money in order:
            keys.read(f"key of {money.transaction_id}", money)
        assert keys.sums == {"t0": PRICE, "t1": 0}


# --- bounds ---------------------------------------------------------------------------------------


def test_beyond_the_bound_the_oldest_refund_is_forgotten_and_what_it_took_stays_taken() -> None:
    rules = Rules(refunds_per_purchase_max=1)
    part, rest = refund("r1", 1, micros=-2_000_000), unstated("r2", 2)
    state, facts = tell(PAID, part, rest, part, rules=rules)
    assert Evicted("refunds_per_purchase_max", 1) in facts
    assert facts[-1] == Settled(part.source, "duplicate")
    assert sum(one.micros for one in state.counted) - state.forgotten_micros == 0


def test_beyond_the_bound_the_oldest_parked_refund_expires_early_and_stays_known() -> None:
    rules = Rules(refunds_per_purchase_max=1)
    first, second = refund("r1", -9), refund("r2", -8)
    facts = tell(first, second, first, rules=rules)[1]
    assert Settled(first.source, "expired") in facts
    assert Evicted("refunds_per_purchase_max", 1) in facts
    assert facts[-1] == Settled(first.source, "duplicate")


def test_beyond_the_bound_steps_that_count_nothing_are_forgotten_first() -> None:
    rules = Rules(steps_per_purchase_max=2)
    state, facts = tell(step(Step.START), step(Step.CANCEL, 1), step(Step.EXPIRE, 2), rules=rules)
    assert facts[-1] == Evicted("steps_per_purchase_max", 1)
    assert [one.step for one in state.steps] == [Step.START, Step.EXPIRE]


def test_beyond_the_bound_the_oldest_restore_is_not_told_of_changes_any_more() -> None:
    rules = Rules(restores_per_purchase_max=1)
    state, _ = transactions.note_restore(None, RestoreSeen("t0", "a", PAID.ts), rules)
    state, facts = transactions.note_restore(state, RestoreSeen("t0", "b", PAID.ts), rules)
    assert facts == [Evicted("restores_per_purchase_max", 1)]
    _, facts = transactions.fold_money(state, ORIGINAL, rules, "t0")
    assert [one for one in facts if isinstance(one, OriginalSeen)] == [OriginalSeen("b", True)]
