"""Outcome rows of money booked to an install."""

from __future__ import annotations

from schemas.outcomes import Booking
from schemas.records import Installed, MoneyRouted
from streams.stages.common.parked_rows import MONEY_KINDS
from streams.stages.common.source_columns import environment_of, source_columns


def booking_row(routed: MoneyRouted, install: Installed) -> Booking:
    """The row of money booked to an install, or taken from it after a relink."""
    money = routed.money
    half = f":move{routed.move}{'+' if routed.sign > 0 else '-'}" if routed.move else ""
    return Booking(
        booking_id=f"{money.booking_id}{half}",
        money_id=money.booking_id,
        sign=routed.sign,
        environment=environment_of(is_sandbox=money.is_sandbox),
        install_id=install.install_id,
        app_id=money.app_id,
        transaction_id=money.transaction_id,
        kind=MONEY_KINDS[money.kind],
        is_relink=routed.move > 0,
        amount_micros=routed.sign * money.amount_micros,
        currency=money.currency,
        product_id=money.product_id,
        event_time=money.time,
        install_time=install.time,
        reported_time=money.reported_time,
        time_correction=money.time_correction,
        **source_columns(money.source),
    )
