"""What an original and the purchases that restore it are worth together, read off all events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from schemas.events import Purchase, Refund
from tests.laws.money.histories import ORIGINAL, Payment
from tests.laws.money.naive_fold import PAYS, earliest, is_bought, paid, payer, take_back, word

Bookings = dict[tuple[str, str, str], int]
"""(transaction, payer, currency) -> micros"""


def family_bookings(events: Mapping[str, Sequence[Payment]]) -> Bookings:
    """Of all transactions by id; those that name another one name the original."""
    found: Counter[tuple[str, str, str]] = Counter()
    once = {name: earliest(steps) for name, steps in events.items()}
    family = {ORIGINAL: once.get(ORIGINAL, [])}
    for name, steps in once.items():
        if name != ORIGINAL and restores(steps):
            family[name] = steps
        elif name != ORIGINAL:
            found.update(_bookings(name, {name: steps}))
    found.update(_bookings(family_head(family), family))
    return {place: micros for place, micros in found.items() if micros}


def restores(steps: Sequence[Payment]) -> bool:
    paying = [one for one in steps if not isinstance(one, Refund) and word(one) in PAYS]
    return all(isinstance(one, Purchase) for one in paying) and any(
        one.original_transaction_id not in (None, one.transaction_id) for one in paying
    )


def family_head(family: Mapping[str, Sequence[Payment]], original: str = ORIGINAL) -> str:
    """The transaction that counts: the original, else the earliest payment of the others."""
    if is_bought(family.get(original, ())):
        return original
    standing = [(_paid_at(steps), name) for name, steps in family.items() if is_bought(steps)]
    return min(standing)[1] if standing else ""


def _paid_at(steps: Sequence[Payment]) -> int:
    amount, currency = paid(steps, ())
    paying = [one for one in steps if not isinstance(one, Refund) and word(one) in PAYS]
    for receipt in ("valid", "unchecked", "pending"):
        times = [
            one.event_time
            for one in paying
            if one.receipt_status == receipt
            and (one.amount_micros, one.currency) == (amount, currency)
        ]
        if times:
            return min(times)
    raise AssertionError(steps)


def _bookings(head: str, family: Mapping[str, Sequence[Payment]]) -> Bookings:
    if not head or not is_bought(family[head]):
        return {}
    who = payer([one for one in family[head] if not isinstance(one, Refund)])
    micros, currency = paid(family[head], ())
    found: Counter[tuple[str, str, str]] = Counter({(head, who, currency): micros})
    refunds = [
        one
        for name, steps in family.items()
        if name in (head, ORIGINAL) or is_bought(steps)
        for one in steps
        if isinstance(one, Refund)
    ]
    sale_of = {one.refund_id: one.transaction_id for one in refunds}
    moved = take_back(Counter({currency: micros}), micros, currency, refunds) if currency else {}
    for name, by_unit in moved.items():
        for unit, change in by_unit.items():
            found[sale_of[name], who, unit] += change
    return dict(found)
