"""Makes the record of money that matching receives."""

from __future__ import annotations

from schemas.clocks import CorrectedTime, reported_time
from schemas.events import AdRevenue, Purchase, Refund, Subscription
from schemas.records import SANDBOX_SCOPE, Money, MoneyKind, Source
from schemas.time import LogMs
from streams.stages.common import match_keys


def money_moved(
    event: Purchase | Subscription | Refund | AdRevenue,
    account: str,
    source: Source,
    ts: LogMs,
    clock: CorrectedTime | None,
) -> tuple[str, Money]:
    """The match key of a payment, and the money that it moves; `account` is a match key."""
    key, kind, booking_id, transaction_id = _money_names(event)
    is_sandbox = event.environment == "sandbox"
    if is_sandbox:
        key, booking_id = SANDBOX_SCOPE + key, f"sandbox {booking_id}"
    return key, Money(
        booking_id=booking_id,
        transaction_id=transaction_id,
        kind=kind,
        app_id=event.app_id,
        install_id=event.install_id or "",
        account=account,
        amount_micros=event.amount_micros,
        currency=event.currency,
        product_id=getattr(event, "product_id", None) or "",
        time=event.event_time,
        ts=ts,
        source=source,
        reported_time=reported_time(clock),
        time_correction=clock.reason if clock else "",
        is_sandbox=is_sandbox,
    )


def _money_names(
    event: Purchase | Subscription | Refund | AdRevenue,
) -> tuple[str, MoneyKind, str, str]:
    """Match key, kind, booking id and transaction id of a payment."""
    app_id = event.app_id
    if isinstance(event, AdRevenue):
        key = match_keys.impression_key(app_id, event.impression_id)
        return key, MoneyKind.AD_REVENUE, f"ad {app_id}:{event.impression_id}", event.impression_id
    transaction_id = event.transaction_id
    key = match_keys.transaction_key(app_id, transaction_id)
    if isinstance(event, Refund):
        booking_id = f"refund {app_id}:{transaction_id}:{event.refund_id}"
        return key, MoneyKind.REFUND, booking_id, transaction_id
    is_purchase = isinstance(event, Purchase)
    kind = MoneyKind.PURCHASE if is_purchase else MoneyKind.SUBSCRIPTION
    return key, kind, f"{app_id}:{transaction_id}", transaction_id
