"""Compares the fold of random histories with the naive one, in random orders.

`python -m tests.laws.money.comparison 200000` compares that many; the gate runs fewer.
"""

from __future__ import annotations

import random
import sys
import time
from typing import NamedTuple

from tests.laws.money.histories import Payment, draw_history
from tests.laws.money.machine import MoneyMachine
from tests.laws.money.naive_family import Bookings, family_bookings

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
        expected = family_bookings(history.by_id)
        for _ in range(ORDERS):
            chance.shuffle(order := history.all)
            slow = chance if chance.random() < 0.5 else None
            check(order, expected, f"seed {seed}, history {number}", slow)
        events += len(history.all)
        with_money += bool(expected)
    return Agreed(count, events, with_money, ORDERS)


def check(order: list[Payment], expected: Bookings, which: str, slow: random.Random | None) -> None:
    machine = MoneyMachine(chance=slow)
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
