"""Compares the fold of random histories with the naive one, in random orders.

`python -m tests.laws.money.comparison 200000` compares that many; the gate runs fewer.
"""

from __future__ import annotations

import random
import sys
import time
from typing import NamedTuple

from tests.laws.money.histories import History, Payment, draw_history
from tests.laws.money.machine import MoneyMachine
from tests.laws.money.naive_fold import value_of

ORDERS = 3


class Agreed(NamedTuple):
    """What a comparison covered; it raises where anything differs."""

    histories: int
    events: int
    with_money: int
    orders: int


def compare(count: int, seed: int) -> Agreed:
    """Draw histories and read each in several orders; raise at the first that differs."""
    events = with_money = 0
    for number in range(count):
        chance = random.Random(f"{seed}:{number}")
        history = draw_history(chance)
        expected = expected_bookings(history)
        for _ in range(ORDERS):
            chance.shuffle(order := history.all)
            check(order, expected, f"seed {seed}, history {number}")
        events += len(history.all)
        with_money += bool(expected)
    return Agreed(count, events, with_money, ORDERS)


def expected_bookings(history: History) -> dict[tuple[str, str, str], int]:
    """(transaction, payer, currency) -> micros"""
    bookings = {}
    folded = {"t2": value_of(history.events, history.original)}
    if history.original:
        folded["t1"] = value_of(history.original)
    for name, (payer, micros) in folded.items():
        for currency, amount in micros.items():
            bookings[name, payer, currency] = amount
    return bookings


def check(order: list[Payment], expected: dict[tuple[str, str, str], int], which: str) -> None:
    machine = MoneyMachine()
    machine.read(order)
    found = {place: micros for place, micros in machine.booked.items() if micros}
    if found != expected:
        raise AssertionError(f"{which}: {order}\nfound {found}\nexpected {expected}")
    wrong = {name: n for name, n in machine.live.items() if n not in (0, 1)}
    steps = [step for (step, _), n in machine.live.items() if n == 1]
    if wrong or len(steps) != len(set(steps)):
        raise AssertionError(f"{which}: booked more than once: {wrong or steps}")


if __name__ == "__main__":
    began = time.perf_counter()
    agreed = compare(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print(f"{agreed} in {time.perf_counter() - began:.1f} s: 0 differ")
