"""Re-engagements: an inactive user sees a retargeting touchpoint and opens the app again.

The result depends on the sessions and touchpoints alone, not on the order in which they arrive.
Inactivity and lookback windows are defined as measurement partners define them (AppsFlyer,
retargeting attribution; Adjust, inactivity period). Activity is the install or a session.
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
"""Event time and log time of a session."""


class Reengaged(Struct, frozen=True, array_like=True, gc=False):
    """A re-engagement as it was last reported. `session_time` 0: it has been withdrawn."""

    event_id: str  # of the touchpoint
    session_time: EventMs = EventMs(0)
    expires_at: EventMs = EventMs(0)
    version: int = 0
    signal: int = -1  # what joined the touchpoint and the user; -1: withdrawn
    is_by_vendor_id: bool = False  # whether no other id of the device joined them


class SettledReengagements(NamedTuple):
    """Re-engagements that can no longer change, because the records behind them are forgotten."""

    reengaged: Sequence[Reengaged] = ()
    until: EventMs = EventMs(0)  # the last session that is settled; 0: none


class FoundReengagement(NamedTuple):
    """A retargeting touchpoint, and the session that it brought the user back to."""

    candidate: Candidate
    session_time: EventMs
    expires_at: EventMs


def may_win_back(candidate: Candidate, install: Installed) -> bool:
    """Whether the touchpoint came after the install, and so may win the user back."""
    return is_meant_to(candidate) and candidate.touch.time > install.time


def is_meant_to(candidate: Candidate) -> bool:
    """Whether the touchpoint could win a user back if it came after the install."""
    return candidate.touch.is_retargeting and candidate.signal in _SIGNALS


def find_reengagements(
    install: Installed,
    sessions: Sequence[SessionTimes],
    retargeting: Sequence[Candidate],
    settled: SettledReengagements,
    rules: Rules,
) -> list[FoundReengagement]:
    """Find the re-engagements after the settled ones, in order of time. `sessions` are sorted."""
    used = {one.event_id for one in settled.reengaged}
    # Sessions before the last settled one are forgotten, but the time of that one is known.
    active = sorted(
        [install.time, *(time for time, _ in sessions), max(install.time, settled.until)]
    )
    found: list[FoundReengagement] = []
    for session in sessions:
        if session[0] <= max(settled.until, install.time):
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
    """Whether this touchpoint may have brought the user back to this session."""
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
