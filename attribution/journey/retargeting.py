"""Keeps the sessions and touchpoints behind re-engagements, and reports when those change."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from msgspec.structs import replace

from attribution.bounds.byte_bounds import RETARGETING_BYTES_PER_JOURNEY_MAX
from attribution.bounds.fair_share import Ranking, fair_share, sender_of, share_of_bytes
from attribution.decision.candidates import Candidate, is_named, without_copies
from attribution.decision.reengagement import (
    FoundReengagement,
    Reengaged,
    SettledReengagements,
    find_reengagements,
)
from attribution.journey.erasure import is_cut_off, without_uncounted
from attribution.journey.state import (
    Journey,
    JourneyFact,
    JourneyStep,
    Reengagement,
)
from attribution.matching.facts import Evicted
from attribution.privacy.choices import is_candidate_refused
from attribution.rules.consent import Use
from attribution.rules.rules import Rules
from schemas.outcomes import DecisionReason
from schemas.records import ActivitySeen, Installed
from schemas.time import EventMs, LogMs


def _by_time(candidate: Candidate) -> tuple[EventMs, str]:
    return candidate.touch.time, candidate.touch.event_id


_LATEST: Ranking[Candidate] = Ranking(lambda one: sender_of(one.touch), _by_time)


def note_session(journey: Journey, activity: ActivitySeen, rules: Rules) -> JourneyStep:
    """Add a session. Beyond the bound the oldest is evicted, and re-engagements up to it settle."""
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
    """Add retargeting touchpoints. Beyond the bound a fair share is kept, the rest settled."""
    touches = without_copies([*journey.retargeting, *later])
    touches.sort(key=_by_time)
    fair, beyond = fair_share(touches, rules.retargeting_per_journey_max, _LATEST)
    kept_touches, large = share_of_bytes(fair, RETARGETING_BYTES_PER_JOURNEY_MAX, _LATEST)
    if not beyond and not large:
        return replace(journey, retargeting=touches), []
    gone = {one.touch.event_id for one in (*beyond, *large)}
    evicted = [one.session_time for one in journey.reengaged if one.event_id in gone]
    kept = replace(
        journey,
        retargeting=list(kept_touches),
        reengaged=[one for one in journey.reengaged if one.event_id not in gone],
        settled_until=max([journey.settled_until, *evicted]),
    )
    facts: list[JourneyFact] = []
    if beyond:
        facts.append(Evicted("retargeting_per_journey_max", len(beyond)))
    if large:
        facts.append(Evicted("retargeting_bytes_per_journey_max", len(large)))
    return kept, facts


def win_back(
    journey: Journey,
    reason: DecisionReason,
    at: LogMs,
    rules: Rules,
    *,
    is_repeated: bool = False,
) -> JourneyStep:
    """Report every re-engagement that is new, has changed, or is withdrawn.

    `is_repeated`: report those that have not changed as well, without personal ids this time.
    """
    install = journey.install
    if install is None or journey.is_purged or not (journey.retargeting or journey.reengaged):
        return journey, []
    current = _current(journey, install, rules)
    known = {one.event_id: one for one in journey.reengaged}
    facts: list[JourneyFact] = []
    for candidate in journey.retargeting:
        event_id = candidate.touch.event_id
        before = known.get(event_id, Reengaged(event_id))
        now = replace(current.get(event_id, Reengaged(event_id)), version=before.version)
        if now == before and not (is_repeated and before.version):
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
            choices=journey.choices,
        )
        facts.append(fact)
    return replace(journey, reengaged=list(known.values())), facts


def _current(journey: Journey, install: Installed, rules: Rules) -> dict[str, Reengaged]:
    """The re-engagements that stand, by event id of their touchpoint."""
    until = journey.settled_until
    settled = [one for one in journey.reengaged if 0 < one.session_time <= until]
    current = {one.event_id: one for one in settled}
    counted = without_uncounted(journey, rules)
    named = {one.touch.event_id for one in journey.candidates if is_named(one)}
    touches = [
        one
        for one in counted.retargeting
        if one.touch.event_id not in named
        and not is_cut_off(journey, one)
        and not is_candidate_refused(journey.choices, one, install, rules)
    ]
    past = SettledReengagements(settled, until)
    for found in find_reengagements(install, counted.sessions, touches, past, rules):
        current[found.candidate.touch.event_id] = _reengaged(found)
    return current


def _reengaged(found: FoundReengagement) -> Reengaged:
    candidate = found.candidate
    return Reengaged(
        candidate.touch.event_id,
        found.session_time,
        found.expires_at,
        signal=candidate.signal.value,
        is_by_vendor_id=candidate.device_ids == Use.VENDOR_ID,
    )
