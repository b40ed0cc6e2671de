"""What payments and refunds are worth together, family by family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from schemas import events
from tests.laws.money.naive_family import family_head, restores
from tests.laws.money.naive_fold import PAYS, earliest, is_bought, paid, take_back, word
from tests.simulation.oracle.logged_event import Seen
from tests.simulation.scenarios.scenario import RULES

Family = dict[str, list[Seen]]
"""The steps of an original and of those that restore it, by transaction id."""


def money_id(event: Any) -> str:
    if isinstance(event, events.AdRevenue):
        return f"ad {event.app_id}:{event.impression_id}"
    if isinstance(event, events.Refund):
        return f"refund {event.app_id}:{event.transaction_id}:{event.refund_id}"
    return f"{event.app_id}:{event.transaction_id}"


def statement(event: Any) -> tuple[object, ...]:
    """What is the same in all copies of a step."""
    step = getattr(event, "kind", "") or type(event).__name__
    return money_id(event), step


def families(by_sale: Mapping[tuple[str, str], list[Seen]]) -> Iterator[tuple[str, Family]]:
    """The id of the original, and all that belongs to it."""
    found: dict[tuple[str, str], Family] = {}
    for (app_id, sale), steps in by_sale.items():
        original = sale
        if restores([one.event for one in steps]):
            original = next(
                named for one in steps
                if (named := getattr(one.event, "original_transaction_id", None))
            )  # fmt: skip
        found.setdefault((app_id, original), {})[sale] = steps
    for (_, original), family in found.items():
        yield original, family


def in_time(family: tuple[str, Family]) -> tuple[tuple[str, Family], list[Seen]]:
    """Without the refunds that wait for their purchase in vain, and those."""
    original, sales = family
    late = []
    counted: Family = {}
    for sale, steps in sales.items():
        paying = [one for one in steps if _is_paying(one.event)]
        for one in steps:
            is_refund = isinstance(one.event, events.Refund)
            if is_refund and all(sold.ts > one.ts + RULES.parking_ms for sold in paying):
                late.append(one)
            else:
                counted.setdefault(sale, []).append(one)
    return (original, counted), late


def shared_out(family: tuple[str, Family]) -> Iterator[tuple[Seen, Seen, tuple[int, str]]]:
    """Every step, the one that says who paid, and what it counts."""
    original, sales = family
    once = {sale: earliest([one.event for one in steps]) for sale, steps in sales.items()}
    head = family_head(once, original)
    micros, currency = paid(once[head], ()) if head else (0, "")
    refunds = [
        one
        for sale, steps in once.items()
        if sale in (head, original) or is_bought(steps)
        for one in steps
        if isinstance(one, events.Refund)
    ]
    moving: set[tuple[str, bool]] = set()
    money = Counter({currency: micros})
    moved = take_back(money, micros, currency, refunds, moving) if head else {}
    is_charged = False
    done = set()
    for sale, steps in sales.items():
        payer = next(one for one in steps if not isinstance(one.event, events.Refund))
        head_payer = next(
            (one for one in sales.get(head, ()) if not isinstance(one.event, events.Refund)), payer
        )
        for one in steps:
            event = one.event
            if isinstance(event, events.Refund):
                name = sale, event.refund_id
                stated = event.currency if event.amount_micros else None
                stated = stated or currency or _would_pay(steps)
                ((unit, change),) = moved.get(event.refund_id, {}).items() or ((stated, 0),)
                # A refund that is given back whole was taken from somebody all the same.
                takes = (event.refund_id, event.kind == "reversed") in moving
                yield one, head_payer if takes else payer, (0 if name in done else change, unit)
                done.add(name)
                continue
            counts = sale == head and not is_charged and word(event) in PAYS - {"trial_start"}
            is_charged = is_charged or counts
            yield one, payer, (micros if counts else 0, event.currency)


def _would_pay(steps: list[Seen]) -> str:
    """The currency of what nobody paid, as a trial: a refund that names none has it, too."""
    priced = [one.event for one in steps if not isinstance(one.event, events.Refund)]
    first = min(priced, key=lambda event: (event.amount_micros == 0, event.event_time))
    return str(first.currency)


def _is_paying(event: Any) -> bool:
    return not isinstance(event, events.Refund) and word(event) in PAYS
