"""Transactions: the purchase once, each refund once, and refunds only after their purchase.

Money is deduplicated here by its own id before it is routed or summed.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from attribution.matching.facts import Evicted, MatchFact, MoneyWaiting, Settled
from attribution.rules.rules import Rules
from schemas.records import AccountMoney, Money, MoneyKind, MoneyRouted
from schemas.time import MILLISECOND, LogMs


class Transaction(Struct, frozen=True, array_like=True, tag=2):
    """Everything known of one transaction. Stored as an array: new fields go to the end."""

    purchase: Money | None = None
    refund_ids: list[str] = []  # of every refund, also of parked ones
    parked: list[Money] = []  # refunds that arrived before the purchase


def _deadline_of(money: Money, rules: Rules) -> LogMs:
    """Last log time at which a purchase, account or install still counts for this money."""
    return money.ts + rules.parking_ms


def fold_money(
    state: Transaction | None, money: Money, rules: Rules
) -> tuple[Transaction, list[MatchFact]]:
    """Add a purchase or a refund; route what is complete and park a refund without purchase."""
    state = state or Transaction()
    if money.kind is MoneyKind.REFUND:
        return _fold_refund(state, money, rules)
    if state.purchase is not None:
        return state, [Settled(money.source, "duplicate")]
    facts = [route_money(money, money, rules)]
    still_parked: list[Money] = []
    for refund in state.parked:
        if money.ts > _deadline_of(refund, rules):
            still_parked.append(refund)
            continue
        facts.append(MoneyWaiting(refund, "released", "purchase", _deadline_of(refund, rules)))
        facts.append(route_money(refund, money, rules))
    return Transaction(money, state.refund_ids, still_parked), facts


def _fold_refund(
    state: Transaction, refund: Money, rules: Rules
) -> tuple[Transaction, list[MatchFact]]:
    if refund.booking_id in state.refund_ids:
        return state, [Settled(refund.source, "duplicate")]
    facts: list[MatchFact] = []
    refund_ids = [*state.refund_ids, refund.booking_id]
    if len(refund_ids) > rules.refunds_per_purchase_max:
        refund_ids = refund_ids[-rules.refunds_per_purchase_max :]
        facts.append(Evicted("refunds_per_purchase_max", 1))
    purchase, deadline = state.purchase, _deadline_of(refund, rules)
    if purchase is not None and purchase.ts <= deadline:
        return replace(state, refund_ids=refund_ids), [*facts, route_money(refund, purchase, rules)]
    facts += [
        MoneyWaiting(refund, "parked", "purchase", deadline),
        Settled(refund.source, "parked"),
    ]
    return replace(state, refund_ids=refund_ids, parked=[*state.parked, refund]), facts


def expire_refunds(
    state: Transaction, now: LogMs, rules: Rules
) -> tuple[Transaction, list[MatchFact]]:
    """Expire parked refunds whose deadline has passed at log time `now`."""
    facts: list[MatchFact] = []
    for refund in state.parked:
        if _deadline_of(refund, rules) < now:
            facts.append(MoneyWaiting(refund, "expired", "purchase", _deadline_of(refund, rules)))
            facts.append(Settled(refund.source, "expired"))
    parked = [refund for refund in state.parked if _deadline_of(refund, rules) >= now]
    return replace(state, parked=parked), facts


def transaction_due(state: Transaction, rules: Rules) -> LogMs | None:
    """Log time at which `expire_refunds` has something to do; None: never."""
    return min((_deadline_of(refund, rules) + MILLISECOND for refund in state.parked), default=None)


def route_money(money: Money, purchase: Money, rules: Rules) -> MatchFact:
    """Route money by its purchase: to the install it names, or to the owner of its account.

    A refund has the deadline of its purchase, so that both always end at the same install.
    """
    deadline = _deadline_of(purchase, rules)
    if purchase.install_id:
        return MoneyRouted(purchase.install_id, money, 1, 0, deadline)
    return AccountMoney(purchase.account, money, purchase.time, deadline)
