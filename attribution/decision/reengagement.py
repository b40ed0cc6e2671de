"""Users who were away, saw a retargeting touchpoint, and opened the app again.

What is found follows from the sessions and touchpoints alone, whatever the order in which they
became known. Inactivity and windows as measurement partners define them (AppsFlyer, retargeting
attribution; Adjust, inactivity period): activity is the install or a session.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from attribution.decision.candidates import Candidate
from attribution.decision.waterfall import lookback_ms, policy_for, rank
from attribution.rules.rules import Policy, Rules
from schemas.records import Flag, Installed, Signal
from schemas.time import EventMs, LogMs

_SIGNALS = (Signal.DEVICE_ID, Signal.CLICK_ID)
SessionTimes = tuple[EventMs, LogMs]
"""When it happened, and when it was logged."""


class Reengaged(Struct, frozen=True, array_like=True, gc=False):
    """A re-engagement as it was last told. `session_time` 0: it was withdrawn."""

    event_id: str  # of the touchpoint
    session_time: EventMs = EventMs(0)
    expires_at: EventMs = EventMs(0)
    version: int = 0
    signal: int = -1  # what joined the touchpoint and the user; -1: withdrawn


class SettledReengagements(NamedTuple):
    """Re-engagements that stay as they were told, because what they rest on is forgotten."""

    reengaged: Sequence[Reengaged] = ()
    until: EventMs = EventMs(0)  # the last session that nobody looks at again; 0: none


class FoundReengagement(NamedTuple):
    candidate: Candidate
    session_time: EventMs
    expires_at: EventMs


def may_win_back(candidate: Candidate, install: Installed) -> bool:
    """Whether the touchpoint belongs to the life after the install, not to what led to it."""
    return is_meant_to(candidate) and candidate.touch.time > install.time


def is_meant_to(candidate: Candidate) -> bool:
    """Whether it may win a user back, if it came after the install."""
    return candidate.touch.is_retargeting and candidate.signal in _SIGNALS


def find_reengagements(
    install: Installed,
    sessions: Sequence[SessionTimes],
    retargeting: Sequence[Candidate],
    past: SettledReengagements,
    rules: Rules,
) -> list[FoundReengagement]:
    """Re-engagements after the past ones, in order of time. `sessions` are sorted."""
    used = {one.event_id for one in past.reengaged}
    # Sessions before the last forgotten one are forgotten too, but that one is known.
    active = sorted([install.time, *(time for time, _ in sessions), max(install.time, past.until)])
    found: list[FoundReengagement] = []
    for session in sessions:
        if session[0] <= max(past.until, install.time):
            continue
        winners = [
            one
            for one in retargeting
            if one.touch.event_id not in used and _explains(one, session, install, active, rules)
        ]
        if not winners:
            continue
        best = max(winners, key=rank)
        used.add(best.touch.event_id)
        policy = policy_for(best, install, rules)
        found.append(FoundReengagement(best, session[0], session[0] + policy.windows.reengagement))
    return found


def _explains(
    candidate: Candidate,
    session: SessionTimes,
    install: Installed,
    active: Sequence[EventMs],
    rules: Rules,
) -> bool:
    """Whether this touchpoint brought the user back to this session."""
    touch, (opened, logged) = candidate.touch, session
    if touch.time > opened or touch.ts - logged > rules.late_ms_max:
        return False
    policy = policy_for(candidate, install, rules)
    if opened - touch.time > lookback_ms(candidate, policy, rules, is_known_user=True):
        return False
    if touch.flags and _is_forged(touch.flags, policy):
        return False
    # The install came first, so there is always activity before the touchpoint.
    last_active = active[bisect_left(active, touch.time) - 1]
    return touch.time - last_active >= policy.windows.inactivity


def _is_forged(flags: int, policy: Policy) -> bool:
    wrong = flags & (Flag.SIGNATURE_MISSING | Flag.SIGNATURE_INVALID)
    if wrong and policy.fraud.incorrect_signature == "reject":
        return True
    return bool(flags & Flag.SIGNATURE_STALE) and policy.fraud.stale_signature == "reject"
