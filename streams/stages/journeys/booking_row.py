"""Outcome rows of money booked to an install."""

from __future__ import annotations

from schemas.outcomes import Booking
from schemas.records import TAKEN_BACK, Installed, MoneyKind, MoneyRouted, ReceiptStatus, Step
from streams.stages.common.parked_rows import MONEY_KINDS, booking_name
from streams.stages.common.source_columns import environment_of, source_columns

_STEP_NAMES = {step: step.name.lower() for step in Step}
_RECEIPT_NAMES = {receipt: receipt.name.lower() for receipt in ReceiptStatus}
_SOLD = frozenset({MoneyKind.PURCHASE, MoneyKind.SUBSCRIPTION})


def booking_row(routed: MoneyRouted, install: Installed) -> Booking:
    """The row of money booked to an install, or taken from it again."""
    money = routed.money
    details, sign = money.details, routed.sign
    return Booking(
        booking_id=f"{booking_name(money)}{_half(routed)}",
        money_id=money.money_id or money.booking_id,
        sign=sign,
        environment=environment_of(is_sandbox=money.is_sandbox),
        install_id=routed.install_id,
        app_id=money.app_id,
        transaction_id=money.transaction_id,
        kind=MONEY_KINDS[money.kind],
        is_relink=routed.move > 0,
        amount_micros=sign * money.amount_micros,
        currency=money.currency,
        product_id=money.product_id,
        event_time=money.time,
        install_time=install.time,
        reported_time=money.reported_time,
        time_correction=money.time_correction,
        event_id=money.event_id,
        step=_STEP_NAMES[money.step],
        receipt_status=_RECEIPT_NAMES[money.receipt] if money.kind in _SOLD else "",
        original_transaction_id=details.original_transaction_id,
        net_micros=sign * (details.net_micros or 0),
        fee_micros=sign * details.fee_micros,
        tax_micros=sign * details.tax_micros,
        is_net_known=details.net_micros is not None or money.amount_micros == 0,
        quantity=details.quantity,
        is_trial=details.is_trial,
        offer_id=details.offer_id,
        period_start_time=details.period_start_time,
        period_end_time=details.period_end_time,
        mediation_network=details.mediation_network,
        monetization_network=details.monetization_network,
        ad_unit=details.ad_unit,
        ad_format=details.ad_format,
        placement=details.placement,
        precision=details.precision,
        stated_micros=money.stated_micros,
        **source_columns(money.source),
    )


def _half(routed: MoneyRouted) -> str:
    """Which half of which relink it is, or that it takes the booking back."""
    if routed.move == TAKEN_BACK:
        return ":back"
    return f":move{routed.move}{'+' if routed.sign > 0 else '-'}" if routed.move else ""
