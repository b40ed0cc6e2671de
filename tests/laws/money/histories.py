"""Random histories of transactions, as stores and backends send them."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from schemas.events import Purchase, Refund, Subscription
from schemas.time import DAY_MS, HOUR_MS

Payment = Purchase | Subscription | Refund
START = 1_790_000_000_000
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
    """Events of one transaction, and of the one that it names as its original."""

    events: list[Payment]
    original: list[Payment]

    @property
    def all(self) -> list[Payment]:
        return [*self.events, *self.original]


def draw_history(chance: random.Random) -> History:
    """Between one and nine events; a third of them say something twice."""
    is_restore = chance.random() < 0.15
    price = chance.choice(AMOUNTS)
    is_subscription = not is_restore and chance.random() < 0.5
    charges = [
        _charge(chance, "t2", price, is_subscription, "t1" if is_restore else "t2")
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4)))
    ]
    refunds = [_refund(chance, price) for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 3, 4)))]
    events: list[Payment] = [*charges, *refunds]
    events += [_again(chance, one) for one in events if chance.random() < 0.3]
    original: list[Payment] = []
    if is_restore and chance.random() < 0.7:
        original = [
            _charge(chance, "t1", price, False, "t1") for _ in range(chance.choice((1, 1, 2)))
        ]
    return History(_unambiguous(events), _unambiguous(original))


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
        return Subscription(kind=chance.choice(KINDS), **fields)
    return Purchase(**fields)


def _refund(chance: random.Random, price: int) -> Refund:
    kind: Any = chance.choice(("refund", "refund", "refund", "chargeback", "reversed"))
    amount = chance.choice((None, None, 0, price, price, price // 2, price // 3, 2 * price))
    if amount is not None and kind != "reversed":
        amount = -amount
    return Refund(
        transaction_id="t2",
        refund_id=chance.choice(("r1", "r1", "r2", "r3")),
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
        fields["event_time"] += chance.choice((-DAY_MS, HOUR_MS, DAY_MS))
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
