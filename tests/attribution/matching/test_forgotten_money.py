"""Money beyond the bounds: what is forgotten, and that sums stay right without it."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from attribution.matching import accounts, transactions
from attribution.matching.account_state import AccountState
from attribution.matching.facts import Evicted, MatchFact, MoneyWaiting, Settled
from attribution.matching.transaction_state import Transaction, TransactionBefore, sale_hash
from attribution.rules.rules import Rules
from schemas.records import (
    AccountLinked,
    AccountMoney,
    Money,
    MoneyKind,
    MoneyRouted,
    RestoreSeen,
    Step,
)
from schemas.time import LogMs
from tests.worlds.clock import logged_at
from tests.worlds.records import RULES, account_money, purchase, refund, signed_in

FIRST, SECOND, THIRD = purchase(), purchase("t2", 1), purchase("t3", 2)
BACK = AccountMoney("user", refund("r1", 5), FIRST.time, FIRST.ts + RULES.parking_ms)


def tell(
    *records: AccountLinked | AccountMoney, room: int = 1, remembered: int = 9
) -> tuple[AccountState, list[MatchFact]]:
    """The state after all records, and what the last one changes."""
    rules = Rules(money_per_account_max=room, settled_sales_per_account_max=remembered)
    state: AccountState | None = None
    facts: list[MatchFact] = []
    for record in records:
        if isinstance(record, AccountLinked):
            state, facts = accounts.link_account(state, record, rules)
        else:
            state, facts = accounts.place_money(state, record, rules)
    assert state is not None
    return state, facts


def pays(*moneys: Money) -> list[AccountMoney]:
    return [account_money(money) for money in moneys]


def routes(facts: list[MatchFact]) -> list[tuple[str, int]]:
    return [(fact.install_id, fact.sign) for fact in facts if isinstance(fact, MoneyRouted)]


def test_a_refund_of_forgotten_money_goes_where_that_money_stayed() -> None:
    history: list[AccountLinked | AccountMoney] = [
        signed_in("a", -9),
        *pays(FIRST, SECOND),
        signed_in("b", -5),
    ]
    assert routes(tell(*history)[1]) == [("a", -1), ("b", 1)]  # only the second moves
    assert routes(tell(*history, BACK)[1]) == [("a", 1)]
    assert routes(tell(*history, replace(account_money(FIRST), sign=-1))[1]) == [("a", -1)]


def test_a_refund_of_money_that_expired_early_expires_too() -> None:
    _, facts = tell(*pays(FIRST, SECOND), signed_in("a", -9), BACK)
    assert facts == [
        MoneyWaiting(BACK.money, "expired", "account", BACK.deadline),
        Settled(BACK.money.source, "expired"),
    ]


def test_the_oldest_transaction_is_forgotten_as_a_whole_whatever_came_first() -> None:
    for order in ((SECOND, FIRST), (FIRST, SECOND)):
        state, facts = tell(signed_in("a", -9), *pays(*order))
        assert [one.money for one in state.placed] == [SECOND]
        assert Evicted("money_per_account_max", 1) in facts
        assert not [one for one in facts if isinstance(one, Settled)]  # an install has it
    state, facts = tell(signed_in("a", -9), *pays(FIRST), BACK, *pays(SECOND), room=2)
    assert [one.money for one in state.placed] == [SECOND]
    assert facts[-1] == Evicted("money_per_account_max", 2)


def test_places_of_forgotten_money_are_bounded_and_counted() -> None:
    fourth = purchase("t4", 3)
    state, facts = tell(
        signed_in("a", -9), *pays(FIRST, SECOND, THIRD, fourth), remembered=1
    )  # fmt: skip
    assert [one.sale for one in state.settled] == [sale_hash(THIRD)]
    assert facts[-1] == Evicted("settled_sales_per_account_max", 1)


def test_places_of_forgotten_money_are_remembered_until_its_deadline() -> None:
    state, _ = tell(signed_in("a", -9), *pays(FIRST, SECOND))
    due = accounts.account_due(state)
    assert due == BACK.deadline + 1
    kept, _ = accounts.expire_account_money(state, BACK.deadline)
    gone, _ = accounts.expire_account_money(state, due)
    assert (kept.settled, gone.settled) == (state.settled, [])


def test_only_the_booking_that_is_taken_back_goes() -> None:
    again = account_money(replace(FIRST, revision=1))
    back = replace(account_money(FIRST), sign=-1)
    state, facts = tell(*pays(SECOND), again, *pays(FIRST), back, room=9)
    assert [one.money.revision for one in state.placed] == [0, 1]
    assert facts == [MoneyWaiting(FIRST, "released", "account", BACK.deadline)]


def test_real_money_never_follows_a_link_of_test_traffic() -> None:
    link = replace(signed_in("a", -9), is_sandbox=True)
    assert routes(tell(link, *pays(FIRST))[1]) == []
    assert routes(tell(link, *pays(replace(FIRST, is_sandbox=True)))[1]) == [("a", 1)]


def test_an_id_names_one_sale_in_each_app_environment_and_kind() -> None:
    ad = replace(FIRST, kind=MoneyKind.AD_REVENUE)
    others = [replace(FIRST, is_sandbox=True), replace(FIRST, app_id="b"), ad, SECOND]
    assert len({sale_hash(one) for one in (FIRST, *others)}) == 5
    assert sale_hash(FIRST) == sale_hash(BACK.money)


# --- transactions ---------------------------------------------------------------------------------

PAID = purchase(install_id="i1")


def folded(*moneys: Money, rules: Rules = RULES) -> tuple[Transaction, list[MatchFact]]:
    state = Transaction()
    facts: list[MatchFact] = []
    for money in moneys:
        state, new = transactions.fold_money(state, money, rules, "t1")
        facts += new
    return state, facts


def test_refunds_that_are_forgotten_leave_only_the_rest_to_take() -> None:
    rules = Rules(refunds_per_purchase_max=1)
    parts = [refund(f"r{at}", at, micros=-2_000_000) for at in range(4)]
    net, live = 0, Counter[str]()
    for fact in folded(PAID, *parts, parts[0], parts[2], rules=rules)[1]:
        if isinstance(fact, MoneyRouted):
            net += fact.sign * fact.money.amount_micros
            live[fact.money.booking_id] += fact.sign
    assert net == 0
    assert live[PAID.booking_id] == 1


def test_a_transaction_is_remembered_from_its_last_record_on() -> None:
    late = refund("r1", 99)
    state, _ = folded(PAID, late)
    kept_until = transactions.transaction_expires_at
    assert kept_until(state, RULES) == late.ts + RULES.transaction_retention_ms
    state, _ = transactions.note_restore(state, RestoreSeen("t1", "t9", logged_at(200)), RULES)
    assert kept_until(state, RULES) == logged_at(200) + RULES.transaction_retention_ms
    shown, _ = folded(replace(PAID, kind=MoneyKind.AD_REVENUE))
    assert kept_until(shown, RULES) == PAID.ts + RULES.impression_retention_ms


def test_a_refund_of_a_purchase_that_is_forgotten_waits_and_expires() -> None:
    """The state is gone: the refund finds no purchase, and takes nothing from anybody."""
    late = refund("r1", 99)
    state, facts = folded(late)
    assert facts[-1] == Settled(late.source, "parked")
    overdue = LogMs(late.ts + RULES.parking_ms + 1)
    _, facts = transactions.expire_refunds(state, overdue, RULES)
    assert facts[-1] == Settled(late.source, "expired")


def test_of_parked_refunds_the_one_logged_first_goes_whatever_came_first() -> None:
    older, newer = refund("r1", 1), refund("r2", 2)
    for order in ((newer, older), (older, newer)):
        state, _ = folded(*order, rules=Rules(refunds_per_purchase_max=1))
        assert state.parked == [newer]


def test_a_transaction_as_it_was_stored_before_keeps_what_waits() -> None:
    waits = refund("r1", 5)
    assert TransactionBefore(PAID, [], [waits]).upgraded(RULES).parked == [waits]


def test_a_refund_waits_from_when_it_was_logged_however_old_it_is() -> None:
    late = replace(refund("r1", 1), ts=logged_at(500))
    assert folded(late)[1][0] == MoneyWaiting(
        late, "parked", "purchase", LogMs(late.ts + RULES.parking_ms)
    )


def test_silent_steps_are_forgotten_before_those_that_could_pay() -> None:
    again = replace(PAID, booking_id="again", amount_micros=9, time=refund("r", 3).time)
    silent = replace(
        PAID, booking_id="silent", kind=MoneyKind.SUBSCRIPTION, step=Step.CANCEL, ts=logged_at(9)
    )
    state, facts = folded(PAID, again, silent, rules=Rules(steps_per_purchase_max=2))
    assert state.steps == [PAID, again]
    assert facts[-1] == Evicted("steps_per_purchase_max", 1)
