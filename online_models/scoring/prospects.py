"""An install as the models see it: its activity, its payments, and what was predicted of it.

Facts are only remembered here, by when they happened and when they became known, which is the later
of event and log time. Labels are released at due times, from the facts known before (`labels`). So
the order in which facts arrive changes nothing.
"""

from __future__ import annotations

from bisect import bisect_right

from msgspec import Struct, structs

from online_models.features import features
from online_models.features.features import ActivityTally, InstallCredit
from online_models.scoring.landmarks import LANDMARKS
from online_models.targets.targets import Target, Targets
from schemas.records import ActivitySeen, ExposureSeen, Frozen, Money, MoneyKind, UnitAssignment
from schemas.time import DAY_MS

PAYMENTS_MAX = 8
"""Purchases remembered one by one, earliest first; refunds of others do not undo a label."""

SERVED_SHARE = 0.25
"""Share of installs, by their id, whose predictions are remembered until their outcomes are known,
to measure the quality of predictions. Remembering all would double the state."""

SPAN_EDGES_MS = (
    *(one.after_ms for one in LANDMARKS[1:]),
    *(DAY_MS * day for day in (14, 30, 45, 60, 90)),
)
"""Ages, in ms, between which money is summed by when it became known: landmarks, and steps of
value. Later money does not count."""


SUM_MICROS_MAX = 2**58
"""Sums of money in the state of one install stop here, at 288 times the largest amount of an event.
State and examples hold 64 bits, and labels add all spans: whatever an install pays, they fit."""


class ProspectPayment(Struct, frozen=True, array_like=True, gc=False):
    """A purchase with its refunds. Times in ms since 1970; 0: not seen yet."""

    transaction_id: str
    time: int = 0
    known_at: int = 0
    micros: int = 0  # in its own currency
    refunded_micros: int = 0
    refunded_at: int = 0  # when the last of it became known

    def counts_at(self, now: int) -> bool:
        """Whether it was known before `now`, and not yet known to be refunded in full."""
        if not 0 < self.known_at < now or self.micros <= 0:
            return False
        return self.refunded_micros < self.micros or self.refunded_at >= now


class GivenPrediction(Struct, frozen=True, array_like=True, gc=False):
    """A prediction whose outcome is not known yet."""

    landmark: int
    chances: dict[str, float]  # of horizons without an outcome
    tier: str
    model_version: str


class TargetProgress(Struct, frozen=True, array_like=True, gc=False):
    """Progress of one target of an install."""

    released: int = 0  # bins
    is_over: bool = False
    seen: dict[int, int] = {}  # of activity: bin to when the first became known
    given: tuple[GivenPrediction, ...] = ()


class Prospect(Struct, frozen=True, array_like=True):
    """Part of the stored state of a journey."""

    next_landmark: int = 0
    tally: ActivityTally = ActivityTally()
    credit: InstallCredit | None = None  # at the first landmark
    media_source: str = ""  # with the credit at the last landmark
    frozen: tuple[Frozen, ...] = ()
    payments: tuple[ProspectPayment, ...] = ()
    spans: tuple[int, ...] = ()  # micros known between SPAN_EDGES_MS, in the reporting currency
    progress: dict[str, TargetProgress] = {}  # by target
    release_due: int = 0  # when the next bin is released; 0: not scored yet, or never again
    is_closed: bool = False
    assigned: tuple[UnitAssignment, ...] = ()  # by experiments
    exposures: tuple[ExposureSeen, ...] = ()  # until log time has reached them

    def spent_until(self, age: int) -> int:
        """Micros known before an age of the install, which is one of SPAN_EDGES_MS or 0."""
        return sum(self.spans[: bisect_right(SPAN_EDGES_MS, age)])


NEW_PROSPECT = Prospect()
CLOSED_PROSPECT = Prospect(is_closed=True)
TARGET_OVER = TargetProgress(is_over=True)


def progress_of(state: Prospect, name: str) -> TargetProgress:
    """Progress of a target. One that was declared after the install was scored is over."""
    return state.progress.get(name) or (TARGET_OVER if state.next_landmark else TargetProgress())


def note_activity(
    state: Prospect, installed_at: int, activity: ActivitySeen, targets: Targets
) -> Prospect:
    """Count a session or an in-app event; the same state when it is too late to matter."""
    if state.is_closed:
        return state
    state = _note_activity(state, installed_at, activity, targets)
    known_at = max(activity.time, activity.ts)
    # Activity after its landmark was scored counts for the next one: scored features stay.
    bucket = max(features.bucket_of(known_at - installed_at), state.next_landmark - 1)
    if bucket >= len(LANDMARKS) - 1:
        return state
    tally = features.count(state.tally, bucket, activity.name, activity.is_session)
    return structs.replace(state, tally=tally)


def _note_activity(
    state: Prospect, installed_at: int, activity: ActivitySeen, targets: Targets
) -> Prospect:
    for target in targets.hazards:
        if target.event != "activity" or target.event_name not in ("", activity.name):
            continue
        progress = progress_of(state, target.name)
        bin_ = target.shape.bin_at(activity.time - installed_at)
        if progress.is_over or not 0 <= bin_ < target.shape.bins:
            continue
        known_at = max(activity.time, activity.ts)
        before = progress.seen.get(bin_)
        if before is None or known_at < before:
            seen = dict(sorted({**progress.seen, bin_: known_at}.items()))
            noted = structs.replace(progress, seen=seen)
            state = structs.replace(state, progress={**state.progress, target.name: noted})
    return state


def note_money(
    state: Prospect, installed_at: int, money: Money, sign: int, targets: Targets
) -> Prospect:
    """Add money of an install; `sign` -1: take it away again.

    Steps that count nothing, such as trials and cancellations, are no payments.
    """
    if state.is_closed or money.amount_micros == 0:
        return state
    known_at = max(money.time, money.ts)
    micros = targets.value.micros(money.amount_micros, money.currency)
    if micros:
        state = _add_to_span(state, known_at - installed_at, sign * micros)
    if money.kind is MoneyKind.AD_REVENUE:
        return state
    return structs.replace(state, payments=_with(state.payments, money, sign))


def _bounded(micros: int) -> int:
    return max(-SUM_MICROS_MAX, min(micros, SUM_MICROS_MAX))


def _add_to_span(state: Prospect, age: int, micros: int) -> Prospect:
    span = bisect_right(SPAN_EDGES_MS, age)
    if span == len(SPAN_EDGES_MS):
        return state
    spans = [*state.spans, *(0,) * (span + 1 - len(state.spans))]
    spans[span] = _bounded(spans[span] + micros)
    return structs.replace(state, spans=tuple(spans))


def _with(
    payments: tuple[ProspectPayment, ...], money: Money, sign: int
) -> tuple[ProspectPayment, ...]:
    """Payments with this purchase or refund added. The result does not depend on their order."""
    by_id = {one.transaction_id: one for one in payments}
    known = by_id.get(money.transaction_id) or ProspectPayment(money.transaction_id)
    by_id[money.transaction_id] = _changed(known, money, sign)
    ordered = sorted(by_id.values(), key=lambda payment: (payment.time, payment.transaction_id))
    return tuple(ordered[:PAYMENTS_MAX])


def _changed(payment: ProspectPayment, money: Money, sign: int) -> ProspectPayment:
    known_at = max(money.time, money.ts)
    if money.kind is MoneyKind.REFUND:
        return structs.replace(
            payment,
            refunded_micros=_bounded(payment.refunded_micros - sign * money.amount_micros),
            refunded_at=max(payment.refunded_at, known_at),
        )
    micros = _bounded(payment.micros + sign * money.amount_micros)
    if sign < 0:
        return structs.replace(payment, micros=micros)
    return structs.replace(payment, time=money.time, known_at=known_at, micros=micros)


def first_event(state: Prospect, target: Target, installed_at: int, now: int) -> int | None:
    """The bin of the first event of a target known before log time `now`; None: none was."""
    if target.event == "activity":
        seen = progress_of(state, target.name).seen
        return min((bin_ for bin_, known_at in seen.items() if known_at < now), default=None)
    bins = (
        target.shape.bin_at(max(payment.time - installed_at, 0))
        for payment in state.payments
        if payment.counts_at(now)
    )
    return min((bin_ for bin_ in bins if 0 <= bin_ < target.shape.bins), default=None)
