"""Rows of what comes late for an erased person: without anybody's name from the beginning.

Their ids are those that `headwater privacy run` gives the rows stored before, so that whatever is
joined, counted or summed by an id stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import singledispatch
from typing import Any

from msgspec import json
from msgspec.structs import replace

from schemas.outcomes import (
    ActiveDayRow,
    Assignment,
    Booking,
    MilestoneRow,
    Parked,
    UnitExposure,
)
from streams.stages.common.pseudonyms import AnonymousIds

_BOOKED_AGAIN = re.compile(
    r"\.[0-9a-f]{8}(?:\+[^:]*)?((?::[0-9]+)?(?::back|:move[0-9]+[+-])?)$"
).search
"""Behind the statement of a booking: how often it was booked anew, and which half of a relink; as
in `streams.store.erasure.anonymous_ids`."""


def anonymous_booking_id(name: str, ids: AnonymousIds) -> str:
    """The id of a booking; how often it was booked anew stays readable."""
    found = _BOOKED_AGAIN(name)
    again = found[1] if found else ""
    return ids.of(name[: len(name) - len(again)]) + again


@singledispatch
def anonymous_row(row: Any, ids: AnonymousIds) -> Any:
    """The row without names. TypeError: no such row comes late."""
    raise TypeError(f"a row of an erased install: {type(row).__name__}")


@anonymous_row.register
def _(row: Booking, ids: AnonymousIds) -> Booking:
    return replace(
        row,
        install_id=ids.of(row.install_id),
        booking_id=anonymous_booking_id(row.booking_id, ids),
        money_id=ids.of(row.money_id),
        transaction_id=ids.of(row.transaction_id),
        original_transaction_id=ids.of(row.original_transaction_id),
        event_id=ids.of(row.event_id),
    )


@anonymous_row.register
def _(row: ActiveDayRow, ids: AnonymousIds) -> ActiveDayRow:
    return replace(
        row,
        active_day_id=ids.of(row.active_day_id),
        install_id=ids.of(row.install_id),
        conversion_id=ids.of(row.conversion_id),
    )


@anonymous_row.register
def _(row: MilestoneRow, ids: AnonymousIds) -> MilestoneRow:
    return replace(
        row,
        milestone_id=ids.of(row.milestone_id),
        install_id=ids.of(row.install_id),
        conversion_id=ids.of(row.conversion_id),
        event_id=ids.of(row.event_id),
    )


@anonymous_row.register
def _(row: Assignment, ids: AnonymousIds) -> Assignment:
    return replace(row, assignment_id=ids.of(row.assignment_id), install_id=ids.of(row.install_id))


@anonymous_row.register
def _(row: UnitExposure, ids: AnonymousIds) -> UnitExposure:
    return replace(
        row,
        exposure_id=ids.of(row.exposure_id),
        install_id=ids.of(row.install_id),
        event_id=ids.of(row.event_id),
    )


@anonymous_row.register
def _(row: Parked, ids: AnonymousIds) -> Parked:
    tail = row.parked_id.removeprefix(row.subject_id)
    is_money = row.kind not in {"session", "in_app_event"}
    subject = anonymous_booking_id(row.subject_id, ids) if is_money else ids.of(row.subject_id)
    parked = subject + tail if tail != row.parked_id else ids.of(row.parked_id)
    return replace(row, subject_id=subject, parked_id=parked, event_id=ids.of(row.event_id))


def nameless_candidates(touch_ids: Iterable[str], ids: AnonymousIds) -> str:
    """The candidates of somebody who asked to be forgotten, as the column has them.

    The store has rows of these touchpoints and reaches them by no other name, such as one that a
    referrer named. An earlier version of the decision may have told it, or none: so that what is
    forgotten does not depend on which was read first, each version tells.
    """
    return json.encode([{"touch_id": ids.of(one)} for one in touch_ids]).decode()
