"""An account at its bound: a further payment costs little, and takes the place of the oldest."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from attribution.matching.account_state import AccountState, bounded_money
from attribution.matching.accounts import place_money
from attribution.matching.transaction_state import hashed_sale, sale_hash
from attribution.rules.rules import Rules
from schemas.time import LogMs
from tests.worlds.records import account_money, purchase, refund

BOUND = 200
RULES = Rules(money_per_account_max=BOUND)


def full(number_of_deadlines: int) -> AccountState:
    """As many payments as fit, logged at so many different times."""
    state: AccountState | None = None
    for number in range(BOUND):
        money = account_money(purchase(f"t{number}", number % number_of_deadlines))
        state, _ = place_money(state, money, RULES)
    assert state is not None
    return state


@pytest.mark.parametrize(("deadlines", "asked_max"), [(BOUND, 6), (1, BOUND + 10)])
def test_a_payment_beyond_the_bound_hashes_no_sale_anew_but_its_own(
    deadlines: int, asked_max: int
) -> None:
    state = full(deadlines)
    state, _ = place_money(state, account_money(purchase("first beyond", 1_000)), RULES)
    before = hashed_sale.cache_info()
    for number in range(50):
        money = account_money(purchase(f"beyond{number}", 1_001 + number))
        state, _ = place_money(state, money, RULES)
    after = hashed_sale.cache_info()
    assert len(state.placed) == BOUND
    assert after.misses - before.misses <= 2 * 50
    assert after.hits + after.misses - before.hits - before.misses <= asked_max * 50


def test_what_is_forgotten_is_the_oldest_by_deadline_and_sale_with_all_of_its_sale() -> None:
    for seed in range(200):
        state = drawn(random.Random(seed))
        beyond = len(state.placed) - RULES.money_per_account_max
        by_age = sorted(state.placed, key=lambda one: (one.deadline, sale_hash(one.money)))
        gone = {sale_hash(one.money) for one in by_age[:beyond]}

        kept, _ = bounded_money(state, [], RULES)

        assert kept.placed == [one for one in state.placed if sale_hash(one.money) not in gone]
        assert {one.sale for one in kept.settled} == gone


def drawn(chance: random.Random) -> AccountState:
    """A little too much money: of few times, some of it refunds of other sales."""
    state = AccountState()
    rules = replace(RULES, money_per_account_max=10 * BOUND)
    for number in range(BOUND + chance.randrange(1, 4)):
        minutes = chance.randrange(chance.choice((1, 3, 90)))
        sale = f"t{number}"
        if chance.random() < 0.3:
            sale = f"t{chance.randrange(number + 1)}"
            money = refund(f"r{number}", minutes, transaction_id=sale)
        else:
            money = purchase(sale, minutes)
        arrived = replace(account_money(money), deadline=LogMs(money.ts))
        state, _ = place_money(state, arrived, rules)
    return state
