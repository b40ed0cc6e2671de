"""Steps of subscriptions and refunds as they are booked."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from schemas.outcomes import Booking, Outcome, Parked
from schemas.time import DAY_MS
from streams.store.base import Store
from tests.worlds.stores.store_world import empty, put
from tests.worlds.stores.traffic_outcomes import NOON, booking, parked

PRICE = 5_000_000


def in_some_orders(store: Store, rows: Sequence[Outcome]) -> Iterator[None]:
    """Store the rows in several orders, one after the other, and some of them twice."""
    rng = random.Random(0)
    for _ in range(6):
        put(store, [*rng.sample(rows, len(rows)), rng.choice(rows)])
        yield
        empty(store)


def step(
    transaction_id: str, happened: str, day: float, micros: int = 0, **changes: Any
) -> Booking:
    """A step of a subscription as it is booked, on a day after the first; unchecked, in USD."""
    name = changes.get("booking_id", f"{transaction_id}:{happened}:{changes.get('receipt_status')}")
    values: dict[str, Any] = {
        "booking_id": name,
        "money_id": f"puzzle:{transaction_id}",
        "transaction_id": transaction_id,
        "original_transaction_id": "t1",
        "kind": "subscription",
        "step": happened,
        "receipt_status": "unchecked",
        "currency": "USD",
        "product_id": "plus",
        "stated_micros": micros,
        "is_net_known": micros == 0,
        "event_time": NOON + int(day * DAY_MS),
    }
    return booking(micros=micros, **values | changes)


def refund(transaction_id: str, day: float, micros: int, **changes: Any) -> Booking:
    values: dict[str, Any] = {
        "booking_id": f"refund {transaction_id}",
        "money_id": f"refund puzzle:{transaction_id}:r1",
        "kind": "refund",
        "receipt_status": "",
        "original_transaction_id": "",
        "product_id": "",
    }
    return step(transaction_id, "refund", day, micros, **values | changes)


def refund_that_waits(subject_id: str, state: str, micros: int, statement: str) -> Parked:
    """A statement of a refund that waits for its purchase, or did."""
    row = parked(subject_id, state, "purchase")
    return replace(
        row,
        parked_id=f"{statement}:purchase:{state}",
        kind="refund",
        amount_micros=micros,
        currency="USD",
    )


def taken_back(row: Booking) -> Booking:
    return booking(
        row.money_id,
        **{
            name: getattr(row, name)
            for name in ("transaction_id", "kind", "step", "receipt_status", "currency",
                         "product_id", "event_time", "stated_micros", "original_transaction_id")
        },
        booking_id=f"{row.booking_id}:back", sign=-1, micros=-row.amount_micros,
        net_micros=-row.net_micros, is_net_known=row.is_net_known,
    )  # fmt: skip
