"""Transactions: every step once, and what is booked follows what the steps are worth together.

Each accepted step has one booking, also if it counts nothing, so that trials and cancellations can
be counted. Whenever another step changes what it counts, or who paid, the booking is taken back and
booked anew: a signed pair. So sums over bookings equal the fold in every order of arrival.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from attribution.matching.facts import Evicted, MatchFact, MoneyWaiting, Settled
from attribution.matching.transaction_fold import (
    Counted,
    Payer,
    charge_of,
    fold_steps,
    is_paid,
    is_paying,
    payer_of,
)
from attribution.matching.transaction_state import Transaction, booked_money, merged_copy
from attribution.rules.rules import Rules
from schemas.records import (
    TAKEN_BACK,
    AccountMoney,
    Money,
    MoneyKind,
    MoneyRouted,
    MoneySeen,
    OriginalSeen,
    RestoreSeen,
)
from schemas.time import MILLISECOND, LogMs


class _Booking(NamedTuple):
    """One step as it is booked."""

    step: Money
    counted: Counted
    payer: Payer


def take_record(
    state: Transaction | None, record: MoneySeen | RestoreSeen | OriginalSeen, rules: Rules
) -> tuple[Transaction, list[MatchFact]]:
    """Apply a record to the transaction of its key."""
    if isinstance(record, MoneySeen):
        return fold_money(state, record.money, rules, record.key)
    if isinstance(record, RestoreSeen):
        return note_restore(state, record, rules)
    return note_original(state, record, rules)


def fold_money(
    state: Transaction | None, money: Money, rules: Rules, key: str = ""
) -> tuple[Transaction, list[MatchFact]]:
    """Add one step; book what follows. `key` is the match key of the transaction."""
    state = state or Transaction()
    if money.ts > state.last_ts:
        state = replace(state, last_ts=money.ts)
    for at, known in enumerate(state.steps):
        if known.booking_id == money.booking_id:
            merged = merged_copy(known, money)
            if merged is not known:
                steps = [*state.steps[:at], merged, *state.steps[at + 1 :]]
                state, facts = _settle(state, steps, rules, key)
                return state, [Settled(money.source, "duplicate"), *facts]
            return state, [Settled(money.source, "duplicate")]
    if money.kind is MoneyKind.REFUND:
        return _fold_refund(state, money, rules, key)
    state, released, facts = _released(state, money, rules)
    state, booked = _settle(state, [*state.steps, money, *released], rules, key)
    state, bounded = _bounded(state, rules)
    asked: list[MatchFact] = []
    if money.original_key and key:
        asked.append(RestoreSeen(money.original_key, key, money.ts))
    return state, facts + booked + bounded + asked


def _fold_refund(
    state: Transaction, refund: Money, rules: Rules, key: str
) -> tuple[Transaction, list[MatchFact]]:
    if refund.booking_id in state.spent:
        return state, [Settled(refund.source, "duplicate")]
    for at, known in enumerate(state.parked):
        if known.booking_id == refund.booking_id:
            merged = merged_copy(known, refund)
            parked = [*state.parked[:at], merged, *state.parked[at + 1 :]]
            return replace(state, parked=parked), [Settled(refund.source, "duplicate")]
    deadline = _deadline_of(refund, rules)
    if any(is_paying(step) and step.ts <= deadline for step in state.steps):
        state, booked = _settle(state, [*state.steps, refund], rules, key)
        state, bounded = _bounded(state, rules)
        return state, booked + bounded
    facts: list[MatchFact] = [
        MoneyWaiting(refund, "parked", "purchase", deadline),
        Settled(refund.source, "parked"),
    ]
    parked = [*state.parked, refund]
    if len(parked) > rules.refunds_per_purchase_max:
        oldest = min(parked, key=lambda one: (one.ts, one.booking_id))
        parked = [one for one in parked if one is not oldest]
        state = _remembered_as_spent(state, [oldest], rules)
        facts += [*_given_up(oldest, rules), Evicted("refunds_per_purchase_max", 1)]
    return replace(state, parked=parked), facts


def _released(
    state: Transaction, money: Money, rules: Rules
) -> tuple[Transaction, list[Money], list[MatchFact]]:
    """Take the parked refunds that this step is the purchase of."""
    if not state.parked or not is_paying(money):
        return state, [], []
    released = [one for one in state.parked if money.ts <= _deadline_of(one, rules)]
    facts: list[MatchFact] = [
        MoneyWaiting(one, "released", "purchase", _deadline_of(one, rules)) for one in released
    ]
    parked = [one for one in state.parked if one not in released]
    return replace(state, parked=parked), released, facts


def note_original(
    state: Transaction | None, seen: OriginalSeen, rules: Rules
) -> tuple[Transaction, list[MatchFact]]:
    """Learn whether the transaction that a purchase names as its original is known as paid."""
    state = state or Transaction()
    if state.is_original_paid == seen.is_paid:
        return state, []
    state = replace(state, is_original_paid=seen.is_paid)
    return _settle(state, state.steps, rules, seen.key)


def note_restore(
    state: Transaction | None, seen: RestoreSeen, rules: Rules
) -> tuple[Transaction, list[MatchFact]]:
    """Remember who names this transaction as its original, and answer whether it is paid."""
    state = state or Transaction()
    state = replace(state, last_ts=max(state.last_ts, seen.ts))
    facts: list[MatchFact] = []
    if seen.restore_key not in state.restores:
        restores = [*state.restores, seen.restore_key]
        if len(restores) > rules.restores_per_purchase_max:
            restores = restores[1:]
            facts.append(Evicted("restores_per_purchase_max", 1))
        state = replace(state, restores=restores, is_reported_paid=is_paid(state.steps))
    if is_paid(state.steps) and not _is_named_by(state, seen.restore_key, seen.key):
        facts.append(OriginalSeen(seen.restore_key, True))
    return state, facts


def expire_refunds(
    state: Transaction, now: LogMs, rules: Rules
) -> tuple[Transaction, list[MatchFact]]:
    """Expire parked refunds whose deadline has passed at log time `now`."""
    facts: list[MatchFact] = []
    overdue = [one for one in state.parked if _deadline_of(one, rules) < now]
    for refund in overdue:
        facts += _given_up(refund, rules)
    parked = [one for one in state.parked if _deadline_of(one, rules) >= now]
    return _remembered_as_spent(replace(state, parked=parked), overdue, rules), facts


def transaction_due(state: Transaction, rules: Rules) -> LogMs | None:
    """Log time at which `expire_refunds` has something to do; None: never."""
    return min((_deadline_of(refund, rules) + MILLISECOND for refund in state.parked), default=None)


def transaction_expires_at(state: Transaction, rules: Rules) -> LogMs:
    """Log time from which the transaction may be forgotten. A copy that comes later is booked again
    under the same ids, so that views count it once even then."""
    if state.steps and state.steps[0].kind is MoneyKind.AD_REVENUE:
        return LogMs(state.last_ts + rules.impression_retention_ms)
    return LogMs(state.last_ts + rules.transaction_retention_ms)


def _settle(
    state: Transaction, steps: list[Money], rules: Rules, key: str
) -> tuple[Transaction, list[MatchFact]]:
    """Book what changes when these are the steps, and tell those that wait for it."""
    if not steps:
        return state, []
    payer = payer_of(steps, rules.parking_ms)
    counted = fold_steps(
        steps, is_original_paid=state.is_original_paid, forgotten_micros=state.forgotten_micros
    )
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
        if new != known.counted or payer != known.payer or _is_restated(step, known.step):
            facts.append(_routed(known, -1))
            new = replace(new, revision=known.counted.revision + 1)
            facts.append(_routed(_Booking(step, new, payer), 1))
        counted[at] = new
    state = replace(state, steps=steps, counted=counted, payer=payer)
    if state.restores and is_paid(steps) != state.is_reported_paid:
        state = replace(state, is_reported_paid=not state.is_reported_paid)
        facts += [
            OriginalSeen(name, state.is_reported_paid)
            for name in state.restores
            if not _is_named_by(state, name, key)
        ]
    return state, facts


def _is_restated(step: Money, before: Money) -> bool:
    """Whether a copy changed what is stored of a step."""
    return step is not before and replace(step, ts=before.ts) != before


def _routed(booking: _Booking, sign: int) -> MatchFact:
    """Route a booking to the install that paid, or to the owner of the account."""
    payer, money = booking.payer, booked_money(booking.step, booking.counted)
    if payer.install_id:
        move = 0 if sign > 0 else TAKEN_BACK
        return MoneyRouted(payer.install_id, money, sign, move, payer.deadline)
    return AccountMoney(payer.account, money, payer.paid_at, payer.deadline, sign)


def _is_named_by(state: Transaction, restore_key: str, key: str) -> bool:
    """Whether both name each other: then the lesser key is the original."""
    return restore_key < key and any(step.original_key == restore_key for step in state.steps)


def _bounded(state: Transaction, rules: Rules) -> tuple[Transaction, list[MatchFact]]:
    """Beyond the bounds forget steps: first those that count nothing, then the oldest refunds.

    Their bookings stay. What forgotten refunds took is kept as a sum.
    """
    refunds = [at for at, one in enumerate(state.steps) if one.kind is MoneyKind.REFUND]
    if len(refunds) > rules.refunds_per_purchase_max:
        bound, at = (
            "refunds_per_purchase_max",
            min(refunds, key=lambda at: _importance(state, at)),
        )
        taken = -state.counted[at].micros
        spent = _remembered_as_spent(state, [state.steps[at]], rules).spent
        state = replace(state, spent=spent, forgotten_micros=max(state.forgotten_micros + taken, 0))
    elif len(state.steps) - len(refunds) > rules.steps_per_purchase_max:
        charge = charge_of(state.steps, is_original_paid=state.is_original_paid)
        others = [
            at
            for at, one in enumerate(state.steps)
            if one.kind is not MoneyKind.REFUND and one.booking_id != charge.booking_id
        ]
        bound, at = "steps_per_purchase_max", min(others, key=lambda at: _importance(state, at))
    else:
        return state, []
    return replace(
        state,
        steps=[*state.steps[:at], *state.steps[at + 1 :]],
        counted=[*state.counted[:at], *state.counted[at + 1 :]],
    ), [Evicted(bound, 1)]


def _importance(state: Transaction, at: int) -> tuple[bool, bool, LogMs, str]:
    step = state.steps[at]
    return state.counted[at].micros != 0, is_paying(step), step.ts, step.booking_id


def _remembered_as_spent(state: Transaction, refunds: list[Money], rules: Rules) -> Transaction:
    """Remember the ids of the newest refunds that are gone, to know copies of them."""
    if not refunds:
        return state
    spent = [*state.spent, *(one.booking_id for one in refunds)]
    return replace(state, spent=spent[-rules.refunds_per_purchase_max :])


def _given_up(refund: Money, rules: Rules) -> list[MatchFact]:
    return [
        MoneyWaiting(refund, "expired", "purchase", _deadline_of(refund, rules)),
        Settled(refund.source, "expired"),
    ]


def _deadline_of(money: Money, rules: Rules) -> LogMs:
    """Last log time at which a purchase, account or install still counts for this money."""
    return money.ts + rules.parking_ms
