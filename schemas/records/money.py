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


class Step(IntEnum):
    """What a step of a transaction says. Stored by number: new ones go to the end."""

    PURCHASE = 0
    TRIAL_START = 1
    START = 2
    RENEWAL = 3
    RECOVERY = 4
    PRODUCT_CHANGE = 5
    GRACE = 6
    BILLING_RETRY = 7
    CANCEL = 8
    EXPIRE = 9
    REFUND = 10
    CHARGEBACK = 11
    REVERSED = 12
    AD_REVENUE = 13
    RESTORED = 14  # a purchase that only restores another one


SILENT_STEPS = frozenset({Step.GRACE, Step.BILLING_RETRY, Step.CANCEL, Step.EXPIRE})
"""Steps of a subscription that move no money, whatever price they state."""


class ReceiptStatus(IntEnum):
    """What is known of the receipt. Stored by number: new ones go to the end."""

    UNCHECKED = 0
    VALID = 1
    INVALID = 2
    PENDING = 3


class MoneyDetails(Struct, frozen=True, array_like=True, gc=False):
    """What decides nothing about money, but is stored with it. New fields go to the end."""

    original_transaction_id: str = ""
    net_micros: int | None = None  # None: not stated
    fee_micros: int = 0
    tax_micros: int = 0
    quantity: int = 1
    is_trial: bool = False
    offer_id: str = ""
    period_start_time: EventMs = EventMs(0)
    period_end_time: EventMs = EventMs(0)
    mediation_network: str = ""
    monetization_network: str = ""
    ad_unit: str = ""
    ad_format: str = ""
    placement: str = ""
    precision: str = ""


NO_DETAILS = MoneyDetails()


class Payer(Struct, frozen=True, array_like=True, gc=False):
    """Who paid: an install, or an account and when, from which its install follows."""

    install_id: str
    account: str
    paid_at: EventMs
    deadline: LogMs  # last log time at which a link or the install still counts


class Counted(Struct, frozen=True, array_like=True, gc=False):
    """What one step counts. The sum over the steps is what the transaction is worth.

    New fields go to the end.
    """

    micros: int
    currency: str
    is_restore: bool = False
    revision: int = 0  # how often the step was booked before
    net_micros: int | None = None  # of `micros`, after fee and tax; None: nobody says
    fee_micros: int = 0
    tax_micros: int = 0
    sale: str = ""  # of a refund that takes from another transaction: the id of that one
    payer: Payer | None = None  # who paid there; None: whoever paid for its own transaction


class Money(Struct, frozen=True, array_like=True, gc=False):
    """One step of a transaction: money that moved, or that might have. New fields go to the end.

    Matching reads it as stated. What journeys book is the same step with the amount that it counts.
    """

    booking_id: str  # of the step for ever: copies of it have the same
    transaction_id: str
    kind: MoneyKind
    app_id: str
    install_id: str  # "": known only by account or transaction
    account: str  # match key of the account; "": none
    amount_micros: int
    currency: str  # "": a refund that states no amount
    product_id: str
    time: EventMs
    ts: LogMs
    source: Source
    reported_time: EventMs = EventMs(0)  # what the producer said; 0: `time` is not corrected
    time_correction: str = ""  # see `schemas.clocks.TimeCorrection`
    is_sandbox: bool = False
    money_id: str = ""  # of the transaction, refund or impression; "": the booking_id
    step: Step = Step.PURCHASE
    receipt: ReceiptStatus = ReceiptStatus.UNCHECKED
    refund_id: str = ""
    event_id: str = ""
    original_key: str = ""  # match key of another transaction that a purchase may restore
    revision: int = 0  # how often the step was booked before
    stated_micros: int = 0  # of what is booked: the amount that the step states; 0: none
    details: MoneyDetails = NO_DETAILS
