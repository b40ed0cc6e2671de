"""Rows of parked records: one shape for money and activity, whatever they wait for."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes import Parked
from schemas.records import ActivitySeen, Money, MoneyKind
from schemas.time import LogMs
from streams.stages.common.source_columns import environment_of, source_columns

ParkingState = Literal["parked", "released", "expired"]
MoneyKindName = Literal["purchase", "subscription", "refund", "ad_revenue"]
MONEY_KINDS: dict[MoneyKind, MoneyKindName] = {
    MoneyKind.PURCHASE: "purchase",
    MoneyKind.SUBSCRIPTION: "subscription",
    MoneyKind.REFUND: "refund",
    MoneyKind.AD_REVENUE: "ad_revenue",
}


def booking_name(money: Money) -> str:
    """Id of one booking of a step: the first, or a later one after it was taken back."""
    return f"{money.booking_id}:{money.revision}" if money.revision else money.booking_id


def money_parked(
    money: Money,
    state: ParkingState,
    waits_for: Literal["install", "account", "purchase"],
    deadline: LogMs,
    move: int = 0,
) -> Parked:
    """The row of money that is parked, released or expired after `move` relinks."""
    move_part = f":move{move}" if move else ""
    # A refund without purchase is told by its own id, whatever it states.
    is_whole = waits_for == "purchase" and money.money_id
    return Parked(
        parked_id=f"{booking_name(money)}:{waits_for}:{state}{move_part}",
        subject_id=money.money_id if is_whole else money.booking_id,
        state=state,
        waits_for=waits_for,
        kind=MONEY_KINDS[money.kind],
        app_id=money.app_id,
        environment=environment_of(is_sandbox=money.is_sandbox),
        amount_micros=money.amount_micros,
        currency=money.currency,
        event_time=money.time,
        deadline=deadline,
        event_id=getattr(money, "event_id", ""),  # earlier versions logged none
        **source_columns(money.source),
    )


def activity_parked(activity: ActivitySeen, state: ParkingState, deadline: LogMs) -> Parked:
    """The row of activity that is parked, released or expired."""
    subject_id = f"{activity.app_id}:{activity.install_id}:{activity.event_id}"
    return Parked(
        parked_id=f"{subject_id}:install:{state}",
        subject_id=subject_id,
        state=state,
        waits_for="install",
        kind="session" if activity.is_session else "in_app_event",
        app_id=activity.app_id,
        environment=environment_of(is_sandbox=activity.is_sandbox),
        amount_micros=0,
        currency="",
        event_time=activity.time,
        deadline=deadline,
        event_id=activity.event_id,
        **source_columns(activity.source),
    )
