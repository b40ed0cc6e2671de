"""Advice on what no single field shows: ids that are placeholders, times, amounts and payers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from schemas.decode import AHEAD_MS_MAX, Defect, Unreadable
from schemas.events import TOPIC_OF_TYPE, InputEvent
from streams.operations.validation.advice.amended_event import AmendedEvent
from streams.operations.validation.advice.amended_value import amended
from streams.operations.validation.advice.field_guide import FieldKind, guides_of
from streams.operations.validation.advice.number_texts import milliseconds_of, unit_of_time

Decode = Callable[[bytes, str, int], InputEvent | Unreadable]
MENDS_MAX = 8
"""Faults that are looked for one after another; an event has no more that are left by then."""


def check_amended(
    event: AmendedEvent, decode: Decode, topic: str, logged_at: int, earliest: int
) -> None:
    """Decode the mended event, and mend what is still refused, until nothing is or nothing helps.

    Blanks are filled with values that are valid meanwhile.
    """
    if event.event_type is None:
        return
    _check_time(event, logged_at, earliest)
    place = TOPIC_OF_TYPE[event.event_type]
    seen: set[str] = set()
    for _ in range(MENDS_MAX):
        try:
            raw = orjson.dumps(_filled(event, logged_at))
        except orjson.JSONEncodeError:
            return
        found = decode(raw, place, logged_at)
        if not isinstance(found, Unreadable) or found.detail in seen:
            return
        seen.add(found.detail)
        _mend(event, found)


def _filled(event: AmendedEvent, logged_at: int) -> dict[str, Any]:
    assert event.event_type is not None
    guides = guides_of(event.event_type)
    values: dict[FieldKind, Any] = {
        FieldKind.MILLISECONDS: logged_at,
        FieldKind.MICROS: 0,
        FieldKind.CURRENCY: "EUR",
        FieldKind.DAY: "2020-01-01",
        FieldKind.RATE: 1,
        FieldKind.NUMBER: 1,
        FieldKind.LIST: [{"identity_type": "install_id", "identity_value": "i-1"}],
    }
    filled = dict(event.fields)
    for name in event.blanks:
        guide = guides[name]
        if name == "quote_currency":  # Two different ones make a rate.
            filled[name] = "USD"
            continue
        filled[name] = guide.choices[0] if guide.choices else values.get(guide.kind, "filled-in")
    return filled


def _check_time(event: AmendedEvent, logged_at: int, earliest: int) -> None:
    value = event.fields.get("event_time")
    if not isinstance(value, int) or earliest <= value <= logged_at + AHEAD_MS_MAX:
        return
    unit = unit_of_time(value)
    found, _ = milliseconds_of(value)
    if unit and unit != "milliseconds" and found is not None:
        event.say(f'write "event_time": {found} ({value} is in {unit})')
        event.fields["event_time"] = found
    elif value < earliest:
        event.say(
            f"event_time {value} is before {earliest}, the earliest that is accepted: send "
            "milliseconds since 1970, which have 13 digits today"
        )
    else:
        event.say(
            f"event_time {value} is over a day ahead of the clock: correct the clock, and send "
            "milliseconds since 1970 in UTC"
        )
    if event.fields["event_time"] == value:
        event.blanks.append("event_time")
        event.fields["event_time"] = "<milliseconds since 1970>"


def _mend(event: AmendedEvent, found: Unreadable) -> None:
    amount = event.fields.get("amount_micros")
    match found.reason:
        case Defect.MISSING_ID if "install_id" in found.detail and "customer" in found.detail:
            event.say("add install_id or customer_user_id, or both: who paid?")
            event.blanks.append("install_id")
            event.fields["install_id"] = "<install_id>"
        case Defect.MISSING_ID:
            name = found.detail.partition(" ")[0]
            event.say(found.detail)
            if event.event_type and name in guides_of(event.event_type):
                event.blanks.append(name)
                event.fields[name] = f"<{name}>"
        case Defect.NEGATIVE_AMOUNT if isinstance(amount, int) and amount < 0:
            if event.fields.get("type") == "refund":
                event.say(f'write "amount_micros": {-amount}: a reversed refund gives money')
                event.fields["amount_micros"] = -amount
            else:
                event.say(
                    f"amount_micros {amount}: an amount is not negative. To take money back, "
                    'publish the type "refund", which has a refund_id of its own'
                )
                event.blanks.append("amount_micros")
                event.fields["amount_micros"] = "<millionths of the currency>"
        case Defect.POSITIVE_REFUND if isinstance(amount, int):
            event.say(f'write "amount_micros": {-amount}: a refund takes money')
            event.fields["amount_micros"] = -amount
        case Defect.NEGATIVE_AMOUNT:
            event.say(found.detail)
            for name in ("net_micros", "store_fee_micros", "tax_micros", "cost_micros"):
                if isinstance(value := event.fields.get(name), int) and value < 0:
                    event.fields[name] = -value
        case Defect.UNKNOWN_CURRENCY:
            _mend_currency(event, found)
        case _:
            event.say(found.detail)


def _mend_currency(event: AmendedEvent, found: Unreadable) -> None:
    code = found.detail.partition("'")[2].partition("'")[0]
    for name in ("currency", "cost_currency", "base_currency", "quote_currency"):
        if (value := event.fields.get(name)) == code or (name == "cost_currency" and not code):
            assert event.event_type is not None
            guide = guides_of(event.event_type).get(name)
            if guide is None:
                continue
            if value is None:
                event.say(f'add "{name}": an amount has a currency')
                event.blanks.append(name)
                event.fields[name] = "<ISO 4217>"
                continue
            mended = amended(guide, value)
            successor = found.detail.rpartition("send ")[2] if "send " in found.detail else ""
            new = successor or (mended.value if mended.value != value else None)
            event.say(found.detail if successor else mended.advice)
            if new is None:
                event.blanks.append(name)
                new = "<ISO 4217>"
            event.fields[name] = new
