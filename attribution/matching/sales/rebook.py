"""What is booked when the steps of a transaction come to count something else."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from attribution.matching.facts import MatchFact
from attribution.matching.transaction_state import Transaction, booked_money
from schemas.records import TAKEN_BACK, AccountMoney, Counted, Money, MoneyRouted, Payer


class _Booking(NamedTuple):
    """One step as it is booked."""

    step: Money
    counted: Counted
    payer: Payer


def rebook(
    state: Transaction, steps: list[Money], counted: list[Counted], payer: Payer
) -> list[MatchFact]:
    """Book what differs from what the state has booked; number the revisions in `counted`."""
    facts: list[MatchFact] = []
    before = dict[str, _Booking]()
    if state.payer is not None:
        for step, booked in zip(state.steps, state.counted, strict=True):
            before[step.booking_id] = _Booking(step, booked, state.payer)
    for at, step in enumerate(steps):
        known = before.get(step.booking_id)
        if known is None:
            facts.append(_routed(_Booking(step, counted[at], payer), 1))
            continue
        new = replace(counted[at], revision=known.counted.revision)
        is_moved = (new.payer or payer) != (known.counted.payer or known.payer)
        if (
            is_moved
            or _without_payer(new) != _without_payer(known.counted)
            or (_is_restated(step, known.step))
        ):
            facts.append(_routed(known, -1))
            new = replace(new, revision=known.counted.revision + 1)
            facts.append(_routed(_Booking(step, new, payer), 1))
        counted[at] = new
    return facts


def _without_payer(counted: Counted) -> Counted:
    return counted if counted.payer is None else replace(counted, payer=None)


def _is_restated(step: Money, before: Money) -> bool:
    """Whether a copy changed what is stored of a step."""
    return step is not before and replace(step, ts=before.ts) != before


def _routed(booking: _Booking, sign: int) -> MatchFact:
    """Route a booking to the install that paid, or to the owner of the account."""
    payer = booking.counted.payer or booking.payer
    money = booked_money(booking.step, booking.counted)
    if payer.install_id:
        move = 0 if sign > 0 else TAKEN_BACK
        return MoneyRouted(payer.install_id, money, sign, move, payer.deadline)
    return AccountMoney(payer.account, money, payer.paid_at, payer.deadline, sign)
