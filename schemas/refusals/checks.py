"""What an event must be beyond the types of its fields: its times and its money."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from msgspec.structs import replace

from schemas import currencies
from schemas.events import (
    TOPIC_OF_TYPE,
    AdRevenue,
    Cost,
    DeviceEvent,
    ExchangeRate,
    InputEvent,
    Install,
    PrivacyRequest,
    Purchase,
    Refund,
    Subscription,
    Touchpoint,
)
from schemas.refusals.defects import Defect, Unreadable
from schemas.refusals.time_units import advice_on_time
from schemas.time import DAY_MS

AHEAD_MS_MAX = DAY_MS
"""How far an event may be ahead of the log: time zones and wrong clocks stay within a day."""


def check_times(event: InputEvent, logged_at: int, earliest: int) -> Unreadable | None:
    """The refusal of the time of an event, or of its sending; None: it can be read.

    What an SDK reports is read at any time: the clock of its device may be wrong, and
    `schemas.clocks` corrects it.
    """
    claimed = event.event_time
    reason = Defect.TIME_TOO_EARLY if claimed < earliest else Defect.TIME_TOO_LATE
    for name, time in (("event_time", claimed), ("sent_time", event.sent_time)):
        if advice := advice_on_time(name, time, logged_at):
            return Unreadable(Defect.TIME_TOO_EARLY, advice)
    if earliest <= claimed <= logged_at + AHEAD_MS_MAX:
        return None
    if isinstance(event, DeviceEvent) and event.source == "sdk" and logged_at >= earliest:
        return None
    if claimed < earliest:
        return Unreadable(reason, f"event_time {claimed} < {earliest}")
    return Unreadable(reason, f"event_time {claimed} is over a day after {logged_at}")


def _check_install(event: Install, logged_at: int) -> Install | Unreadable | None:
    claim = event.adservices
    if claim is None:
        return None
    if claim.is_test:  # A developer made it, whatever the app says.
        return replace(event, environment="sandbox")
    times = {"click_time": claim.click_time, "impression_time": claim.impression_time}
    return _check_units(times, logged_at)


def _check_privacy_request(event: PrivacyRequest, logged_at: int) -> Unreadable | None:
    return _check_units({"submitted_time": event.submitted_time}, logged_at)


def _check_units(times: dict[str, Any], logged_at: int) -> Unreadable | None:
    for name, time in times.items():
        if advice := advice_on_time(name, time, logged_at):
            return Unreadable(Defect.TIME_TOO_EARLY, advice)
    return None


def _check_touchpoint(event: Touchpoint, logged_at: int) -> Unreadable | None:
    if event.cost_micros is None and event.cost_currency is None:
        return None
    day = event.event_time // DAY_MS
    return _check_amount(event.cost_micros or 0, event.cost_currency or "", day)


def _check_cost(event: Cost, logged_at: int) -> Unreadable | None:
    day = _day_of(event.date, logged_at)
    if isinstance(day, Unreadable):
        return day
    return _check_amount(event.amount_micros, event.currency, day)


def _check_rate(event: ExchangeRate, logged_at: int) -> Unreadable | None:
    day = _day_of(event.date, logged_at)
    if isinstance(day, Unreadable):
        return day
    for currency in (event.base_currency, event.quote_currency):
        if not currencies.is_accepted(currency, day):
            return Unreadable(Defect.UNKNOWN_CURRENCY, currencies.refusal(currency))
    if event.base_currency == event.quote_currency:
        return Unreadable(Defect.INVALID_VALUE, "a rate is between two different currencies")
    return None


_DAY_1970 = date(1970, 1, 1)


def _day_of(text: str, logged_at: int) -> int | Unreadable:
    """The day in days since 1970. Somewhere on earth it begins 14 hours before it does in UTC."""
    try:
        day = (date.fromisoformat(text) - _DAY_1970).days
    except ValueError:
        return Unreadable(Defect.INVALID_VALUE, f"date {text} is not in the calendar")
    if day < 0:
        return Unreadable(Defect.TIME_TOO_EARLY, f"date {text} is before 1970")
    if day * DAY_MS > logged_at + AHEAD_MS_MAX:
        return Unreadable(Defect.TIME_TOO_LATE, f"date {text} is over a day after {logged_at}")
    return day


def _check_refund(event: Refund, logged_at: int) -> Unreadable | None:
    micros, currency = event.amount_micros or 0, event.currency
    if currency is None:
        if micros:
            return Unreadable(Defect.MISSING_FIELD, "no currency, but an amount")
    elif not currencies.is_accepted(currency, event.event_time // DAY_MS):
        return Unreadable(Defect.UNKNOWN_CURRENCY, currencies.refusal(currency))
    if event.kind == "reversed" and micros < 0:
        return Unreadable(Defect.NEGATIVE_AMOUNT, "a reversed refund gives money: not negative")
    if event.kind != "reversed" and micros > 0:
        return Unreadable(Defect.POSITIVE_REFUND, "a refund takes money: amount_micros <= 0")
    return None


def _check_ad_revenue(event: AdRevenue, logged_at: int) -> Unreadable | None:
    return _check_payment(event)


def _check_subscription(event: Subscription, logged_at: int) -> Unreadable | None:
    period = {
        "period_start_time": event.period_start_time,
        "period_end_time": event.period_end_time,
    }
    return _check_units(period, logged_at) or _check_purchase(event, logged_at)


def _check_purchase(event: Purchase | Subscription, logged_at: int) -> Unreadable | None:
    refused = _check_payment(event)
    if refused is not None and refused.reason is Defect.MISSING_ID:
        return refused
    parts = (event.net_micros, event.store_fee_micros, event.tax_micros)
    if min(part or 0 for part in parts) < 0:
        return Unreadable(Defect.NEGATIVE_AMOUNT, "net, store fee and tax are not negative")
    return refused


def _check_payment(event: Purchase | Subscription | AdRevenue) -> Unreadable | None:
    if not (event.install_id or event.customer_user_id):
        return Unreadable(Defect.MISSING_ID, "neither install_id nor customer_user_id")
    return _check_amount(event.amount_micros, event.currency, event.event_time // DAY_MS)


def _check_amount(micros: int, currency: str, day: int) -> Unreadable | None:
    """`day` is that of the money, in days since 1970: it decides about withdrawn currencies."""
    if micros < 0:
        return Unreadable(Defect.NEGATIVE_AMOUNT, f"amount {micros} is negative")
    if not currencies.is_accepted(currency, day):
        return Unreadable(Defect.UNKNOWN_CURRENCY, currencies.refusal(currency))
    return None


EventCheck = Callable[[Any, int], InputEvent | Unreadable | None]
"""What takes the place of the event, logged at a time: its refusal, or itself as it counts."""

_CHECKS: dict[type[Any], EventCheck] = {
    Touchpoint: _check_touchpoint,
    Install: _check_install,
    Purchase: _check_purchase,
    Subscription: _check_subscription,
    Refund: _check_refund,
    AdRevenue: _check_ad_revenue,
    Cost: _check_cost,
    ExchangeRate: _check_rate,
    PrivacyRequest: _check_privacy_request,
}
CHECKS: dict[type[InputEvent], EventCheck | None] = {
    kind: _CHECKS.get(kind) for kind in TOPIC_OF_TYPE
}
"""The check of an event beyond its times, by type; None: there is none."""
