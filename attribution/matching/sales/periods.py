"""Charged periods of a subscription that come under one transaction id.

Stores give every period an id of its own: Apple a `transactionId`, Google an order `GPA.…..0`,
Stripe an invoice. Producers that send the id of the subscription instead state the same payment
under the same id again and again. It counts once, but it is no copy: each period is a step of its
own that counts nothing, so that `v_money_issues` can tell the periods. Where nobody says when the
period began, a week tells them apart, the shortest period that the stores sell to everybody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from schemas.records import Money, Step
from schemas.time import DAY_MS

_CHARGED = frozenset({Step.START, Step.RENEWAL, Step.RECOVERY, Step.PRODUCT_CHANGE})
_PERIOD = re.compile(r"\+w?\d+\Z")
_WEEK_MS = 7 * DAY_MS


def without_period(step: Money) -> str:
    """The booking id of the statement, which the steps of several periods share."""
    return _PERIOD.sub("", step.booking_id) if step.step in _CHARGED else step.booking_id


def is_copy(known: Money, money: Money) -> bool:
    """Whether both state the same, of the same period."""
    if known.booking_id == money.booking_id:
        return _period_of(known) == _period_of(money)
    if known.step is not money.step or money.step not in _CHARGED:
        return False
    return without_period(known) == without_period(money) and _period_of(known) == _period_of(money)


def for_its_period(known: Sequence[Money], money: Money) -> Money:
    """The step with a booking id of its own where another period has stated the same."""
    if money.step in _CHARGED and any(one.booking_id == money.booking_id for one in known):
        return replace(money, booking_id=f"{money.booking_id}+{_period_of(money)}")
    return money


def _period_of(step: Money) -> str:
    if step.step not in _CHARGED or not step.amount_micros:
        return ""
    begin = step.details.period_start_time
    return f"{begin}" if begin > 0 else f"w{(step.reported_time or step.time) // _WEEK_MS}"
