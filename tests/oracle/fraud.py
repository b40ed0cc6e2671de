"""What looks like fraud about one touchpoint of an install, rule by rule."""

from __future__ import annotations

from typing import NamedTuple

from schemas.records import Flag, Signal
from schemas.time import LogMs
from tests.oracle.claims import NAMED, Case, Claim
from tests.oracle.rulebook import DAY, HOUR, REASONS, SECOND, SITE_REASONS


class Suspicion(NamedTuple):
    reason: str
    mode: str


def suspicions(claim: Claim, case: Case) -> list[Suspicion]:
    """All that applies, in the order of the rules: by the install alone, then by its site."""
    applies = [reason for reason in REASONS if TESTS[reason](claim, case)]
    applies += [reason for reason in SITE_REASONS if is_condemned(claim, case, reason)]
    modes = [str(case.rule(f"fraud.{reason}", claim.touch)) for reason in applies]
    return [
        Suspicion(reason, mode)
        for reason, mode in zip(applies, modes, strict=True)
        if mode != "off"
    ]


def is_condemned(claim: Claim, case: Case, reason: str) -> bool:
    """What the history of its site said last, soon enough after the install, and surely enough."""
    install = case.opened.install
    window = int(case.rule("windows.post_install_fraud", None))
    output = [
        (verdict.ts, verdict.value)
        for verdict in case.verdicts
        if verdict.event_id == claim.touch.event_id
        and verdict.reason == reason
        and verdict.ts <= install.ts + window
    ]
    return bool(output) and max(output)[1] >= float(
        case.rule("fraud.site_posterior_min", claim.touch)
    )


def is_injected(claim: Claim, case: Case) -> bool:
    """Shown while the app was being downloaded: whoever clicked knew of the install."""
    install = case.opened.install
    began, clicked = install.begin_time, claim.touch.time
    if claim.signal not in NAMED and clicked > install.time:
        return False
    return began > 0 and began + doubt(case, Flag.DEVICE_CLOCK) + 5 * SECOND < clicked


def doubt(case: Case, flag: Flag) -> int:
    """How far the clock of the phone may be off, where it is the only one that stamped."""
    install = case.opened.install
    return max(0, install.ts - LogMs(install.time)) if install.flags & flag else 0


def is_too_quick(claim: Claim, case: Case) -> bool:
    install, touch = case.opened.install, claim.touch
    if install.time_correction or touch.time_correction or not touch.time:
        return False
    return 0 <= install.time - touch.time < 10 * SECOND


def is_out_of_order(claim: Claim, case: Case) -> bool:
    install = case.opened.install
    began, clicked = install.begin_time, install.referrer_click_time
    marks = {bool(install.flags & flag) for flag in (Flag.DEVICE_CLOCK, Flag.DEVICE_CLICK_TIME)}
    return began > install.time or (0 < began < clicked and len(marks) == 1)


def is_mismatched(claim: Claim, case: Case) -> bool:
    clicked = case.opened.install.referrer_click_time
    return (
        claim.signal is Signal.REFERRER
        and clicked > 0
        and abs(clicked - claim.touch.time) > HOUR + doubt(case, Flag.DEVICE_CLICK_TIME)
    )


def is_malformed(claim: Claim, case: Case) -> bool:
    return bool((claim.touch.flags | case.opened.install.flags) & Flag.MALFORMED_ID)


def is_unsigned(claim: Claim, case: Case) -> bool:
    """Whoever signs does not sign this, or an app that forges makes all it says doubtful."""
    is_forged = case.opened.install.flags & Flag.SIGNATURE_INVALID
    return bool(is_forged or claim.touch.flags & (Flag.SIGNATURE_MISSING | Flag.SIGNATURE_INVALID))


def is_replayed(claim: Claim, case: Case) -> bool:
    return bool(claim.touch.flags & Flag.SIGNATURE_STALE)


def is_one_of_too_many(claim: Claim, case: Case) -> bool:
    """Whether more clicks of the site than allowed lie within any day that this one lies in."""
    here = claim.touch
    if not claim.is_click:
        return False
    times = [
        other.touch.time
        for other in case.claims
        if other.is_click
        and (other.touch.media_source, other.touch.site_id) == (here.media_source, here.site_id)
    ]
    days = [(last - DAY, last) for last in times if last - DAY <= here.time <= last]
    crowds = [sum(first <= time <= last for time in times) for first, last in days]
    return max(crowds) > int(case.rule("fraud.engagements_max", here))


def is_borrowed(claim: Claim, case: Case) -> bool:
    """Somebody else said this click id before."""
    same_id = [
        other.touch
        for other in case.claims
        if other.is_click and other.touch.touch_id == claim.touch.touch_id
    ]
    sources = {touch.media_source for touch in same_id}
    first = min(((touch.ts, touch.event_id) for touch in same_id), default=None)
    return claim.is_click and len(sources) > 1 and (claim.touch.ts, claim.touch.event_id) != first


TESTS = {
    "engagement_injection": is_injected,
    "ctit_anomalies": is_too_quick,
    "impossible_order": is_out_of_order,
    "referrer_time_mismatch": is_mismatched,
    "malformed_advertising_id": is_malformed,
    "incorrect_signature": is_unsigned,
    "stale_signature": is_replayed,
    "too_many_engagements": is_one_of_too_many,
    "duplicate_click_id": is_borrowed,
}
assert set(TESTS) == set(REASONS)
assert not set(TESTS) & set(SITE_REASONS)
