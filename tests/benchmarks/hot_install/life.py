"""A life of one install that is far busier than any person: tens of thousands of valid events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from schemas.events import TOPIC_OF_TYPE, TYPES
from schemas.time import DAY_MS, MINUTE_MS
from streams.replay.memory_log import MemoryRecord
from tests.worlds.clock import NOON

Fields = dict[str, Any]
STEP_MS = 20_000
"""Log time between two events: 32,000 take a week, and no state is forgotten meanwhile."""
DEVICE = "38400000-8cf0-11bd-b23e-10b96e40000d"


def _event(kind: str, number: int, at: int, **fields: Any) -> Fields:
    return {
        "type": kind, "schema_version": 1, "event_id": f"{kind}-{number}", "app_id": "app",
        "event_time": at, **fields,
    }  # fmt: skip


def _install(number: int, at: int) -> Fields:
    return _event(
        "install", number, at, install_id="hot", os="android", gaid=DEVICE,
        customer_user_id="hot-user",
    )  # fmt: skip


def _click(number: int, at: int) -> Fields:
    return _event(
        "touchpoint", number, at, touch_type="click", touch_id=f"t{number}", os="android",
        media_source=f"network-{number % 7}", site_id=f"site-{number % 40}", gaid=DEVICE,
        is_retargeting=number % 2 == 0,
    )  # fmt: skip


def _session(number: int, at: int) -> Fields:
    return _event("session", number, at, install_id="hot", session_id=f"s{number}")


def _in_app(number: int, at: int) -> Fields:
    return _event("in_app_event", number, at, install_id="hot", name=f"level {number % 400}")


def _purchase(number: int, at: int, transaction: str = "") -> Fields:
    return _event(
        "purchase", number, at, install_id="hot", customer_user_id="hot-user", currency="EUR",
        amount_micros=1_990_000, transaction_id=transaction or f"tx{number}",
    )  # fmt: skip


def _refund(number: int, at: int, transaction: str) -> Fields:
    return _event(
        "refund", number, at, transaction_id=transaction, refund_id=f"r{number}", currency="EUR",
        amount_micros=-10_000,
    )  # fmt: skip


def _ad_view(number: int, at: int) -> Fields:
    return _event(
        "ad_revenue", number, at, install_id="hot", impression_id=f"ad{number}", currency="USD",
        amount_micros=1_500, ad_network="network",
    )  # fmt: skip


def _returns(number: int, at: int) -> Fields:
    """A click that is to win the user back, and the session that it leads to."""
    return _click(2 * number, at) if number % 2 else _session(number, at)


def _account_purchase(number: int, at: int) -> Fields:
    fields = _purchase(number, at)
    del fields["install_id"]
    return fields


def _sale(number: int, at: int) -> Fields:
    """Every other event refunds a part of the purchase before."""
    return _refund(number, at, f"tx{number - 1}") if number % 2 else _purchase(number, at)


def _one_sale(number: int, at: int) -> Fields:
    return _refund(number, at, "tx") if number else _purchase(number, at, "tx")


def _everything(number: int, at: int) -> Fields:
    kinds = (_click, _session, _in_app, _ad_view, _sale, _account_purchase, _returns)
    return kinds[number % len(kinds)](number, at)


MIXES: dict[str, Callable[[int, int], Fields]] = {
    "clicks": _click,
    "returns": _returns,
    "sessions": _session,
    "in_app_events": _in_app,
    "ad_views": _ad_view,
    "sales": _sale,
    "refunds_of_one_sale": _one_sale,
    "account_purchases": _account_purchase,
    "everything": _everything,
}
"""What the install does after its first open, by the number and time of an event."""


def hot_life(mix: str, events: int) -> Iterator[MemoryRecord]:
    """The install, and so many events of it, in order of log time."""
    offsets: dict[str, int] = {}
    begin = NOON - DAY_MS
    for number in range(-1, events):
        at = begin + MINUTE_MS + number * STEP_MS
        fields = _install(number, begin) if number < 0 else MIXES[mix](number, at)
        topic = TOPIC_OF_TYPE[TYPES[fields["type"], 1]]
        offset = offsets.get(topic, 0)
        offsets[topic] = offset + 1
        yield MemoryRecord(topic, 0, offset, at, b"hot", orjson.dumps(fields))
