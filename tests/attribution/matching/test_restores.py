"""Purchases that restore another one, and what is refunded of them, in every order of arrival."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import islice, permutations
from typing import Any

import pytest

from attribution.matching import transactions
from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.events import Purchase, Refund, Subscription
from schemas.records import OriginalSeen, RestoreClaim, RestoreSeen
from schemas.time import HOUR_MS, EventMs
from tests.laws.money.histories import START, Payment
from tests.laws.money.machine import MoneyMachine
from tests.worlds.records import RULES, purchase
from tests.worlds.records import refund as refund_of

PRICE = 5_000_000
Bookings = dict[tuple[str, str, str], int]


def bought(name: str, hour: int = 0, original: str | None = None, **fields: Any) -> Purchase:
    """By an install of its own."""
    values: dict[str, Any] = {
        "event_id": f"{name} {hour}",
        "app_id": "app",
        "schema_version": 1,
        "event_time": EventMs(START + hour * HOUR_MS),
        "transaction_id": name,
        "original_transaction_id": original,
        "install_id": f"of {name}",
        "amount_micros": PRICE,
        "currency": "USD",
    }
    return Purchase(**values | fields)


def refunded(name: str, refund_id: str, hour: int = 0, **fields: Any) -> Refund:
    values: dict[str, Any] = {
        "event_id": f"{refund_id} {hour}",
        "app_id": "app",
        "schema_version": 1,
        "event_time": EventMs(START + hour * HOUR_MS),
        "transaction_id": name,
        "refund_id": refund_id,
    }
    return Refund(**values | fields)


def in_some_orders(events: Sequence[Payment], rules: Rules = RULES) -> list[MoneyMachine]:
    machines = []
    for number, order in enumerate(islice(permutations(events), 120)):
        machine = MoneyMachine(rules, random.Random(number) if number % 2 else None)
        machine.read(order)
        machines.append(machine)
    return machines


def bookings(machine: MoneyMachine) -> Bookings:
    return {place: micros for place, micros in machine.booked.items() if micros}


ORIGINAL = bought("t1")
RESTORE = bought("t2", 24, "t1")
AGAIN = bought("t3", 48, "t1")
OF_T1 = {("t1", "install:of t1", "USD"): PRICE}
BOUGHT_BACK = OF_T1 | {("t2", "install:of t1", "USD"): -PRICE}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # The refund of a restore takes from the original, from whoever paid for that.
        ([ORIGINAL, RESTORE, refunded("t2", "r")], BOUGHT_BACK),
        (
            [ORIGINAL, RESTORE, refunded("t2", "r", amount_micros=-2_000_000, currency="USD")],
            OF_T1 | {("t2", "install:of t1", "USD"): -2_000_000},
        ),
        # Once, whatever both are said to be refunded.
        (
            [ORIGINAL, RESTORE, refunded("t1", "r1", 30), refunded("t2", "r2", 40)],
            OF_T1 | {("t1", "install:of t1", "USD"): 0},
        ),
        ([ORIGINAL, RESTORE, refunded("t2", "r", 30), refunded("t2", "r", 40, kind="reversed")],
         OF_T1),
        (
            [ORIGINAL, RESTORE, refunded("t2", "r", amount_micros=-1_000_000, currency="EUR")],
            OF_T1 | {("t2", "install:of t1", "EUR"): -1_000_000},
        ),
        # Nobody has seen the original: the earliest of those that restore it stands for it.
        ([RESTORE, AGAIN], {("t2", "install:of t2", "USD"): PRICE}),
        (
            [RESTORE, AGAIN, refunded("t3", "r")],
            {("t2", "install:of t2", "USD"): PRICE, ("t3", "install:of t2", "USD"): -PRICE},
        ),
        ([RESTORE, AGAIN, refunded("t2", "r")], {}),
        ([ORIGINAL, RESTORE, AGAIN], OF_T1),
        # A forged original restores nothing, and a forged restore stands for nothing.
        (
            [bought("t1", receipt_status="invalid"), RESTORE, AGAIN, refunded("t3", "r")],
            {("t2", "install:of t2", "USD"): PRICE, ("t3", "install:of t2", "USD"): -PRICE},
        ),
        (
            [bought("t2", 24, "t1", receipt_status="invalid"), AGAIN],
            {("t3", "install:of t3", "USD"): PRICE},
        ),
        (
            [ORIGINAL, bought("t2", 24, "t1", receipt_status="invalid"), refunded("t2", "r")],
            OF_T1,
        ),
        # A restore of a restore.
        (
            [ORIGINAL, RESTORE, bought("t3", 48, "t2"), refunded("t3", "r")],
            OF_T1 | {("t3", "install:of t1", "USD"): -PRICE},
        ),
        (
            [RESTORE, bought("t3", 48, "t2"), refunded("t3", "r")],
            {("t2", "install:of t2", "USD"): PRICE, ("t3", "install:of t2", "USD"): -PRICE},
        ),
        # Two that name each other: the lesser one is the original.
        (
            [bought("t1", 0, "t2"), RESTORE, refunded("t2", "r")],
            BOUGHT_BACK,
        ),
        # Two steps of one purchase name different originals: the first that was named counts.
        (
            [ORIGINAL, RESTORE, bought("t2", 60, "t9"), refunded("t2", "r")],
            BOUGHT_BACK,
        ),
        # Of test traffic nothing meets the real one.
        (
            [ORIGINAL, bought("t2", 24, "t1", environment="sandbox")],
            OF_T1 | {("t2", "install:of t2", "USD"): PRICE},
        ),
    ],
)  # fmt: skip
def test_what_restores_each_other_is_one_payment(events: list[Payment], expected: Bookings) -> None:
    if ("t1", "install:of t1", "USD") in expected and not expected["t1", "install:of t1", "USD"]:
        expected = {}
    for machine in in_some_orders(events):
        assert bookings(machine) == expected
        assert all(live in (0, 1) for live in machine.live.values())


def test_of_a_family_no_more_is_taken_back_than_was_paid() -> None:
    events: list[Payment] = [ORIGINAL, RESTORE, AGAIN, refunded("t2", "r2"), refunded("t3", "r3")]
    for machine in in_some_orders(events):
        assert sum(bookings(machine).values()) == 0
        # The refund that came first takes all of it.
        assert bookings(machine) == BOUGHT_BACK


def test_an_account_that_paid_for_the_original_gets_the_refund_of_a_restore() -> None:
    by_account = bought("t1", install_id=None, customer_user_id="u1")
    for machine in in_some_orders([by_account, RESTORE, refunded("t2", "r")]):
        assert bookings(machine) == {
            ("t1", "account:u1", "USD"): PRICE,
            ("t2", "account:u1", "USD"): -PRICE,
        }


def test_three_that_name_each_other_in_a_ring_come_to_an_end() -> None:
    ring = [bought("t1", 0, "t3"), bought("t2", 1, "t1"), bought("t3", 2, "t2")]
    for machine in in_some_orders([*ring, refunded("t2", "r")]):
        assert bookings(machine) == {}


def test_a_restore_that_an_earlier_version_told_of_is_still_one() -> None:
    """It made no claim: only whether the original is paid is answered, as that version does."""
    state, _ = transactions.note_restore(None, RestoreSeen("t1", "t2", purchase().ts), RULES)
    state, facts = transactions.fold_money(state, purchase("t1", install_id="i1"), RULES, "t1")
    assert facts[-1] == OriginalSeen("t2", True)


def test_beyond_the_bound_refunds_that_others_claim_take_nothing() -> None:
    rules = Rules(refunds_per_purchase_max=1)
    claim = RestoreClaim(None, None, [refund_of("r1", 1), refund_of("r2", 2)])
    seen = RestoreSeen("t1", "t2", purchase().ts, claim)
    state, facts = transactions.note_restore(None, seen, rules)
    assert facts[0] == Evicted("refunds_per_purchase_max", 1)
    assert [one.refund_id for one in state.claims["t2"].refunds] == [claim.refunds[0].refund_id]


def test_what_forgotten_refunds_of_a_restore_took_stays_taken() -> None:
    """Beyond the bound the oldest refund is forgotten, also by the original that it took from."""
    rules = Rules(refunds_per_purchase_max=1)
    part: dict[str, Any] = {"amount_micros": -3_000_000, "currency": "USD"}
    events: list[Payment] = [
        ORIGINAL,
        RESTORE,
        refunded("t2", "r1", 30, **part),
        refunded("t2", "r2", 40, **part),
    ]
    machine = MoneyMachine(rules)
    machine.read(events)
    assert sum(bookings(machine).values()) == 0


def test_an_answer_to_a_purchase_that_is_forgotten_leaves_nothing() -> None:
    answer = OriginalSeen("t2", True, {}, "t1")
    assert transactions.take_record(None, answer, RULES) == (None, [])


def test_a_trial_is_no_original_that_was_paid() -> None:
    trial = Subscription(
        **{name: getattr(ORIGINAL, name) for name in ORIGINAL.__struct_fields__},
        kind="trial_start",
    )
    for machine in in_some_orders([trial, RESTORE]):
        assert bookings(machine) == {("t2", "install:of t2", "USD"): PRICE}


def test_an_answer_of_another_original_is_not_listened_to() -> None:
    state, _ = transactions.fold_money(None, purchase("t2", install_id="i2"), RULES, "t2")
    assert transactions.note_original(state, OriginalSeen("t2", True, {}, "t9"), RULES) == (
        state,
        [],
    )
