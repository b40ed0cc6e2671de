"""What a transaction is worth and who paid, read off all its events at once.

It shares the structs of events with the product, nothing else: no records, no state, no order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from schemas.events import Purchase, Refund, Subscription

Charge = Purchase | Subscription
PAYS = {"purchase", "trial_start", "start", "renewal", "recovery", "product_change"}
CHARGES = PAYS - {"trial_start"}  # a trial is free, whatever price it states


class Value(NamedTuple):
    """Micros by currency, without those that are nothing."""

    payer: str  # install:..., account:..., or "" when there was no charge
    micros: dict[str, int]


def earliest(events: Sequence[Charge | Refund]) -> list[Charge | Refund]:
    """Every statement once: repeats of it, whatever their ids, count when it was first made."""
    once: dict[tuple[object, ...], Charge | Refund] = {}
    for one in sorted(events, key=lambda one: one.event_time):
        if isinstance(one, Refund):
            amount = one.amount_micros or 0
            what: tuple[object, ...] = (
                one.refund_id, one.kind, amount, one.currency if amount else ""
            )  # fmt: skip
        else:
            original = one.original_transaction_id if isinstance(one, Purchase) else None
            restores = original if original != one.transaction_id else None
            what = (
                word(one), one.receipt_status, one.amount_micros, one.currency, one.install_id,
                one.customer_user_id, restores,
            )  # fmt: skip
        once.setdefault(what, one)
    return list(once.values())


def word(event: Charge) -> str:
    if not isinstance(event, Subscription):
        return "purchase"
    return "trial_start" if event.kind == "start" and event.is_trial else event.kind


def receipts(events: Sequence[Charge | Refund]) -> str:
    """valid, invalid, pending or unchecked."""
    paying = [one for one in events if not isinstance(one, Refund) and word(one) in PAYS]
    last = max((one.event_time for one in paying if one.receipt_status in ("valid", "invalid")),
               default=None)  # fmt: skip
    verdicts = {one.receipt_status for one in paying if one.event_time == last}
    for verdict in ("invalid", "valid"):
        if last is not None and verdict in verdicts:
            return verdict
    return "pending" if "pending" in {one.receipt_status for one in paying} else "unchecked"


def is_bought(events: Sequence[Charge | Refund]) -> bool:
    pays = any(not isinstance(one, Refund) and word(one) in CHARGES for one in events)
    return pays and receipts(events) in ("valid", "unchecked")


def value_of(events: Sequence[Charge | Refund], original: Sequence[Charge | Refund] = ()) -> Value:
    charges = [one for one in events if not isinstance(one, Refund)]
    money: Counter[str] = Counter()
    for micros, currency in parts(events, original).values():
        money[currency] += micros
    return Value(payer(charges), {unit: n for unit, n in money.items() if n})


def parts(
    events: Sequence[Charge | Refund], original: Sequence[Charge | Refund] = ()
) -> dict[str, tuple[int, str]]:
    """What the payment and each refund is value, by refund id; "" is the payment."""
    events, original = earliest(events), earliest(original)
    refunds = [one for one in events if isinstance(one, Refund)]
    micros, currency = paid(events, original)
    moved = take_back(Counter({currency: micros}), micros, currency, refunds) if currency else {}
    found = {one.refund_id: (0, currency or one.currency or "") for one in refunds}
    for name, by_unit in moved.items():
        for unit, change in by_unit.items():
            found[name] = change, unit
    return found | {"": (micros, currency)}


def paid(events: Sequence[Charge | Refund], original: Sequence[Charge | Refund]) -> tuple[int, str]:
    paying = [one for one in events if not isinstance(one, Refund) and word(one) in PAYS]
    only_purchases = all(isinstance(one, Purchase) for one in paying)
    names_another = any(
        isinstance(one, Purchase) and one.original_transaction_id not in (None, one.transaction_id)
        for one in paying
    )
    if only_purchases and names_another and is_bought(original):
        return 0, ""
    if not is_bought(events):
        return 0, ""
    paying = [one for one in paying if word(one) in CHARGES]
    for with_amount in (True, False):
        for receipt in ("valid", "unchecked", "pending"):
            same = [
                one
                for one in paying
                if one.receipt_status == receipt and (one.amount_micros > 0) is with_amount
            ]
            if same:
                first = min(one.event_time for one in same)
                # Where they disagree at one moment, any of them may count, but always the same.
                stated = {
                    (one.amount_micros, one.currency) for one in same if one.event_time == first
                }
                return min(stated) if len(stated) == 1 else (-1, "?")
    return 0, ""


def take_back(
    money: Counter[str],
    micros: int,
    currency: str,
    refunds: list[Refund],
    moving: set[tuple[str, bool]] | None = None,
) -> dict[str, Counter[str]]:
    """Take the refunds from the money; what each moved, by refund id and currency. `moving` gets
    the statements, of a refund or its reversal, that moved anything."""
    moved: dict[str, Counter[str]] = {one.refund_id: Counter() for one in refunds}
    took: dict[str, tuple[int, str]] = {}
    for _, is_reversal, name, amount, stated_unit in statements(refunds):
        unit = stated_unit or currency
        if not is_reversal:
            if unit == currency or not amount:
                taken, unit = min(amount or micros, money[currency]), currency
            else:
                taken = amount
            took[name] = taken, unit
            change = -taken
        else:
            gone = {currency: micros - money[currency]}
            gone |= {other: -n for other, n in money.items() if other != currency}
            change = min(amount, gone.get(unit, 0)) if amount else gone[currency]
            unit = unit if amount else currency
            if name in took:
                back, of = took[name]
                back = amount if amount and stated_unit == of else back
                change, unit = min(back, gone[of]), of
        money[unit] += change
        moved[name][unit] += change
        if moving is not None and change:
            moving.add((name, is_reversal))
    return moved


def statements(refunds: list[Refund]) -> list[tuple[int, bool, str, int, str]]:
    """What every refund and reversal says, once by its id, in order of time."""
    once: dict[tuple[str, bool], tuple[bool, int, int, str]] = {}
    for one in refunds:
        amount = abs(one.amount_micros or 0)
        statement = not amount, one.event_time, amount, one.currency or "" if amount else ""
        name = one.refund_id, one.kind == "reversed"
        once[name] = min(statement, once.get(name, statement))
    lines = []
    for (refund_id, is_reversal), (_, at, amount, unit) in once.items():
        refunded = once.get((refund_id, False))
        after = max(at, refunded[1]) if refunded is not None else at
        lines.append((after, is_reversal, refund_id, amount, unit))
    return sorted(lines)


def payer(charges: Sequence[Charge]) -> str:
    charges = [one for one in earliest(charges) if not isinstance(one, Refund)]
    best = min(
        (
            one.receipt_status == "invalid",
            word(one) not in PAYS,
            one.install_id is None,
            one.event_time,
            f"install:{one.install_id}" if one.install_id else f"account:{one.customer_user_id}",
        )
        for one in charges
    )
    return best[-1]
