"""Money of one user."""

from __future__ import annotations

from typing import Literal

from schemas.events.event import DeviceEvent
from schemas.parts import (
    Count,
    Currency,
    Descriptive,
    Micros,
    NormalId,
    Text,
    TimeMs,
)


class PaymentEvent(DeviceEvent, frozen=True, kw_only=True, gc=False):
    """Money. Known by its own id for ever; the payer is an install, an account, or both."""

    install_id: NormalId | None = None
    amount_micros: Micros | None = None
    currency: Currency | None = None


class StoreTransaction(PaymentEvent, frozen=True, kw_only=True, gc=False):
    """What a store sold, with what the store and the state took of it."""

    amount_micros: Micros
    currency: Currency
    transaction_id: NormalId
    original_transaction_id: NormalId | None = None
    product_id: Descriptive[Text] | None = None
    quantity: Count = 1
    net_micros: Micros | None = None
    store_fee_micros: Micros | None = None
    tax_micros: Micros | None = None
    receipt_status: Literal["valid", "invalid", "pending", "unchecked"] = "unchecked"


class Purchase(StoreTransaction, frozen=True, kw_only=True, gc=False, tag="purchase"):
    """Something bought once."""


class Subscription(StoreTransaction, frozen=True, kw_only=True, gc=False, tag="subscription"):
    """A step in the life of a subscription; most cost nothing."""

    kind: Literal[
        "trial_start",
        "start",
        "renewal",
        "recovery",
        "grace",
        "billing_retry",
        "expire",
        "cancel",
        "product_change",
    ]
    period_start_time: Descriptive[TimeMs] | None = None
    period_end_time: Descriptive[TimeMs] | None = None
    is_trial: bool = False
    offer_id: Descriptive[Text] | None = None


class Refund(PaymentEvent, frozen=True, kw_only=True, gc=False, tag="refund"):
    """Takes money back (negative), or gives it again when a refund is reversed (positive).

    Without an amount, or with 0, it takes all that is left, or gives back all that was taken.
    """

    refund_id: NormalId
    transaction_id: NormalId
    kind: Literal["refund", "chargeback", "reversed"] = "refund"
    reason: Descriptive[Text] | None = None


class AdRevenue(PaymentEvent, frozen=True, kw_only=True, gc=False, tag="ad_revenue"):
    amount_micros: Micros
    currency: Currency
    impression_id: NormalId
    mediation_network: Descriptive[Text] | None = None
    monetization_network: Descriptive[Text] | None = None
    ad_unit: Descriptive[Text] | None = None
    ad_format: Descriptive[Text] | None = None
    placement: Descriptive[Text] | None = None
    precision: Descriptive[Literal["exact", "estimated", "publisher_defined", "undisclosed"]] = (
        "undisclosed"
    )
