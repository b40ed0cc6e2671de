"""Erasure requests: until when records still count, and what is purged after that."""

from __future__ import annotations

from msgspec.structs import replace

from attribution.decision.candidates import Candidate
from attribution.journey.state import Journey
from attribution.rules.rules import Rules
from schemas.ids import normal_click_id
from schemas.records import Signal
from schemas.time import MILLISECOND, LogMs


def last_counted_ts(journey: Journey, rules: Rules) -> LogMs:
    """Log time of the last record that still counts after an erasure request.

    0: no request was made, or the install is not known yet.
    """
    install = journey.install
    if journey.erased_ts == 0 or install is None:
        return LogMs(0)
    return max(journey.erased_ts, install.ts) + rules.late_ms_max


def purge_due(journey: Journey, rules: Rules) -> LogMs | None:
    """Log time from which no record counts any more, so that the journey is purged; None: never."""
    until = last_counted_ts(journey, rules)
    return None if until == 0 or journey.is_purged else until + MILLISECOND


def without_uncounted(journey: Journey, rules: Rules) -> Journey:
    """The journey without later records, so that it is the same before and after the purge."""
    until = last_counted_ts(journey, rules)
    if until == 0:
        return journey
    return replace(
        journey,
        sessions=[one for one in journey.sessions if one[1] <= until],
        retargeting=[one for one in journey.retargeting if one.touch.ts <= until],
    )


def purged(journey: Journey) -> Journey:
    """Keep only what was reported of the credit already, and what later money needs."""
    install = journey.install
    assert install is not None
    return replace(
        journey,
        install=replace(install, adservices=None, traits=[], described=[]),
        candidates=[],
        decided="",
        retargeting=[],
        reengaged=[],
        sessions=[],
        priors=[],
        site_verdicts=[],
        keys=[],
        is_purged=True,
    )


def is_cut_off(journey: Journey, candidate: Candidate) -> bool:
    """Whether somebody asked to be forgotten between this touchpoint and the install, and only a
    device id links the two, or the one click that the install of that person named."""
    touch = candidate.touch
    if candidate.signal is Signal.DEVICE_ID and touch.ts <= journey.cut_ts:
        return True
    return bool(journey.cut_clicks) and any(
        touch.ts <= ts and normal_click_id(touch.touch_id) == name
        for name, ts in journey.cut_clicks
    )


def without_cut(journey: Journey) -> Journey:
    """The journey without links to others that a request to be forgotten has cut: to what was
    logged before an earlier user of the device asked, or to installs after its own user asked."""
    since, until = journey.cut_ts, journey.erased_ts
    if not (since or until or journey.cut_clicks):
        return journey
    return replace(
        journey,
        candidates=[one for one in journey.candidates if not is_cut_off(journey, one)],
        priors=[one for one in journey.priors if since < one.ts and (not until or one.ts <= until)],
    )
