"""One month of simulated traffic, read once and shared by the tests of the simulator."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import orjson

from schemas.decode import Unreadable, decode
from schemas.events import InputEvent
from streams.lab.simulator import Scenario, SimulatedMessage, Truth, simulate_traffic, truths

EARLIEST = 1_262_304_000_000  # 2010
EVENTS = 30_000
SCENARIO = Scenario.standard(EVENTS, seed=7)


class Read(NamedTuple):
    message: SimulatedMessage
    event: InputEvent | Unreadable


def read(message: SimulatedMessage) -> InputEvent | Unreadable:
    return decode(message.value, message.topic, message.timestamp_ms, EARLIEST)


@cache
def everything() -> tuple[SimulatedMessage, ...]:
    return tuple(simulate_traffic(SCENARIO))


@cache
def messages() -> tuple[SimulatedMessage, ...]:
    """Clock ticks left out."""
    return tuple(message for message in everything() if not message.is_tick)


@cache
def reads() -> tuple[Read, ...]:
    return tuple(Read(message, read(message)) for message in messages())


@cache
def first_reads() -> tuple[Read, ...]:
    """Every readable event once, as it first came."""
    seen: dict[str, Read] = {}
    for one in reads():
        if not isinstance(one.event, Unreadable):
            seen.setdefault(one.event.event_id, one)
    return tuple(seen.values())


@cache
def rows(kind: str) -> tuple[tuple[SimulatedMessage, dict[str, Any]], ...]:
    """First copies of the events of one type that count, as JSON objects."""
    found = ((one.message, orjson.loads(one.message.value)) for one in first_reads())
    return tuple(
        (message, fields)
        for message, fields in found
        if fields["type"] == kind and not is_uncounted(fields)
    )


def is_uncounted(fields: dict[str, Any]) -> bool:
    """What no figure may count: the contract says so, not the simulator."""
    has_no_sale = fields.get("receipt_status") in ("invalid", "pending")
    return has_no_sale or fields.get("environment") == "sandbox"


@cache
def all_truths() -> tuple[Truth, ...]:
    return tuple(truths(SCENARIO))
