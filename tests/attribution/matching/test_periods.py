"""Periods of a subscription under one transaction id: one payment, and a step for each."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from schemas.events import Subscription
from schemas.time import DAY_MS, EventMs
from tests.laws.money.histories import START
from tests.laws.money.machine import MoneyMachine

PRICE = 5_000_000
MONTH = 30


def renewal(day: float, begin_day: int | None = None, **fields: Any) -> Subscription:
    values: dict[str, Any] = {
        "event_id": f"e{day}",
        "app_id": "app",
        "schema_version": 1,
        "event_time": EventMs(START + int(day * DAY_MS)),
        "transaction_id": "t1",
        "original_transaction_id": "t1",
        "install_id": "i1",
        "amount_micros": PRICE,
        "currency": "USD",
        "kind": "renewal",
        "period_start_time": None if begin_day is None else EventMs(START + begin_day * DAY_MS),
    }
    return Subscription(**values | fields)


@pytest.mark.parametrize(
    ("events", "steps"),
    [
        ([renewal(0), renewal(MONTH), renewal(2 * MONTH)], 3),
        ([renewal(0, 0), renewal(MONTH, MONTH)], 2),
        # Told again within the week that began: a copy, whichever came first.
        ([renewal(0.1), renewal(0.2), renewal(MONTH)], 2),
        # The store says again, weeks later, when the period began.
        ([renewal(0, 0), renewal(MONTH, 0)], 1),
        # Nobody has paid, so nobody has paid again.
        ([renewal(0, amount_micros=0), renewal(MONTH, amount_micros=0)], 1),
        ([renewal(0, kind="cancel"), renewal(MONTH, kind="cancel")], 1),
        ([renewal(0, kind="trial_start"), renewal(MONTH, kind="trial_start")], 1),
    ],
)
def test_each_period_is_a_step_and_one_of_them_counts(
    events: list[Subscription], steps: int
) -> None:
    is_paid = all(one.kind == "renewal" for one in events)
    for order in permutations(events):
        machine = MoneyMachine()
        machine.read(order)
        assert sum(machine.booked.values()) == (events[0].amount_micros if is_paid else 0)
        assert len([1 for live in machine.live.values() if live]) == steps
        assert machine.settled["duplicate"] == len(events) - steps


def test_a_verdict_is_as_old_as_it_was_first_given() -> None:
    """Who states a valid receipt again for the next period does not outdo the verdict since."""
    valid: dict[str, Any]
    forged: dict[str, Any]
    valid, forged = {"receipt_status": "valid"}, {"receipt_status": "invalid"}
    events = [renewal(0, **valid), renewal(5, **forged), renewal(MONTH, **valid)]
    for order in permutations(events):
        machine = MoneyMachine()
        machine.read(order)
        assert sum(machine.booked.values()) == 0


def test_copies_of_a_later_period_are_known() -> None:
    machine = MoneyMachine()
    machine.read([renewal(0), renewal(MONTH), renewal(MONTH, event_id="copy"), renewal(0)])
    assert machine.settled["duplicate"] == 2
    assert len(machine.live) == 2
