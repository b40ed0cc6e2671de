"""What is valid, and probably not what its producer meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from schemas.events import (
    AdRevenue,
    Cost,
    Event,
    InAppEvent,
    InputEvent,
    Install,
    PaymentEvent,
    Refund,
    StoreTransaction,
    Subscription,
    Touchpoint,
)
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS

MICROS = 1_000_000
SMALLEST_PRICE = 10_000
"""A hundredth of a unit, in millionths: nothing in a store costs less."""
LARGEST_PRICE = 10_000 * MICROS
"""Above what stores let an app ask in currencies of about the worth of a dollar."""
LARGEST_IMPRESSION = 5 * MICROS
"""Above what one ad impression earns: five thousand units for a thousand of them."""
_HARD = frozenset("USD EUR GBP CHF CAD AUD NZD SGD KWD BHD OMR JOD".split())
_WITHOUT_CENTS = frozenset(
    "JPY KRW VND CLP ISK HUF PYG UGX RWF XAF XOF XPF IDR COP KZT NGN TZS LAK MMK".split()
)
_PAID_FOR = frozenset({"start", "renewal", "recovery"})
AHEAD_MS = 5 * MINUTE_MS
OLD_MS = 365 * DAY_MS


def cautions(event: InputEvent, logged_at: int) -> Iterator[str]:
    """Sentences on an event that is valid; `logged_at` is when its topic received it."""
    if event.environment == "sandbox":
        yield "sandbox: kept apart, and in no report of production"
    yield from _of_time(event, logged_at)
    if isinstance(event, PaymentEvent):
        yield from _of_amount(event)
    if isinstance(event, Touchpoint):
        yield from _of_touchpoint(event)
    if isinstance(event, Install):
        yield from _of_install(event)
    if isinstance(event, InAppEvent) and event.name.lower() in ("purchase", "af_purchase", "iap"):
        yield "an event in the app is no money: publish the type purchase with its amount"
    if isinstance(event, Cost) and 0 < event.amount_micros < SMALLEST_PRICE:
        yield _looks_like_units(event.amount_micros, event.currency)


def _of_time(event: Event, logged_at: int) -> Iterator[str]:
    ahead = event.event_time - logged_at
    if ahead > AHEAD_MS:
        yield (
            f"event_time is {_span(ahead)} ahead of the clock: a wrong clock, or local time that "
            "was taken for UTC?"
        )
    elif -ahead > OLD_MS:
        at = datetime.fromtimestamp(event.event_time / 1000, UTC)
        yield f"event_time is {at:%Y-%m-%d}, over a year ago: fine for a backfill"


def _span(ms: int) -> str:
    if ms >= 2 * HOUR_MS:
        return f"{ms / HOUR_MS:.0f} hours"
    return f"{ms / MINUTE_MS:.0f} minutes"


def _of_amount(event: PaymentEvent) -> Iterator[str]:
    amount, currency = event.amount_micros or 0, event.currency or ""
    size = abs(amount)
    if isinstance(event, AdRevenue):
        if size > LARGEST_IMPRESSION:
            yield (
                f"{_units(amount)} {currency} for one impression: is it an eCPM, for a "
                "thousand, or multiplied twice?"
            )
        return
    if 0 < size < SMALLEST_PRICE:
        yield _looks_like_units(amount, currency)
    elif 0 < size < MICROS and currency in _WITHOUT_CENTS:
        yield f"{_units(amount)} {currency}: this currency has no cents; 120 is 120000000"
    elif size > LARGEST_PRICE * (1 if currency in _HARD else 100_000):
        yield f"{_units(amount)} {currency} in one payment: multiplied by a million twice?"
    if isinstance(event, Refund) and amount == 0:
        all_of_it = (
            "gives back all that was taken" if event.kind == "reversed" else "takes all left"
        )
        yield f"a {event.kind} without amount {all_of_it}"
    if isinstance(event, Subscription):
        if amount and _is_trial(event):
            yield "a trial counts nothing, whatever price it states"
        elif not amount and event.kind in _PAID_FOR and not _is_trial(event):
            yield f"a {event.kind} of 0: a step that is paid for has its price"
    if isinstance(event, StoreTransaction) and event.receipt_status in ("invalid", "pending"):
        yield f"receipt_status is {event.receipt_status}: no revenue until it is valid"


def _is_trial(event: Subscription) -> bool:
    return event.kind == "trial_start" or (event.kind == "start" and event.is_trial)


def _looks_like_units(amount: int, currency: str) -> str:
    size = abs(amount)
    sign = "-" if amount < 0 else ""
    cents = f"{sign}{size * MICROS // 100}"
    return (
        f"amount_micros {amount} is {_units(amount)} {currency}: if it is in units write "
        f"{sign}{size * MICROS}, if in cents {cents}"
    )


def _units(micros: int) -> str:
    text = f"{micros / MICROS:,.6f}".rstrip("0")
    return f"{text}00"[: max(text.index(".") + 3, len(text))]


def _of_touchpoint(event: Touchpoint) -> Iterator[str]:
    if event.cost_micros and 0 < event.cost_micros < 10:
        yield f"cost_micros {event.cost_micros} is {_units(event.cost_micros)}: millionths?"


def _of_install(event: Install) -> Iterator[str]:
    evidence = (event.click_id, event.install_referrer, event.adservices)
    devices = (event.gaid, event.idfa, event.idfv, event.oaid)
    if not any((*evidence, *devices)):
        yield (
            "it names no click_id, no install_referrer and no device id: without a probabilistic "
            "match it can only be organic"
        )
