"""Random histories of transactions, as stores and backends send them."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from schemas.events import Purchase, Refund, Subscription
from schemas.time import DAY_MS, HOUR_MS

Payment = Purchase | Subscription | Refund
START = 1_790_000_000_000
ORIGINAL = "t1"
AMOUNTS = (0, 1_990_000, 4_990_000, 4_990_000, 9_990_000)
RECEIPTS = ("unchecked", "unchecked", "unchecked", "valid", "valid", "pending", "invalid")
KINDS: tuple[Any, ...] = (
    "trial_start",
    "start",
    "start",
    "renewal",
    "recovery",
    "product_change",
    "grace",
    "billing_retry",
    "cancel",
    "expire",
)


class History(NamedTuple):
    """Events by transaction id: of one, or of an original and of those that restore it."""

    by_id: dict[str, list[Payment]]

    @property
    def all(self) -> list[Payment]:
        return [one for events in self.by_id.values() for one in events]


def draw_history(chance: random.Random) -> History:
    """A third of all events say something twice; a fourth of all histories restore something."""
    price = chance.choice(AMOUNTS)
    if chance.random() > 0.25:
        return History({"t2": _transaction(chance, "t2", price, chance.random() < 0.5, "t2")})
    restored = chance.choice((["t2"], ["t2"], ["t2", "t3"], ["t2", "t3", "t4"]))
    by_id = {name: _transaction(chance, name, price, False, ORIGINAL) for name in restored}
    if chance.random() < 0.7:
        by_id[ORIGINAL] = _transaction(chance, ORIGINAL, price, False, ORIGINAL)
    return History(by_id)


def _transaction(
    chance: random.Random, name: str, price: int, is_subscription: bool, original: str
) -> list[Payment]:
    """Between one and nine events."""
    charges = [
        # Clients call the start of a subscription a purchase, with the same id.
        _charge(chance, name, price, is_subscription and chance.random() < 0.9, original)
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4)))
    ]
    refunds = [_refund(chance, name, price) for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 3, 4)))]
    events: list[Payment] = [*charges, *refunds]
    events += [_again(chance, one) for one in events if chance.random() < 0.3]
    return _unambiguous(events)


def _common(chance: random.Random) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "event_id": f"e{chance.getrandbits(40):x}",
        "app_id": "app",
        # A few moments, so that many fall together.
        "event_time": START + chance.randrange(6) * HOUR_MS,
    }


def _charge(
    chance: random.Random, transaction_id: str, price: int, is_subscription: bool, original: str
) -> Purchase | Subscription:
    fields = _common(chance) | {
        "transaction_id": transaction_id,
        "original_transaction_id": chance.choice((original, original, None)),
        "amount_micros": price if chance.random() < 0.7 else chance.choice(AMOUNTS),
        "currency": "USD" if chance.random() < 0.9 else "EUR",
        "receipt_status": chance.choice(RECEIPTS),
    }
    payer = chance.random()
    if payer < 0.6:
        fields["install_id"] = "i1" if chance.random() < 0.8 else "i2"
    else:
        fields["customer_user_id"] = "u1" if chance.random() < 0.8 else "u2"
    if is_subscription:
        if chance.random() < 0.3:
            fields["period_start_time"] = START + chance.randrange(3) * 30 * DAY_MS
        is_trial = chance.random() < 0.1
        return Subscription(kind=chance.choice(KINDS), is_trial=is_trial, **fields)
    return Purchase(**fields)


def _refund(chance: random.Random, name: str, price: int) -> Refund:
    kind: Any = chance.choice(("refund", "refund", "refund", "chargeback", "reversed"))
    amount = chance.choice((None, None, 0, price, price, price // 2, price // 3, 2 * price))
    if amount is not None and kind != "reversed":
        amount = -amount
    return Refund(
        transaction_id=name,
        refund_id=f"{name}:{chance.choice(('r1', 'r1', 'r2', 'r3'))}",
        kind=kind,
        amount_micros=amount,
        currency=chance.choice(("USD", "USD", "USD", "EUR")),
        **_common(chance),
    )


def _again(chance: random.Random, event: Payment) -> Payment:
    """The same statement under another event id, often at another time."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    fields["event_id"] = f"e{chance.getrandbits(40):x}"
    if chance.random() < 0.5:
        fields["event_time"] += chance.choice((-DAY_MS, HOUR_MS, DAY_MS, 30 * DAY_MS))
    return type(event)(**fields)


def _unambiguous(events: list[Payment]) -> list[Payment]:
    """Without charges that state different amounts at one moment with one receipt: which of those
    counts is only a matter of ids. So is which of two refunds of one id and moment."""
    seen: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    kept: list[Payment] = []
    for event in events:
        statement = event.amount_micros or 0, event.currency
        if isinstance(event, Refund):
            place: tuple[Any, ...] = (event.refund_id, event.kind == "reversed", event.event_time)
            statement = statement if statement[0] else (0, "")
        else:
            place = event.receipt_status, event.event_time
        if seen.setdefault(place, statement) == statement:
            kept.append(event)
    return kept
