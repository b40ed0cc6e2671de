"""Money as the stages remember it."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from schemas.records.touch import Source
from schemas.time import EventMs, LogMs


class MoneyKind(IntEnum):
    PURCHASE = 0
    SUBSCRIPTION = 1
    REFUND = 2
    AD_REVENUE = 3


class Money(Struct, frozen=True, array_like=True, gc=False):
    """Money that moved. `booking_id` is its id for ever; `transaction_id` names what it is for."""

    booking_id: str
    transaction_id: str
    kind: MoneyKind
    app_id: str
    install_id: str  # "": known only by account or transaction
    account: str  # match key of the account; "": none
    amount_micros: int
    currency: str
    product_id: str
    time: EventMs
    ts: LogMs
    source: Source
    reported_time: EventMs = EventMs(0)  # what the producer said, where `time` is corrected
    time_correction: str = ""  # see `schemas.clocks.TimeCorrection`
    is_sandbox: bool = False
