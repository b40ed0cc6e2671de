"""The stored state of one transaction, its bounds, and how copies of a step are one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from attribution.bounds.byte_bounds import STEP_BYTES_PER_PURCHASE_MAX, are_within
from attribution.matching.facts import Evicted
from attribution.matching.transaction_fold import charging_step, fold_steps, is_paying, payer_of
from attribution.rules.rules import Rules
from schemas.records import (
    Counted,
    Money,
    MoneyDetails,
    MoneyKind,
    Payer,
    RestoreClaim,
    Step,
)
from schemas.time import LogMs

SALES_HASHED = 8_192
"""Names of transactions whose hashes are kept ready: eight accounts of a thousand payments."""


class Transaction(Struct, frozen=True, array_like=True, tag=5):
    """Everything known of one transaction. Stored as an array: new fields go to the end."""

    steps: list[Money] = []  # accepted, as stated
    counted: list[Counted] = []  # of each step, as booked
    payer: Payer | None = None
    parked: list[Money] = []  # refunds that wait for the purchase
    spent: list[str] = []  # booking ids of refunds that expired or were forgotten
    forgotten_micros: int = 0  # taken by refunds that were forgotten
    last_ts: LogMs = LogMs(0)
    restores: list[str] = []  # match keys of purchases that name this transaction as original
    is_reported_paid: bool = False  # what those were told
    is_original_paid: bool = False  # whether the transaction that this one names is known as paid
    claims: dict[str, RestoreClaim] = {}  # of those in `restores`, as far as they make any
    taken: dict[str, Counted] = {}  # of claimed refunds: what the original says they take
    taken_hops: int = 0  # how many transactions had passed that on


class TransactionBefore(Struct, frozen=True, array_like=True, tag=2):
    """A transaction as it was stored before every step counted. Read, and never written."""

    purchase: Money | None = None
    refund_ids: list[str] = []
    parked: list[Money] = []

    def upgraded(self, rules: Rules) -> Transaction:
        """The same in the present form. What its refunds took is not known any more."""
        spent = list(self.refund_ids)
        if self.purchase is None:
            last_ts = max((one.ts for one in self.parked), default=LogMs(0))
            return Transaction(parked=self.parked, spent=spent, last_ts=last_ts)
        steps = [self.purchase]
        return Transaction(
            steps=steps,
            counted=fold_steps(steps),
            payer=payer_of(steps, rules.parking_ms),
            parked=self.parked,
            spent=spent,
            last_ts=self.purchase.ts,
        )


def merged_copy(known: Money, copy: Money) -> Money:
    """One step for both copies, the same in either order; `known` itself if nothing changes.

    The earliest event time and log time count. Attributes are those of the copy with the earliest
    event time, and among those the least.
    """
    ts = min(known.ts, copy.ts)
    if _content(copy) < _content(known):
        return replace(copy, ts=ts, source=known.source, event_id=known.event_id)
    return known if ts == known.ts else replace(known, ts=ts)


def _content(money: Money) -> tuple[object, ...]:
    details = money.details
    return (
        money.time,
        money.amount_micros,
        money.currency,
        money.product_id,
        money.original_key,
        money.reported_time,
        money.time_correction,
        *(getattr(details, name) for name in details.__struct_fields__),
    )


def booked_money(step: Money, counted: Counted) -> Money:
    """The step with the amount that it counts."""
    return replace(
        step,
        amount_micros=counted.micros,
        currency=counted.currency,
        step=Step.RESTORED if counted.is_restore else step.step,
        stated_micros=step.amount_micros,
        revision=counted.revision,
        details=_counted_details(step.details, counted),
    )


def _counted_details(stated: MoneyDetails, counted: Counted) -> MoneyDetails:
    parts = counted.net_micros, counted.fee_micros, counted.tax_micros
    if parts == (stated.net_micros, stated.fee_micros, stated.tax_micros) and not counted.sale:
        return stated
    net, fee, tax = parts
    original = counted.sale or stated.original_transaction_id
    return replace(
        stated,
        net_micros=net,
        fee_micros=fee,
        tax_micros=tax,
        original_transaction_id=original,
    )


def bounded_steps(state: Transaction, rules: Rules) -> tuple[Transaction, list[Evicted]]:
    """Beyond the bounds forget steps: first those that count nothing, then the oldest refunds.

    Their bookings stay. What forgotten refunds took is kept as a sum.
    """
    facts: list[Evicted] = []
    while (surplus := _surplus(state, rules)) is not None:
        bound, at = surplus
        step, counted = state.steps[at], state.counted[at]
        if step.kind is MoneyKind.REFUND:
            charge = charging_step(state.steps)
            is_comparable = charge is None or counted.currency == charge.currency
            taken = -counted.micros if is_comparable else 0
            state = replace(
                remembered_as_spent(state, [step], rules),
                forgotten_micros=max(state.forgotten_micros + taken, 0),
            )
        state = replace(
            state,
            steps=[*state.steps[:at], *state.steps[at + 1 :]],
            counted=[*state.counted[:at], *state.counted[at + 1 :]],
        )
        facts.append(Evicted(bound, 1))
    return state, facts


def _surplus(state: Transaction, rules: Rules) -> tuple[str, int] | None:
    """The bound that is exceeded, and the step to forget; never the charge, nor the only step that
    is no refund, which says who paid."""
    steps = state.steps
    if len(steps) <= 1:
        return None
    refunds = [at for at, one in enumerate(steps) if one.kind is MoneyKind.REFUND]
    if len(refunds) > rules.refunds_per_purchase_max:
        return "refunds_per_purchase_max", _least(state, refunds)
    is_many = len(steps) - len(refunds) > rules.steps_per_purchase_max
    if not is_many and are_within(steps, STEP_BYTES_PER_PURCHASE_MAX):
        return None
    others: list[int] = []
    if len(steps) - len(refunds) > 1:
        charge = charging_step(steps)
        others = [
            at
            for at, one in enumerate(steps)
            if one.kind is not MoneyKind.REFUND and one is not charge
        ]
    if is_many:
        return "steps_per_purchase_max", _least(state, others)
    return "step_bytes_per_purchase_max", _least(state, [*others, *refunds])


def _least(state: Transaction, numbers: Sequence[int]) -> int:
    def importance(at: int) -> tuple[bool, bool, LogMs, str]:
        step, counted = state.steps[at], state.counted[at]
        # What a refund takes from an original is not known before that one has answered.
        counts = counted.micros != 0 or (state.is_original_paid and step.kind is MoneyKind.REFUND)
        return counts, is_paying(step), step.ts, step.booking_id

    return min(numbers, key=importance)


def remembered_as_spent(state: Transaction, refunds: Sequence[Money], rules: Rules) -> Transaction:
    """Remember the ids of the newest refunds that are gone, to know copies of them."""
    if not refunds:
        return state
    spent = [*state.spent, *(one.booking_id for one in refunds)]
    return replace(state, spent=spent[-rules.refunds_per_purchase_max :])


class SettledSale(Struct, frozen=True, array_like=True, gc=False):
    """A transaction whose money is not remembered any more, and where it stays."""

    sale: int  # hash of its id
    install_id: str  # "": nowhere, because it expired
    deadline: LogMs


def sale_id(money: Money) -> str:
    """Of the transaction that the money belongs to, also for its refunds."""
    if money.kind is MoneyKind.REFUND and money.details.original_transaction_id:
        return money.details.original_transaction_id  # it takes from that one
    return money.transaction_id


def sale_hash(money: Money) -> int:
    """The same for all money of one transaction of an app and environment."""
    is_ad = money.kind is MoneyKind.AD_REVENUE
    return hashed_sale(f"{is_ad:d}{money.is_sandbox:d}{money.app_id}:{sale_id(money)}")


@lru_cache(maxsize=SALES_HASHED)
def hashed_sale(name: str) -> int:
    """The hash of a name of a transaction; the latest are known, for accounts at their bounds."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest())
