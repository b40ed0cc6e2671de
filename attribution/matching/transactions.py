"""Transactions: every step once, and what is booked follows what the steps are worth together.

Each accepted step has one booking, also if it counts nothing, so that trials and cancellations can
be counted. Whenever another step changes what it counts, or who paid, the booking is taken back and
booked anew: a signed pair. So sums over bookings equal the fold in every order of arrival.
"""

from __future__ import annotations

from msgspec.structs import replace

from attribution.bounds.byte_bounds import REFUND_BYTES_PER_PURCHASE_MAX, within
from attribution.matching.facts import Evicted, MatchFact, MoneyWaiting, Settled
from attribution.matching.sales.family import (
    bounded_claims,
    count_family,
    family_messages,
    light_claims,
    original_of,
)
from attribution.matching.sales.periods import for_its_period, is_copy
from attribution.matching.sales.rebook import rebook
from attribution.matching.transaction_fold import (
    fold_steps,
    is_paid,
    is_paying,
    payer_of,
)
from attribution.matching.transaction_state import (
    Transaction,
    bounded_steps,
    merged_copy,
    remembered_as_spent,
)
from attribution.rules.rules import Rules
from schemas.records import (
    Counted,
    Money,
    MoneyKind,
    MoneySeen,
    OriginalSeen,
    RestoreSeen,
)
from schemas.time import MILLISECOND, LogMs


def take_record(
    state: Transaction | None, record: MoneySeen | RestoreSeen | OriginalSeen, rules: Rules
) -> tuple[Transaction | None, list[MatchFact]]:
    """Apply a record to the transaction of its key; an answer to one that is forgotten is nothing,
    because a state of nothing would be forgotten again whenever batches happen to end."""
    if state is None and isinstance(record, OriginalSeen):
        return None, []
    if isinstance(record, MoneySeen):
        return fold_money(state, record.money, rules, record.key)
    if isinstance(record, RestoreSeen):
        return note_restore(state, record, rules)
    return note_original(state, record, rules)


def fold_money(
    state: Transaction | None, money: Money, rules: Rules, key: str = ""
) -> tuple[Transaction, list[MatchFact]]:
    """Add one step; book what follows. `key` is the match key of the transaction."""
    before = state or Transaction()
    after, facts = _fold(before, money, rules, key)
    return after, [*facts, *family_messages(before, after, key, rules)]


def _fold(
    state: Transaction, money: Money, rules: Rules, key: str
) -> tuple[Transaction, list[MatchFact]]:
    if money.ts > state.last_ts:
        state = replace(state, last_ts=money.ts)
    for at, known in enumerate(state.steps):
        if is_copy(known, money):
            money = replace(money, booking_id=known.booking_id)
            merged = merged_copy(known, money)
            if merged is not known:
                steps = [*state.steps[:at], merged, *state.steps[at + 1 :]]
                state, facts = _settle(state, steps, rules, key)
                return state, [Settled(money.source, "duplicate"), *facts]
            return state, [Settled(money.source, "duplicate")]
    if money.kind is MoneyKind.REFUND:
        return _fold_refund(state, money, rules, key)
    state, released, facts = _released(state, money, rules)
    step = for_its_period(state.steps, money)
    state, booked = _settle(state, [*state.steps, step, *released], rules, key)
    state, bounded = bounded_steps(state, rules)
    return state, facts + booked + bounded


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
        state, bounded = bounded_steps(state, rules)
        return state, booked + bounded
    facts: list[MatchFact] = [
        MoneyWaiting(refund, "parked", "purchase", deadline),
        Settled(refund.source, "parked"),
    ]
    parked, evicted = [*state.parked, refund], list[Money]()
    if len(parked) > rules.refunds_per_purchase_max:
        evicted = [min(parked, key=_age)]
        parked = [one for one in parked if one is not evicted[0]]
        facts.append(Evicted("refunds_per_purchase_max", 1))
    parked, large = within(parked, REFUND_BYTES_PER_PURCHASE_MAX, _age)
    if large:
        facts.append(Evicted("refund_bytes_per_purchase_max", len(large)))
    state = remembered_as_spent(state, [*evicted, *large], rules)
    facts += [fact for one in (*evicted, *large) for fact in _given_up(one, rules)]
    return replace(state, parked=parked), facts


def _age(refund: Money) -> tuple[LogMs, str]:
    return refund.ts, refund.booking_id


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
    """Learn whether the transaction that a purchase names as its original is known as paid, and
    what the refunds that it claimed take there."""
    before = state or Transaction()
    if seen.original_key and seen.original_key != original_of(before.steps):
        return before, []
    after = replace(before, is_original_paid=seen.is_paid, taken=seen.taken, taken_hops=seen.hops)
    if after == before:
        return before, []
    after, facts = _settle(after, after.steps, rules, seen.key)
    return after, [*facts, *family_messages(before, after, seen.key, rules)]


def note_restore(
    state: Transaction | None, seen: RestoreSeen, rules: Rules
) -> tuple[Transaction, list[MatchFact]]:
    """Remember who names this transaction as its original and what that one claims, and answer."""
    before = state or Transaction()
    facts: list[MatchFact] = []
    restores, claims = before.restores, dict(before.claims)
    if seen.restore_key not in restores:
        restores = [*restores, seen.restore_key]
        if len(restores) > rules.restores_per_purchase_max:
            claims.pop(restores[0], None)
            restores = restores[1:]
            facts.append(Evicted("restores_per_purchase_max", 1))
    if seen.claim is not None:
        claims, dropped = bounded_claims(
            claims | {seen.restore_key: seen.claim}, rules.refunds_per_purchase_max
        )
        if dropped:
            facts.append(Evicted("refunds_per_purchase_max", dropped))
        known = len(restores)
        restores, claims = light_claims(restores, claims)
        if len(restores) < known:
            facts.append(Evicted("claim_bytes_per_purchase_max", known - len(restores)))
    after = replace(
        before,
        last_ts=max(before.last_ts, seen.ts),
        restores=restores,
        is_reported_paid=is_paid(before.steps),
        claims=claims,
    )
    after, booked = _settle(after, after.steps, rules, seen.key)
    return after, [*facts, *booked, *family_messages(before, after, seen.key, rules)]


def expire_refunds(
    state: Transaction, now: LogMs, rules: Rules
) -> tuple[Transaction, list[MatchFact]]:
    """Expire parked refunds whose deadline has passed at log time `now`."""
    facts: list[MatchFact] = []
    overdue = [one for one in state.parked if _deadline_of(one, rules) < now]
    for refund in overdue:
        facts += _given_up(refund, rules)
    parked = [one for one in state.parked if _deadline_of(one, rules) >= now]
    return remembered_as_spent(replace(state, parked=parked), overdue, rules), facts


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
    counted = _counted(state, steps, rules, key)
    facts = rebook(state, steps, counted, payer)
    is_reported_paid = bool(state.restores) and is_paid(steps)
    state = replace(
        state, steps=steps, counted=counted, payer=payer, is_reported_paid=is_reported_paid
    )
    return state, facts


def _counted(state: Transaction, steps: list[Money], rules: Rules, key: str) -> list[Counted]:
    if state.claims or state.taken:
        return count_family(state, steps, key, rules).counted
    return fold_steps(
        steps, is_original_paid=state.is_original_paid, forgotten_micros=state.forgotten_micros
    )


def _given_up(refund: Money, rules: Rules) -> list[MatchFact]:
    return [
        MoneyWaiting(refund, "expired", "purchase", _deadline_of(refund, rules)),
        Settled(refund.source, "expired"),
    ]


def _deadline_of(money: Money, rules: Rules) -> LogMs:
    """Last log time at which a purchase, account or install still counts for this money."""
    return money.ts + rules.parking_ms
