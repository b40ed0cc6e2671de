"""Makes the record of a payment that matching receives: one step of its transaction."""

from __future__ import annotations

import zlib

from msgspec.structs import replace

from schemas.clocks import CorrectedTime, reported_time
from schemas.events import AdRevenue, Purchase, Refund, Subscription
from schemas.records import (
    SANDBOX_SCOPE,
    Money,
    MoneyDetails,
    MoneyKind,
    MoneySeen,
    ReceiptStatus,
    Source,
    Step,
)
from schemas.time import EventMs, LogMs
from streams.stages.common import match_keys

Payment = Purchase | Subscription | Refund | AdRevenue

_STEPS = {step.name.lower(): step for step in Step}
_RECEIPTS = {receipt.name.lower(): receipt for receipt in ReceiptStatus}


def money_seen(
    event: Payment, account: str, source: Source, ts: LogMs, clock: CorrectedTime | None = None
) -> MoneySeen:
    """The payment, under the key of its transaction or impression."""
    if isinstance(event, AdRevenue):
        seen = _ad_revenue(event, account, source, ts)
    elif isinstance(event, Refund):
        seen = _refund(event, account, source, ts)
    else:
        seen = _charge(event, account, source, ts)
    if clock is None:
        return seen
    at = reported_time(clock)
    money = replace(seen.money, reported_time=at, time_correction=clock.reason)
    return replace(seen, money=money)


def _charge(event: Purchase | Subscription, account: str, source: Source, ts: LogMs) -> MoneySeen:
    is_sandbox = event.environment == "sandbox"
    transaction_id, original = event.transaction_id, event.original_transaction_id
    key = _scoped(is_sandbox, match_keys.transaction_key(event.app_id, transaction_id))
    is_purchase = isinstance(event, Purchase)
    step = Step.PURCHASE if isinstance(event, Purchase) else _step_of(event)
    receipt = _RECEIPTS[event.receipt_status]
    original_key = ""
    # Every period of a subscription names the first one; a first purchase names itself.
    if is_purchase and original is not None and original != transaction_id:
        original_key = _scoped(is_sandbox, match_keys.transaction_key(event.app_id, original))
    money_id = f"{_scope(is_sandbox)}{event.app_id}:{transaction_id}"
    stated = (
        step, receipt, event.amount_micros, event.currency, event.install_id, account, original_key
    )  # fmt: skip
    return MoneySeen(
        key,
        Money(
            booking_id=_step_id(money_id, step, stated),
            transaction_id=transaction_id,
            kind=MoneyKind.PURCHASE if is_purchase else MoneyKind.SUBSCRIPTION,
            app_id=event.app_id,
            install_id=event.install_id or "",
            account=account,
            amount_micros=event.amount_micros,
            currency=event.currency,
            product_id=event.product_id or "",
            time=event.event_time,
            ts=ts,
            source=source,
            money_id=money_id,
            step=step,
            receipt=receipt,
            event_id=event.event_id,
            original_key=original_key,
            is_sandbox=is_sandbox,
            details=_details(event),
        ),
    )


def _step_of(event: Subscription) -> Step:
    """A start of a trial is a start of a trial, in whichever of the two ways it is said."""
    return Step.TRIAL_START if event.is_trial and event.kind == "start" else _STEPS[event.kind]


def _refund(event: Refund, account: str, source: Source, ts: LogMs) -> MoneySeen:
    is_sandbox = event.environment == "sandbox"
    key = _scoped(is_sandbox, match_keys.transaction_key(event.app_id, event.transaction_id))
    micros = event.amount_micros or 0
    # Without an amount the currency says nothing: what is left has the currency of the purchase.
    currency = event.currency or "" if micros else ""
    money_id = f"{_scope(is_sandbox)}refund {event.app_id}:{event.transaction_id}:{event.refund_id}"
    step = _STEPS[event.kind]
    return MoneySeen(
        key,
        Money(
            booking_id=_step_id(money_id, step, (step, micros, currency)),
            transaction_id=event.transaction_id,
            kind=MoneyKind.REFUND,
            app_id=event.app_id,
            install_id=event.install_id or "",
            account=account,
            amount_micros=micros,
            currency=currency,
            product_id="",
            time=event.event_time,
            ts=ts,
            source=source,
            money_id=money_id,
            step=step,
            refund_id=event.refund_id,
            event_id=event.event_id,
            is_sandbox=is_sandbox,
        ),
    )


def _ad_revenue(event: AdRevenue, account: str, source: Source, ts: LogMs) -> MoneySeen:
    is_sandbox = event.environment == "sandbox"
    key = _scoped(is_sandbox, match_keys.impression_key(event.app_id, event.impression_id))
    money_id = f"{_scope(is_sandbox)}ad {event.app_id}:{event.impression_id}"
    stated = event.amount_micros, event.currency, event.install_id, account
    return MoneySeen(
        key,
        Money(
            booking_id=_step_id(money_id, Step.AD_REVENUE, stated),
            transaction_id=event.impression_id,
            kind=MoneyKind.AD_REVENUE,
            app_id=event.app_id,
            install_id=event.install_id or "",
            account=account,
            amount_micros=event.amount_micros,
            currency=event.currency,
            product_id="",
            time=event.event_time,
            ts=ts,
            source=source,
            money_id=money_id,
            step=Step.AD_REVENUE,
            event_id=event.event_id,
            is_sandbox=is_sandbox,
            details=_ad_details(event),
        ),
    )


def _details(event: Purchase | Subscription) -> MoneyDetails:
    details = MoneyDetails(
        original_transaction_id=event.original_transaction_id or "",
        net_micros=_net(event),
        fee_micros=event.store_fee_micros or 0,
        tax_micros=event.tax_micros or 0,
        quantity=event.quantity,
    )
    if isinstance(event, Purchase):
        return details
    return MoneyDetails(
        details.original_transaction_id,
        details.net_micros,
        details.fee_micros,
        details.tax_micros,
        details.quantity,
        event.is_trial,
        event.offer_id or "",
        event.period_start_time or EventMs(0),
        event.period_end_time or EventMs(0),
    )


def _net(event: Purchase | Subscription) -> int | None:
    """What is left of the price after the store's fee and tax; None: nobody says."""
    if event.net_micros is not None:
        return event.net_micros
    if event.store_fee_micros is None and event.tax_micros is None:
        return None
    return event.amount_micros - (event.store_fee_micros or 0) - (event.tax_micros or 0)


def _ad_details(event: AdRevenue) -> MoneyDetails:
    return MoneyDetails(
        mediation_network=event.mediation_network or "",
        monetization_network=event.monetization_network or "",
        ad_unit=event.ad_unit or "",
        ad_format=event.ad_format or "",
        placement=event.placement or "",
        precision=event.precision,
    )


def _scoped(is_sandbox: bool, key: str) -> str:
    """The sandbox of a store numbers its own transactions."""
    return SANDBOX_SCOPE + key if is_sandbox else key


def _scope(is_sandbox: bool) -> str:
    return "sandbox " if is_sandbox else ""


def _step_id(money_id: str, step: Step, stated: tuple[object, ...]) -> str:
    """Copies of a statement have the same id, whatever their event id and time.

    The checksum tells statements of one transaction apart, a handful of them.
    """
    return f"{money_id}:{step.name.lower()}.{zlib.crc32(repr(stated).encode()):08x}"
