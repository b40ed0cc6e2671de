"""The waitlist: money and activity that arrived before their install."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from attribution.journey.retargeting import note_session
from attribution.journey.state import (
    ActivityApplied,
    Journey,
    JourneyFact,
    JourneyStep,
    MoneyApplied,
    Waiting,
)
from attribution.matching.facts import Evicted, Settled
from attribution.rules.rules import Rules
from schemas.outcomes import Disposition
from schemas.records import ActivitySeen, Installed, MoneyRouted
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
    waiting = [*journey.waiting, record]
    if len(waiting) > rules.waiting_per_journey_max:
        facts += settle_waiting(waiting.pop(0), "expired", rules)
        facts.append(Evicted("waiting_per_journey_max", 1))
    return replace(journey, waiting=waiting), facts


def _apply(journey: Journey, record: ActivitySeen | MoneyRouted, rules: Rules) -> JourneyStep:
    if isinstance(record, MoneyRouted):
        return journey, [MoneyApplied(record), _settled(record, "decided")]
    facts: list[JourneyFact] = [ActivityApplied(record), _settled(record, "decided")]
    if record.is_session and not journey.is_purged:
        journey, evicted = note_session(journey, record, rules)
        facts += evicted
    return journey, facts


def _settled(record: ActivitySeen | MoneyRouted, disposition: Disposition) -> Settled:
    if isinstance(record, ActivitySeen):
        return Settled(record.source, disposition)
    return Settled(record.money.source, disposition, record.move)


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
    """Take away money, booked or waiting, that a relink moves; its next owner settles it again."""
    booking_id = routed.money.booking_id
    for record in journey.waiting:
        if isinstance(record, MoneyRouted) and record.money.booking_id == booking_id:
            waiting = [one for one in journey.waiting if one is not record]
            return replace(journey, waiting=waiting), [Waiting(record, "released", record.deadline)]
    return journey, [MoneyApplied(routed)] if journey.install is not None else []
