"""The waitlist: money and activity that arrived before their install."""

from __future__ import annotations

import hashlib
from typing import Literal

from msgspec.structs import replace

from attribution.bounds.byte_bounds import WAITING_BYTES_PER_JOURNEY_MAX, within
from attribution.journey.activity_marks import mark_activity
from attribution.journey.retargeting import note_session
from attribution.journey.state import (
    ActivityApplied,
    Journey,
    JourneyFact,
    JourneyStep,
    MoneyApplied,
    Waiting,
)
from attribution.matching.facts import Evicted, Settled, settling_move
from attribution.rules.rules import Rules
from schemas.outcomes import Disposition
from schemas.records import ActivitySeen, Installed, Money, MoneyKind, MoneyRouted
from schemas.time import LogMs


def deadline_of(record: ActivitySeen | MoneyRouted, rules: Rules) -> LogMs:
    """Last log time at which the install of this record may still appear."""
    if isinstance(record, MoneyRouted):
        return record.deadline
    return record.ts + rules.parking_ms


def apply_or_wait(
    journey: Journey, record: ActivitySeen | MoneyRouted, rules: Rules
) -> JourneyStep:
    """Apply a record if its install is known in time; else put it on the waitlist."""
    install = journey.install
    if install is not None and install.ts <= deadline_of(record, rules):
        return _apply(journey, record, rules)
    # Records of a late install wait as well: until its deadline, a relink may move the money.
    facts = settle_waiting(record, "parked", rules)
    journey = replace(journey, waiting=[*journey.waiting, record])
    if len(journey.waiting) > rules.waiting_per_journey_max:
        least = min(journey.waiting, key=_importance)
        journey, evicted = _evict(journey, least, "waiting_per_journey_max", rules)
        facts += evicted
    for least in within(journey.waiting, WAITING_BYTES_PER_JOURNEY_MAX, _importance)[1]:
        journey, evicted = _evict(journey, least, "waiting_bytes_per_journey_max", rules)
        facts += evicted
    return journey, facts


def _evict(
    journey: Journey, least: ActivitySeen | MoneyRouted, bound: str, rules: Rules
) -> JourneyStep:
    """Expire the record that is worth least: activity before money, the oldest of its kind."""
    waiting = [one for one in journey.waiting if one is not least]
    journey = replace(journey, waiting=waiting)
    facts = settle_waiting(least, "expired", rules)
    facts.append(Evicted(bound, 1))
    if isinstance(least, MoneyRouted):
        # A relink must not take away what was never booked.
        unbooked = [*journey.unbooked, _hash(least.money)]
        if len(unbooked) > rules.money_per_account_max:
            unbooked = unbooked[1:]
            facts.append(Evicted("money_per_account_max", 1))
        journey = replace(journey, unbooked=unbooked)
    return journey, facts


def _importance(record: ActivitySeen | MoneyRouted) -> tuple[int, LogMs, str]:
    """Order in which records are evicted. No flood of one kind pushes out a more important one."""
    if isinstance(record, ActivitySeen):
        return 0, record.ts, record.event_id
    money = record.money
    return 1 + (money.kind is not MoneyKind.AD_REVENUE), money.ts, money.booking_id


def _hash(money: Money) -> int:
    name = f"{money.booking_id}:{money.revision}"
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest())


def _apply(journey: Journey, record: ActivitySeen | MoneyRouted, rules: Rules) -> JourneyStep:
    if isinstance(record, MoneyRouted):
        return journey, [MoneyApplied(record), _settled(record, "decided")]
    facts: list[JourneyFact] = [ActivityApplied(record), _settled(record, "decided")]
    if record.opening:
        return journey, facts  # It happened in another life, which remembers it.
    journey, noted = remember_activity(journey, record, rules)
    return journey, facts + noted


def remember_activity(journey: Journey, record: ActivitySeen, rules: Rules) -> JourneyStep:
    """Remember what activity says of its life: a day on which it was active, an event that it sent
    first, a session that may win it back."""
    facts: list[JourneyFact] = []
    if record.is_sandbox:
        return journey, facts
    if journey.install is not None:
        marks, marked = mark_activity(journey.marks, record, journey.install, rules)
        if marked:
            journey = replace(journey, marks=marks)
            facts += marked
    if record.is_session and not journey.is_purged:
        journey, evicted = note_session(journey, record, rules)
        facts += evicted
    return journey, facts


def _settled(record: ActivitySeen | MoneyRouted, disposition: Disposition) -> Settled:
    if isinstance(record, ActivitySeen):
        return Settled(record.source, disposition)
    return Settled(record.money.source, disposition, settling_move(record.money, record.move))


def settle_waiting(
    record: ActivitySeen | MoneyRouted, state: Literal["parked", "expired"], rules: Rules
) -> list[JourneyFact]:
    """Facts that report a record as parked or expired."""
    return [
        Waiting(record, state, deadline_of(record, rules)),
        _settled(record, state),
    ]


def release(journey: Journey, installed: Installed, rules: Rules) -> JourneyStep:
    """Apply the records on the waitlist, except those that have waited too long."""
    facts: list[JourneyFact] = []
    overdue = [one for one in journey.waiting if installed.ts > deadline_of(one, rules)]
    for record in journey.waiting:
        if record not in overdue:
            facts.append(Waiting(record, "released", deadline_of(record, rules)))
            journey, applied = _apply(journey, record, rules)
            facts += applied
    return replace(journey, waiting=overdue), facts


def take_back(journey: Journey, routed: MoneyRouted) -> JourneyStep:
    """Take away money, booked or waiting, that a relink moves or that is worth something else now.

    Its next booking settles it again. What was never booked here is not taken away either.
    """
    money = routed.money
    for record in journey.waiting:
        if isinstance(record, MoneyRouted) and _is_same_booking(record.money, money):
            waiting = [one for one in journey.waiting if one is not record]
            return replace(journey, waiting=waiting), [Waiting(record, "released", record.deadline)]
    if journey.unbooked and (name := _hash(money)) in journey.unbooked:
        return replace(journey, unbooked=[one for one in journey.unbooked if one != name]), []
    install = journey.install
    is_booked = install is not None and install.ts <= routed.deadline
    return journey, [MoneyApplied(routed)] if is_booked else []


def _is_same_booking(one: Money, other: Money) -> bool:
    return one.booking_id == other.booking_id and one.revision == other.revision
