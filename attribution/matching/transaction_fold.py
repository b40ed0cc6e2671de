"""What the steps of one transaction are worth: a pure function of the set of its steps.

Stores and backends send the steps of a payment in any order, several times, and with amounts that
are zero, missing or contradictory. So nothing here depends on the order of the steps, nor on when
they were logged: ties break by what the steps say.

* One payment is made at most. Among the steps that can pay and whose receipt is not invalid, one is
  the charge: one with an amount before one without, a valid receipt before an unchecked one, then
  the earliest. The others count nothing; `v_money_issues` tells where they state another amount.
* A trial costs nothing, whatever price it states: stores and SDKs state that of the product.
* The latest verdict on the receipt decides whether it counts: valid does, invalid does not, and
  where it is pending and nobody has called it valid, it does not yet.
* Refunds take from what is left, in order of time; one that states no amount takes all of it. A
  reversal gives back what its refund took. So a transaction is never worth less than nothing. Only
  a refund in another currency cannot be compared, and is booked in its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from attribution.matching.sales.periods import without_period
from schemas.records import (
    NO_DETAILS,
    SILENT_STEPS,
    Counted,
    Money,
    MoneyDetails,
    MoneyKind,
    Payer,
    ReceiptStatus,
    Step,
)
from schemas.time import EventMs, LogMs

_VERDICTS = ReceiptStatus.VALID, ReceiptStatus.INVALID
_RECEIPT_ORDER = {ReceiptStatus.VALID: 0, ReceiptStatus.UNCHECKED: 1, ReceiptStatus.PENDING: 2}


class Charge(NamedTuple):
    """What was paid, before any refund; 0 and "": nothing that counts."""

    booking_id: str
    micros: int
    currency: str
    is_restore: bool = False
    details: MoneyDetails = NO_DETAILS

    def part(self, micros: int) -> Counted:
        """A share of the charge, with the same share of its net amount, fee and tax."""
        details, whole = self.details, self.micros or 1
        net = details.net_micros
        return Counted(
            micros,
            self.currency,
            net_micros=None if net is None else _share(net, micros, whole),
            fee_micros=_share(details.fee_micros, micros, whole),
            tax_micros=_share(details.tax_micros, micros, whole),
        )


NO_CHARGE = Charge("", 0, "")


def _share(amount: int, part: int, whole: int) -> int:
    """Rounded towards zero."""
    share = amount * abs(part) // whole
    return share if part >= 0 else -share


def is_paying(step: Money) -> bool:
    """Whether the step can be the charge: it is no refund and no silent step of a subscription."""
    return step.kind is not MoneyKind.REFUND and step.step not in SILENT_STEPS


def can_charge(step: Money) -> bool:
    """Whether the step can be what was paid: it can pay, and begins no trial."""
    return is_paying(step) and step.step is not Step.TRIAL_START


def verdict_on(steps: Sequence[Money]) -> ReceiptStatus:
    """The verdict on the receipt that is in force, by the time of the steps that can pay."""
    paying = [step for step in steps if is_paying(step)]
    checked: dict[tuple[ReceiptStatus, str], EventMs] = {}
    for step in paying:
        if step.receipt in _VERDICTS:
            # Said again of another period, it is the same verdict as it was first said.
            statement = step.receipt, without_period(step)
            checked[statement] = min(step.time, checked.get(statement, step.time))
    if checked:
        return max((time, receipt) for (receipt, _), time in checked.items())[1]
    is_pending = any(step.receipt is ReceiptStatus.PENDING for step in paying)
    return ReceiptStatus.PENDING if is_pending else ReceiptStatus.UNCHECKED


def is_paid(steps: Sequence[Money]) -> bool:
    """Whether there is a step that pays, with a receipt that counts."""
    if not any(can_charge(step) for step in steps):
        return False
    return verdict_on(steps) in (ReceiptStatus.VALID, ReceiptStatus.UNCHECKED)


def may_restore(steps: Sequence[Money]) -> bool:
    """Whether the transaction restores another one, should that be known as paid.

    Every period of a subscription names the first one as its original, so only purchases count.
    """
    paying = [step for step in steps if is_paying(step)]
    if any(step.kind is not MoneyKind.PURCHASE for step in paying):
        return False
    return any(step.original_key for step in paying)


def fold_steps(
    steps: Sequence[Money], *, is_original_paid: bool = False, forgotten_micros: int = 0
) -> list[Counted]:
    """What each step counts. `forgotten_micros` are taken by refunds that are not among them."""
    if len(steps) == 1 and steps[0].receipt <= ReceiptStatus.VALID and not is_original_paid:
        return [_alone(steps[0])]
    return share_out(steps, charge_of(steps, is_original_paid=is_original_paid), forgotten_micros)


def share_out(steps: Sequence[Money], charge: Charge, forgotten_micros: int) -> list[Counted]:
    """What each step counts where this is the charge, which may be of another transaction."""
    moved = _refunds(steps, charge, forgotten_micros)
    unit = charge.currency or _stated_currency(steps)
    return [_counted(step, charge, moved, unit) for step in steps]


def charge_of(steps: Sequence[Money], *, is_original_paid: bool) -> Charge:
    """The one payment of the transaction."""
    if is_original_paid and may_restore(steps):
        return Charge("", 0, "", is_restore=True)
    charging = charging_step(steps)
    return NO_CHARGE if charging is None else charge_by(charging)


def charging_step(steps: Sequence[Money]) -> Money | None:
    """The step that states the one payment; None: nothing is paid."""
    candidates = [
        step for step in steps if can_charge(step) and step.receipt is not ReceiptStatus.INVALID
    ]
    if not candidates or not is_paid(steps):
        return None
    return min(candidates, key=_charge_order)


def payer_of(steps: Sequence[Money], parking_ms: int) -> Payer:
    """Who paid, whatever the order of the steps: an install that is named before an account."""
    first = steps[0]
    if len(steps) > 1:
        first = min((one for one in steps if one.kind is not MoneyKind.REFUND), key=_payer_order)
    return Payer(
        first.install_id,
        "" if first.install_id else first.account,
        first.time,
        LogMs(first.ts + parking_ms),
    )


def charge_by(step: Money) -> Charge:
    return Charge(step.booking_id, step.amount_micros, step.currency, details=step.details)


def _alone(step: Money) -> Counted:
    if step.step in SILENT_STEPS or step.step is Step.TRIAL_START:
        return Counted(0, step.currency)
    if step.details.net_micros is None and not step.details.fee_micros:
        return Counted(step.amount_micros, step.currency)
    return charge_by(step).part(step.amount_micros)


def _charge_order(step: Money) -> tuple[bool, int, EventMs, str]:
    no_amount = step.amount_micros == 0
    return no_amount, _RECEIPT_ORDER[step.receipt], step.time, step.booking_id


def _payer_order(step: Money) -> tuple[bool, bool, bool, EventMs, str]:
    is_silent, no_install = step.step in SILENT_STEPS, not step.install_id
    name = step.install_id or step.account
    return step.receipt is ReceiptStatus.INVALID, is_silent, no_install, step.time, name


def _stated_currency(steps: Sequence[Money]) -> str:
    """The currency of what would be paid, if it counted."""
    stated = [step for step in steps if step.kind is not MoneyKind.REFUND]
    order = [
        (step.amount_micros == 0, step.time, step.booking_id, step.currency) for step in stated
    ]
    return min(order)[-1] if order else ""


def _counted(step: Money, charge: Charge, moved: dict[str, tuple[int, str]], unit: str) -> Counted:
    """`unit` is the currency of a refund that states none and takes nothing."""
    if step.kind is MoneyKind.REFUND:
        micros, currency = moved.get(step.booking_id, (0, step.currency or unit))
        is_part = micros != 0 and currency == charge.currency
        return charge.part(micros) if is_part else Counted(micros, currency)
    if step.booking_id == charge.booking_id:
        return charge.part(charge.micros)
    return Counted(0, step.currency, charge.is_restore and is_paying(step))


def _refunds(
    steps: Sequence[Money], charge: Charge, forgotten_micros: int
) -> dict[str, tuple[int, str]]:
    """What each refund and reversal moves, by booking id."""
    first: dict[tuple[str, bool], Money] = {}
    for step in steps:
        if step.kind is MoneyKind.REFUND:
            name = step.refund_id or step.booking_id, step.step is Step.REVERSED
            known = first.get(name)
            if known is None or _refund_order(step) < _refund_order(known):
                first[name] = step
    if not first or not charge.booking_id:
        return {}
    since = {name: step.time for (name, is_reversal), step in first.items() if not is_reversal}
    ordered = sorted(
        first.items(),
        # Clocks may disagree, but a reversal never comes before its refund.
        key=lambda one: (
            max(one[1].time, since.get(one[0][0], EventMs(0))), one[0][1], one[1].booking_id
        ),
    )  # fmt: skip
    purse = _Purse(charge, forgotten_micros)
    return {
        step.booking_id: purse.give_back(name, step) if is_reversal else purse.take(name, step)
        for (name, is_reversal), step in ordered
    }


def _refund_order(step: Money) -> tuple[bool, EventMs, str]:
    return step.amount_micros == 0, step.time, step.booking_id


class _Purse:
    """What refunds have taken of a charge so far. It lives as long as one fold."""

    def __init__(self, charge: Charge, forgotten_micros: int) -> None:
        self._charge = charge
        self._total = {charge.currency: forgotten_micros}
        self._by_refund: dict[str, tuple[int, str]] = {}

    def take(self, name: str, step: Money) -> tuple[int, str]:
        currency, stated = step.currency or self._charge.currency, abs(step.amount_micros)
        if stated == 0 or currency == self._charge.currency:
            currency = self._charge.currency
            left = max(self._charge.micros - self._total[currency], 0)
            taken = min(stated or left, left)
        else:
            taken = stated
        self._total[currency] = self._total.get(currency, 0) + taken
        self._by_refund[name] = taken, currency
        return -taken, currency

    def give_back(self, name: str, step: Money) -> tuple[int, str]:
        currency, stated = step.currency or self._charge.currency, abs(step.amount_micros)
        taken = self._total.get(currency, 0)
        if name in self._by_refund:
            of_refund, currency = self._by_refund[name]
            is_comparable = stated > 0 and step.currency == currency
            taken = min(self._total[currency], stated if is_comparable else of_refund)
        elif stated == 0:
            currency = self._charge.currency
            taken = self._total[currency]
        given = min(stated, taken) if stated and step.currency == currency else taken
        self._total[currency] = self._total.get(currency, 0) - given
        return given, currency
