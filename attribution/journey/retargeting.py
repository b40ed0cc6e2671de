"""Keeps what re-engagements rest on, and tells them when they change."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from msgspec.structs import replace

from attribution.decision.candidates import Candidate, once_each
from attribution.decision.reengagement import (
    FoundReengagement,
    Reengaged,
    SettledReengagements,
    find_reengagements,
)
from attribution.journey.erasure import heard
from attribution.journey.state import (
    DecisionReason,
    Journey,
    JourneyFact,
    JourneyStep,
    Reengagement,
)
from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.records import ActivitySeen
from schemas.time import LogMs


def note_session(journey: Journey, activity: ActivitySeen, rules: Rules) -> JourneyStep:
    """Beyond the bound the oldest session goes, and what was told until then stays."""
    session = (activity.time, activity.ts)
    if activity.time <= journey.settled_until:
        return journey, [Evicted("sessions_per_journey_max", 1)]
    sessions = list(journey.sessions)
    insort(sessions, session)
    if len(sessions) <= rules.sessions_per_journey_max:
        return replace(journey, sessions=sessions), []
    settled_until = max(journey.settled_until, sessions[0][0])
    kept = replace(journey, sessions=sessions[1:], settled_until=settled_until)
    return kept, [Evicted("sessions_per_journey_max", 1)]


def note_retargeting(journey: Journey, later: Sequence[Candidate], rules: Rules) -> JourneyStep:
    touches = once_each([*journey.retargeting, *later])
    touches.sort(key=lambda one: (one.touch.time, one.touch.event_id))
    surplus = len(touches) - rules.retargeting_per_journey_max
    if surplus <= 0:
        return replace(journey, retargeting=touches), []
    gone = {one.touch.event_id for one in touches[:surplus]}
    told = [one.session_time for one in journey.reengaged if one.event_id in gone]
    kept = replace(
        journey,
        retargeting=touches[surplus:],
        reengaged=[one for one in journey.reengaged if one.event_id not in gone],
        settled_until=max([journey.settled_until, *told]),
    )
    return kept, [Evicted("retargeting_per_journey_max", surplus)]


def win_back(
    journey: Journey,
    reason: DecisionReason,
    at: LogMs,
    rules: Rules,
    *,
    is_told_again: bool = False,
) -> JourneyStep:
    """Tell every re-engagement that is new, other than before, or no more."""
    install = journey.install
    if install is None or journey.is_purged or not (journey.retargeting or journey.reengaged):
        return journey, []
    until = journey.settled_until
    settled = [one for one in journey.reengaged if 0 < one.session_time <= until]
    told = {one.event_id: one for one in settled}
    known_of = heard(journey, rules)
    for one in find_reengagements(
        install,
        known_of.sessions,
        known_of.retargeting,
        SettledReengagements(settled, until),
        rules,
    ):
        told[one.candidate.touch.event_id] = _told(one)
    known = {one.event_id: one for one in journey.reengaged}
    facts: list[JourneyFact] = []
    for candidate in journey.retargeting:
        event_id = candidate.touch.event_id
        before = known.get(event_id, Reengaged(event_id))
        now = replace(told.get(event_id, Reengaged(event_id)), version=before.version)
        if now == before and not (is_told_again and before.version):
            continue
        known[event_id] = replace(now, version=before.version + 1)
        fact = Reengagement(
            version=before.version + 1,
            reason="first_decision" if before.version == 0 else reason,
            install=install,
            candidate=candidate,
            session_time=now.session_time,
            expires_at=now.expires_at,
            decided_at=at,
            is_erased=journey.erased_ts > 0,
        )
        facts.append(fact)
    return replace(journey, reengaged=list(known.values())), facts


def _told(found: FoundReengagement) -> Reengaged:
    candidate = found.candidate
    return Reengaged(
        candidate.touch.event_id,
        found.session_time,
        found.expires_at,
        signal=candidate.signal.value,
    )
