"""One install from its first trace to its last: candidates, decision, activity and money.

Records arrive in any order. Money and activity that come before their install wait for it until
a deadline; a touchpoint that comes after the decision makes a new version.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from attribution.facts import Evicted, Settled
from attribution.rules import Rules
from attribution.waterfall import Candidate, Receipt, credited, rank, receipts, rejection
from schemas.outcomes import Disposition
from schemas.records import ActivitySeen, Candidates, Installed, MoneyRouted

Reason = Literal["first_decision", "deadline", "late_touchpoint"]


class Decision(Struct, frozen=True, gc=False):
    """One version of who gets the credit. `decided_at` is the log time of the cause."""

    version: int
    reason: Reason
    install: Installed
    winner: Candidate | None  # None: organic
    receipts: list[Receipt]
    decided_at: int


class Waiting(Struct, frozen=True, gc=False):
    """A record waits for its install, stops waiting, or has waited in vain."""

    record: ActivitySeen | MoneyRouted
    state: Literal["parked", "released", "expired"]
    deadline: int


class ActivityApplied(Struct, frozen=True, gc=False):
    activity: ActivitySeen


class MoneyApplied(Struct, frozen=True, gc=False):
    routed: MoneyRouted


JourneyFact = Decision | Waiting | ActivityApplied | MoneyApplied | Settled | Evicted


class Journey(Struct, frozen=True, array_like=True):
    install: Installed | None = None
    answered: int = 0  # bit per lookup ordinal
    candidates: list[Candidate] = []  # best first
    version: int = 0  # 0: undecided
    winner: str = ""  # signal and event id of the credited touchpoint
    waiting: list[ActivitySeen | MoneyRouted] = []
    activity_ids: list[int] = []  # hashes of the latest event ids, for duplicates
    last_ts: int = 0


Step = tuple[Journey, list[JourneyFact]]


def see_install(journey: Journey, installed: Installed, rules: Rules) -> Step:
    if journey.install is not None:
        return journey, [Settled(installed.source, "duplicate")]
    last_ts = max(journey.last_ts, installed.ts)
    journey = replace(journey, install=installed, last_ts=last_ts)
    journey, facts = _decide_if_complete(journey, rules)
    journey, released = _release(journey, installed, rules)
    return journey, facts + released


def see_candidates(journey: Journey, seen: Candidates, rules: Rules) -> Step:
    answered = journey.answered | (1 << seen.ordinal) if seen.ordinal >= 0 else journey.answered
    candidates, facts = _merge(journey, seen, rules)
    journey = replace(journey, answered=answered, candidates=candidates)
    if journey.version == 0:
        journey, decided = _decide_if_complete(journey, rules)
        return journey, facts + decided
    assert journey.install is not None
    winner = credited(journey.candidates, journey.install, rules)
    if _name(winner) == journey.winner:
        return journey, facts
    decided_at = max((touch.ts for touch in seen.touches), default=journey.install.ts)
    journey, decided = _decide(journey, "late_touchpoint", decided_at, rules)
    return journey, facts + decided


def see_activity(journey: Journey, activity: ActivitySeen, rules: Rules) -> Step:
    event_hash = _hash(activity.event_id)
    if event_hash in journey.activity_ids:
        return journey, [Settled(activity.source, "duplicate")]
    ids = [*journey.activity_ids, event_hash][-rules.activity_ids_per_journey_max :]
    facts: list[JourneyFact] = []
    if len(ids) == len(journey.activity_ids):
        facts.append(Evicted("activity_ids_per_journey_max", 1))
    journey = replace(journey, activity_ids=ids, last_ts=max(journey.last_ts, activity.ts))
    journey, applied = _apply_or_wait(journey, activity, rules)
    return journey, facts + applied


def see_money(journey: Journey, routed: MoneyRouted, rules: Rules) -> Step:
    journey = replace(journey, last_ts=max(journey.last_ts, routed.money.ts))
    if routed.sign > 0:
        return _apply_or_wait(journey, routed, rules)
    return _take_back(journey, routed)


def expire(journey: Journey, now: int, rules: Rules) -> Step:
    """Decide without missing answers, give up waiting; both by deadlines before log time `now`."""
    facts: list[JourneyFact] = []
    install = journey.install
    if install is not None and journey.version == 0 and _decision_due(install, rules) <= now:
        decided_at = install.ts + rules.decision_wait_ms
        journey, facts = _decide(journey, "deadline", decided_at, rules)
    for record in journey.waiting:
        if deadline_of(record, rules) < now:
            facts += _settle_waiting(record, "expired", rules)
    waiting = [one for one in journey.waiting if deadline_of(one, rules) >= now]
    return replace(journey, waiting=waiting), facts


def next_due(journey: Journey, rules: Rules) -> int:
    """Log time at which `expire` or forgetting has something to do."""
    due = journey.last_ts + rules.journey_retention_ms
    if journey.install is not None and journey.version == 0:
        due = min(due, _decision_due(journey.install, rules))
    for record in journey.waiting:
        due = min(due, deadline_of(record, rules) + 1)
    return due


def is_forgotten(journey: Journey, now: int, rules: Rules) -> bool:
    """Whether nothing can be lost with this journey at log time `now`."""
    if journey.waiting:
        return False
    if journey.install is None and not journey.candidates:
        return True
    return journey.last_ts + rules.journey_retention_ms <= now


def winner_of(journey: Journey) -> Candidate | None:
    """The candidate credited by the current decision; None is organic."""
    return next((one for one in journey.candidates if _name(one) == journey.winner), None)


def winner_known_by(journey: Journey, known_by: int, rules: Rules) -> Candidate | None:
    """Who gets the credit by what was logged until `known_by`; None is organic."""
    if journey.install is None:
        return None
    known = (one for one in journey.candidates if one.touch.ts <= known_by)
    return credited(known, journey.install, rules)


def deadline_of(record: ActivitySeen | MoneyRouted, rules: Rules) -> int:
    """Last log time at which the install may still appear for this record."""
    if isinstance(record, MoneyRouted):
        return record.deadline
    return record.ts + rules.parking_ms


def _decision_due(install: Installed, rules: Rules) -> int:
    return install.ts + rules.decision_wait_ms + 1


def _name(winner: Candidate | None) -> str:
    return f"{winner.signal.value}:{winner.touch.event_id}" if winner is not None else ""


def _decide_if_complete(journey: Journey, rules: Rules) -> Step:
    install = journey.install
    if install is None:
        return journey, []
    every_lookup = (1 << install.lookups) - 1
    # A second install of the same id may have asked more than this one.
    if journey.answered & every_lookup != every_lookup:
        return journey, []
    return _decide(journey, "first_decision", install.ts, rules)


def _decide(journey: Journey, reason: Reason, decided_at: int, rules: Rules) -> Step:
    install = journey.install
    assert install is not None
    winner = credited(journey.candidates, install, rules)
    version = journey.version + 1
    decision = Decision(
        version=version,
        reason=reason,
        install=install,
        winner=winner,
        receipts=receipts(journey.candidates, install, rules),
        decided_at=decided_at,
    )
    facts: list[JourneyFact] = [decision]
    if version == 1:
        facts.append(Settled(install.source, "decided"))
    return replace(journey, version=version, winner=_name(winner)), facts


def _merge(
    journey: Journey, seen: Candidates, rules: Rules
) -> tuple[list[Candidate], list[JourneyFact]]:
    """Add touchpoints; of several copies of one event the same is kept in any order."""
    if not seen.touches:
        return journey.candidates, []
    merged = {one.touch.event_id: one for one in journey.candidates}
    for touch in seen.touches:
        other = merged.get(touch.event_id)
        found = Candidate(seen.signal, touch)
        if other is None or _copy_order(found) < _copy_order(other):
            merged[touch.event_id] = found
    install = journey.install

    def worth(one: Candidate) -> tuple[bool, tuple[int, int, int, str]]:
        # What cannot win must never push out what can.
        can_win = install is None or rejection(one.touch, install, rules) is None
        return can_win, rank(one)

    ordered = sorted(merged.values(), key=worth, reverse=True)
    surplus = len(ordered) - rules.candidates_per_journey_max
    if surplus <= 0:
        return ordered, []
    return ordered[:-surplus], [Evicted("candidates_per_journey_max", surplus)]


def _copy_order(candidate: Candidate) -> tuple[int, int, int, str]:
    """The stronger signal counts, then what was logged and what happened first."""
    touch = candidate.touch
    return candidate.signal, touch.ts, touch.time, touch.touch_id


def _apply_or_wait(journey: Journey, record: ActivitySeen | MoneyRouted, rules: Rules) -> Step:
    install = journey.install
    if install is not None and install.ts <= deadline_of(record, rules):
        return journey, _applied(record)
    # Even what came too late waits: until its deadline money may be moved to where it belongs.
    facts = _settle_waiting(record, "parked", rules)
    waiting = [*journey.waiting, record]
    if len(waiting) > rules.waiting_per_journey_max:
        facts += _settle_waiting(waiting.pop(0), "expired", rules)
        facts.append(Evicted("waiting_per_journey_max", 1))
    return replace(journey, waiting=waiting), facts


def _applied(record: ActivitySeen | MoneyRouted) -> list[JourneyFact]:
    if isinstance(record, ActivitySeen):
        return [ActivityApplied(record), _settled(record, "decided")]
    return [MoneyApplied(record), _settled(record, "decided")]


def _settled(record: ActivitySeen | MoneyRouted, disposition: Disposition) -> Settled:
    if isinstance(record, ActivitySeen):
        return Settled(record.source, disposition)
    return Settled(record.money.source, disposition, record.move)


def _settle_waiting(
    record: ActivitySeen | MoneyRouted, state: Literal["parked", "expired"], rules: Rules
) -> list[JourneyFact]:
    return [
        Waiting(record, state, deadline_of(record, rules)),
        _settled(record, state),
    ]


def _release(journey: Journey, installed: Installed, rules: Rules) -> Step:
    facts: list[JourneyFact] = []
    in_vain = [one for one in journey.waiting if installed.ts > deadline_of(one, rules)]
    for record in journey.waiting:
        if record not in in_vain:
            facts.append(Waiting(record, "released", deadline_of(record, rules)))
            facts += _applied(record)
    return replace(journey, waiting=in_vain), facts


def _take_back(journey: Journey, routed: MoneyRouted) -> Step:
    """A relink moves money away, booked or still waiting; its next place settles it again."""
    booking_id = routed.money.booking_id
    for record in journey.waiting:
        if isinstance(record, MoneyRouted) and record.money.booking_id == booking_id:
            waiting = [one for one in journey.waiting if one is not record]
            return replace(journey, waiting=waiting), [Waiting(record, "released", record.deadline)]
    return journey, [MoneyApplied(routed)] if journey.install is not None else []


def _hash(event_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(event_id.encode(), digest_size=7).digest())
