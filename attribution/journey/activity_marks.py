"""What is remembered of the activity of an install: on which days, and what it did first when.

Retention, daily active users and funnels need facts, not every event. So an install has at most one
mark per day of life and calendar day, and one per name of event, however much it does.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from msgspec import Struct

from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.records import ActivitySeen, Installed
from schemas.time import DAY_MS, EventMs


class ActivityMarks(Struct, frozen=True, array_like=True, gc=False):
    """Stored as an array: new fields go to the end."""

    days: bytes = b""  # bit n: day of life n // 2, on the first (0) or second (1) date it touches
    firsts: dict[int, EventMs] = {}  # earliest time known, by hash of the name of an event


NO_MARKS = ActivityMarks()


class ActiveDay(NamedTuple):
    """The first activity that was read of a day of life on one date."""

    activity: ActivitySeen
    day_of_life: int


class Milestone(NamedTuple):
    """The earliest event of its name that was read so far."""

    activity: ActivitySeen


MarkFact = ActiveDay | Milestone | Evicted


def mark_activity(
    marks: ActivityMarks, activity: ActivitySeen, install: Installed, rules: Rules
) -> tuple[ActivityMarks, list[MarkFact]]:
    """Add an activity; report what it is the first of."""
    facts: list[MarkFact] = []
    day_of_life = max(activity.time - install.time, 0) // DAY_MS
    days, firsts = marks.days, marks.firsts
    if day_of_life >= rules.active_days_max:
        facts.append(Evicted("active_days_max", 1))
    else:
        days = _with_day(days, _slot(activity.time, install.time, day_of_life))
        if days is not marks.days:
            facts.append(ActiveDay(activity, day_of_life))
    if not activity.is_session:
        name = _hash(activity.name)
        known = firsts.get(name)
        if known is None and len(firsts) >= rules.milestones_per_install_max:
            facts.append(Evicted("milestones_per_install_max", 1))
        elif known is None or activity.time < known:
            firsts = {**firsts, name: activity.time}
            facts.append(Milestone(activity))
    if not facts:
        return marks, facts
    return ActivityMarks(days, firsts), facts


def _slot(time: EventMs, installed: EventMs, day_of_life: int) -> int:
    """Which bit marks a moment. A day of life begins at the hour of the install, so it touches two
    dates (UTC)."""
    begins = installed + day_of_life * DAY_MS
    return 2 * day_of_life + (time // DAY_MS > begins // DAY_MS)


def _with_day(days: bytes, slot: int) -> bytes:
    """The bits with this one set; the same object if it was."""
    index, bit = slot >> 3, 1 << (slot & 7)
    if index < len(days):
        if days[index] & bit:
            return days
        return days[:index] + bytes((days[index] | bit,)) + days[index + 1 :]
    return days.ljust(index, b"\0") + bytes((bit,))


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest())
