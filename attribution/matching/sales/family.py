"""A purchase and those that restore it are one payment, whichever of them is known.

Stores give a restored purchase a new transaction id that names the original one, and people ask for
the refund of either. So a purchase that names an original tells it what it claims: the payment that
it would count, and the refunds that name it. The original counts all of it together, and answers
what each claim comes to:

* The original counts if it is known as paid. Else the earliest of those that restore it stands for
  it. The others are restores and count nothing.
* All refunds take from what counts. Each is booked under its own transaction, to whoever paid for
  the one that it takes from, with the id of that one.

Both sides say everything whenever any of it changes, so that the order of arrival makes no
difference. Restores of restores pass on what they are told.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from attribution.bounds.byte_bounds import CLAIM_BYTES_PER_PURCHASE_MAX, as_stored
from attribution.matching.facts import MatchFact
from attribution.matching.transaction_fold import (
    NO_CHARGE,
    Charge,
    charge_by,
    charge_of,
    charging_step,
    is_paid,
    is_paying,
    may_restore,
    payer_of,
    share_out,
)
from attribution.matching.transaction_state import Transaction
from attribution.rules.rules import Rules
from schemas.records import (
    NO_DETAILS,
    Counted,
    Money,
    MoneyDetails,
    MoneyKind,
    OriginalSeen,
    Payer,
    ReceiptStatus,
    RestoreClaim,
    RestoreSeen,
)
from schemas.time import EventMs, LogMs

_NOWHERE = (0, 0, 0)
_NOTHING = RestoreClaim()

HOPS_MAX = 8
"""So often restores of restores pass on what refunds take, which ends it where they form a ring."""


class Family(NamedTuple):
    """What the steps of a transaction count, and what those that name it have to know."""

    counted: list[Counted]
    answers: dict[str, OriginalSeen]
    """By the key of the purchase that restores this one."""


class _Head(NamedTuple):
    """The transaction that counts; key "": none does."""

    key: str
    sale: str
    charge: Charge
    payer: Payer | None


def count_family(state: Transaction, steps: Sequence[Money], key: str, rules: Rules) -> Family:
    """What these steps of the transaction count, together with all that restores it."""
    claims = dict(_claims_on(state, steps, key))
    head = _head_of(state, steps, claims, key, rules)
    own = {one.booking_id for one in steps}
    claimed = _claimed(claims, own)
    forgotten = state.forgotten_micros + sum(one.forgotten_micros for one in claims.values())
    every = [*steps, *claimed.values()]
    counted = {
        step.booking_id: _counted_of(state, step, here, head, key if step.booking_id in own else "")
        for step, here in zip(every, share_out(every, head.charge, forgotten), strict=True)
    }
    answers = {}
    for name in state.restores:
        claim = claims.get(name)
        is_restored = bool(head.key) and head.key != name
        if claim is None:  # an earlier version makes none; and an original restores nothing
            is_restored = head.key == key and not _is_named_by(steps, name, key)
        taken = {
            one.booking_id: _at_home(counted[one.booking_id], one.transaction_id)
            for one in (claim.refunds if claim is not None else ())
            if one.booking_id not in own
        }
        stated = key if name in state.claims else ""
        is_passed_on = any(one.micros for name, one in state.taken.items() if name in taken)
        hops = state.taken_hops + 1 if is_passed_on else 0
        answers[name] = OriginalSeen(name, is_restored, taken, stated, hops)
    return Family([counted[one.booking_id] for one in steps], answers)


def family_messages(
    before: Transaction, after: Transaction, key: str, rules: Rules
) -> Iterator[MatchFact]:
    """What others have to be told after a change: claims to the original, answers to restores."""
    if not key or not (after.restores or _names_another(before) or _names_another(after)):
        return
    if after.restores:
        known = count_family(before, before.steps, key, rules).answers
        for name, answer in count_family(after, after.steps, key, rules).answers.items():
            if answer != known.get(name, OriginalSeen(name, False, {}, answer.original_key)):
                yield answer
    old, new = original_of(before.steps), original_of(after.steps)
    if old and old != new:
        yield RestoreSeen(old, key, after.last_ts, _NOTHING)
    if new:
        claim = _claim_of(after, key, rules)
        if old != new or claim != _claim_of(before, key, rules):
            yield RestoreSeen(new, key, after.last_ts, claim)


def _names_another(state: Transaction) -> bool:
    return any(step.original_key for step in state.steps)


def bounded_claims(
    claims: dict[str, RestoreClaim], refunds_max: int
) -> tuple[dict[str, RestoreClaim], int]:
    """The claims with so many refunds together, and how many were dropped: the latest ones of
    whoever claims most. They take nothing."""
    dropped = 0
    while sum(len(one.refunds) for one in claims.values()) > refunds_max:
        name = max(claims, key=lambda name: (len(claims[name].refunds), name))
        claims = claims | {name: replace(claims[name], refunds=claims[name].refunds[:-1])}
        dropped += 1
    return claims, dropped


def light_claims(
    restores: list[str], claims: dict[str, RestoreClaim]
) -> tuple[list[str], dict[str, RestoreClaim]]:
    """The restores whose claims fit together, and those claims: the largest one gives way."""
    sizes = {name: len(as_stored(claim)) for name, claim in claims.items()}
    while sum(sizes.values()) > CLAIM_BYTES_PER_PURCHASE_MAX and len(sizes) > 1:
        del sizes[max(sizes, key=lambda name: (sizes[name], name))]
    if len(sizes) == len(claims):
        return restores, claims
    kept = {name: claims[name] for name in sizes}
    return [name for name in restores if name in kept or name not in claims], kept


def original_of(steps: Sequence[Money]) -> str:
    """The key of the transaction that these steps restore; "": none."""
    if not may_restore(steps):
        return ""
    naming = [step for step in steps if is_paying(step) and step.original_key]
    return min(naming, key=_naming_order).original_key


def _naming_order(step: Money) -> tuple[bool, EventMs, str]:
    return step.receipt is ReceiptStatus.INVALID, step.time, step.original_key


def _head_of(
    state: Transaction,
    steps: Sequence[Money],
    claims: Mapping[str, RestoreClaim],
    key: str,
    rules: Rules,
) -> _Head:
    if is_paid(steps):
        charge = charge_of(steps, is_original_paid=state.is_original_paid)
        return _Head(key, steps[0].transaction_id, charge, payer_of(steps, rules.parking_ms))
    standing = [
        (one.charge.time, name, one.charge, one.payer)
        for name, one in claims.items()
        if one.charge is not None
    ]
    if not standing:
        return _Head("", "", NO_CHARGE, None)
    _, name, charging, payer = min(standing, key=lambda one: one[:2])
    return _Head(name, charging.transaction_id, charge_by(charging), payer)


def _counted_of(state: Transaction, step: Money, here: Counted, head: _Head, owner: str) -> Counted:
    """What a step counts: of a refund what the original said, else what was worked out here."""
    if step.kind is not MoneyKind.REFUND:
        return here
    known = state.taken.get(step.booking_id)
    if known is not None and (owner or state.taken_hops < HOPS_MAX):
        return known
    if head.key in ("", owner) or not here.micros:
        return here
    return replace(here, sale=head.sale, payer=head.payer)


def _at_home(counted: Counted, sale: str) -> Counted:
    """Without the transaction that a refund takes from where that is its own."""
    return replace(counted, sale="", payer=None) if counted.sale == sale else counted


def _claimed(claims: Mapping[str, RestoreClaim], own: Container[str]) -> dict[str, Money]:
    """Refunds of others, by booking id."""
    return {
        one.booking_id: one
        for claim in claims.values()
        for one in claim.refunds
        if one.booking_id not in own
    }


def _claims_on(
    state: Transaction, steps: Sequence[Money], key: str
) -> Iterator[tuple[str, RestoreClaim]]:
    """Of two that name each other, only the one with the lesser key is an original."""
    for name, claim in state.claims.items():
        if not _is_named_by(steps, name, key):
            yield name, claim


def _is_named_by(steps: Sequence[Money], restore_key: str, key: str) -> bool:
    """Whether both name each other, and the other one is the original."""
    return restore_key < key and any(step.original_key == restore_key for step in steps)


def _claim_of(state: Transaction, key: str, rules: Rules) -> RestoreClaim:
    charging = charging_step(state.steps)
    if charging is None:
        return _NOTHING
    own = [one for one in state.steps if one.kind is MoneyKind.REFUND]
    known = {one.booking_id for one in own}
    claims = dict(_claims_on(state, state.steps, key))
    refunds = [*map(_refund_alone, own), *_claimed(claims, known).values()]
    refunds = sorted(refunds, key=lambda one: (one.time, one.booking_id))
    return RestoreClaim(
        _charge_alone(charging),
        payer_of(state.steps, rules.parking_ms),
        refunds[: rules.refunds_per_purchase_max],
        state.forgotten_micros + sum(one.forgotten_micros for one in claims.values()),
    )


def _refund_alone(refund: Money) -> Money:
    """What decides about a refund, and nothing else."""
    return Money(
        booking_id=refund.booking_id,
        transaction_id=refund.transaction_id,
        kind=refund.kind,
        app_id="",
        install_id="",
        account="",
        amount_micros=refund.amount_micros,
        currency=refund.currency,
        product_id="",
        time=refund.time,
        ts=LogMs(0),
        source=_NOWHERE,
        step=refund.step,
        refund_id=refund.refund_id,
    )


def _charge_alone(charge: Money) -> Money:
    details = charge.details
    parts = MoneyDetails(
        net_micros=details.net_micros, fee_micros=details.fee_micros, tax_micros=details.tax_micros
    )
    return replace(_refund_alone(charge), details=NO_DETAILS if parts == NO_DETAILS else parts)
