"""Fraud rules: what is suspicious about one candidate of an install, judged from the records alone.

Reasons carry the names of Adjust's rejection reasons and AppsFlyer's blocked reasons. Sources of
the thresholds: 5 s for a click that follows the download (24metrics), 10 s for a short
click-to-install time (AppsFlyer sees a peak of fraud in the first 3 to 10 seconds). Where no vendor
publishes a limit, the default is our own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Literal, get_args

from msgspec import Struct

from attribution.decision.candidates import Candidate, is_delay_known, is_named
from schemas.records import Flag, Installed, Signal, SiteVerdict, Touch, TouchKind
from schemas.time import DAY_MS, HOUR_MS, LogMs, Millis

FraudReason = Literal[
    "engagement_injection",
    "incorrect_signature",
    "stale_signature",
    "too_many_engagements",
    "duplicate_click_id",
    "ctit_anomalies",
    "impossible_order",
    "referrer_time_mismatch",
    "malformed_advertising_id",
    "click_flood",
    "distribution_outlier",
    "behavioral_anomalies",
]
"""In the order in which hits are listed; the first with mode `reject` is named on the receipt."""

Mode = Literal["off", "tag", "suspicious", "reject"]
"""`off`: not checked. `tag`: reported. `suspicious`: reported, and the conversion is marked if the
touchpoint wins. `reject`: the touchpoint cannot win. (Airbridge has the same three levels.)"""

REASONS: tuple[FraudReason, ...] = get_args(FraudReason)
SITE_REASONS: tuple[FraudReason, ...] = (
    "click_flood",
    "distribution_outlier",
    "behavioral_anomalies",
)
_ORDER = {reason: number for number, reason in enumerate(REASONS)}


class FraudRules(Struct, frozen=True, kw_only=True):
    """The mode of every reason, and the thresholds."""

    engagement_injection: Mode = "reject"
    incorrect_signature: Mode = "reject"
    stale_signature: Mode = "reject"
    too_many_engagements: Mode = "reject"
    duplicate_click_id: Mode = "reject"
    ctit_anomalies: Mode = "suspicious"
    impossible_order: Mode = "tag"
    referrer_time_mismatch: Mode = "tag"
    malformed_advertising_id: Mode = "tag"
    click_flood: Mode = "tag"
    distribution_outlier: Mode = "tag"
    behavioral_anomalies: Mode = "tag"

    injection_tolerance_ms: Millis = Millis(5_000)
    """Clocks differ: a click may be stamped this much later than the begin of the download."""

    short_ctit_ms: Millis = Millis(10_000)
    referrer_tolerance_ms: Millis = HOUR_MS

    engagements_max: int = 15
    engagement_window_ms: Millis = DAY_MS
    """If a site claims more than `engagements_max` clicks in a stretch of this length, all of them
    count as fraud. Otherwise a flood would win by the clicks it sent before it became one."""

    site_installs_min: int = 50
    """A site with fewer installs is not judged."""

    site_posterior_min: float = 0.95
    """A verdict of the `sites` stage counts as a hit at or above this posterior probability."""


class Hit(Struct, frozen=True, array_like=True, gc=False):
    """One reason against one candidate. `value` is in seconds, a count or a probability."""

    reason: FraudReason
    mode: Mode
    value: float
    sub_reason: str


_Found = list[tuple[FraudReason, float, str]]


def hits(
    candidate: Candidate,
    rivals: Sequence[Candidate],
    install: Installed,
    site_verdicts: Sequence[SiteVerdict],
    rules: FraudRules,
) -> tuple[Hit, ...]:
    """List every fraud rule that `candidate` breaks, in the order of `REASONS`.

    `rivals` are all candidates of the install, in any order; they may include `candidate`. Verdicts
    about other touchpoints are ignored; of several about the same one, the latest counts.
    """
    found: _Found = []
    _by_time(found, candidate, install, rules)
    if candidate.touch.flags or install.flags:
        _by_flags(found, candidate.touch.flags, install.flags)
    if len(rivals) > 1:
        _by_rivals(found, candidate, rivals, rules)
    if site_verdicts:
        _by_site(found, candidate.touch.event_id, site_verdicts, rules)
    if not found:
        return ()
    found.sort(key=lambda each: _ORDER[each[0]])
    every_hit = (Hit(reason, getattr(rules, reason), value, sub) for reason, value, sub in found)
    return tuple(hit for hit in every_hit if hit.mode != "off")


def _by_time(found: _Found, candidate: Candidate, install: Installed, rules: FraudRules) -> None:
    """Check the order of click, download and first open. A touch time of 0 is unknown.

    Networks stamp clicks, and a phone may be the only one that stamped the download. Its clock may
    be wrong, but by no more than separates the first open from the log.
    """
    touched, begun, opened = candidate.touch.time, install.begin_time, install.time
    is_before = touched <= opened or is_named(candidate)
    begun_by = begun + _doubt(install, Flag.DEVICE_CLOCK)
    if begun and is_before and touched > begun_by + rules.injection_tolerance_ms:
        seconds = (touched - begun_by) / 1_000
        found.append(("engagement_injection", seconds, "after_install_begin"))
    if is_delay_known(candidate, install) and opened - touched < rules.short_ctit_ms:
        found.append(("ctit_anomalies", (opened - touched) / 1_000, "short"))
    if begun > opened:
        found.append(("impossible_order", (begun - opened) / 1_000, "begin_after_open"))
    clicked = install.referrer_click_time
    if not clicked:
        return
    if begun and clicked > begun and _is_by_one_clock(install.flags):
        found.append(("impossible_order", (clicked - begun) / 1_000, "referrer_click_after_begin"))
    apart = abs(clicked - touched) - _doubt(install, Flag.DEVICE_CLICK_TIME)
    if candidate.signal is Signal.REFERRER and apart > rules.referrer_tolerance_ms:
        found.append(("referrer_time_mismatch", apart / 1_000, ""))


def _doubt(install: Installed, by_device: Flag) -> Millis:
    """By how much a time may be wrong that the device stamped; none if a server did."""
    if not install.flags & by_device:
        return Millis(0)
    return max(install.ts - LogMs(install.time), Millis(0))


def _is_by_one_clock(install_flags: int) -> bool:
    is_begin_by_device = bool(install_flags & Flag.DEVICE_CLOCK)
    return is_begin_by_device == bool(install_flags & Flag.DEVICE_CLICK_TIME)


def _by_flags(found: _Found, touch_flags: int, install_flags: int) -> None:
    if touch_flags & Flag.SIGNATURE_MISSING:
        found.append(("incorrect_signature", 0.0, "missing"))
    if touch_flags & Flag.SIGNATURE_INVALID:
        found.append(("incorrect_signature", 0.0, "invalid"))
    if touch_flags & Flag.SIGNATURE_STALE:
        found.append(("stale_signature", 0.0, ""))
    if touch_flags & Flag.MALFORMED_ID:
        found.append(("malformed_advertising_id", 0.0, "touchpoint"))
    if install_flags & Flag.SIGNATURE_INVALID:
        found.append(("incorrect_signature", 0.0, "sdk"))
    if install_flags & Flag.MALFORMED_ID:
        found.append(("malformed_advertising_id", 0.0, "install"))


def _by_rivals(
    found: _Found, candidate: Candidate, rivals: Sequence[Candidate], rules: FraudRules
) -> None:
    """Check for hyper-engagement, and for a click id that several media sources claim."""
    touch = candidate.touch
    if touch.kind is not TouchKind.CLICK:
        return
    clicks = [
        one.touch
        for one in rivals
        if one.touch.kind is TouchKind.CLICK and one.touch.event_id != touch.event_id
    ]
    if len(clicks) >= rules.engagements_max:
        engagements = _engagements(touch, clicks, rules.engagement_window_ms)
        if engagements > rules.engagements_max:
            found.append(("too_many_engagements", float(engagements), touch.site_id))
    claims = [one for one in clicks if one.touch_id == touch.touch_id]
    if claims and any(one.media_source != touch.media_source for one in claims):
        first = min([touch, *claims], key=lambda claim: (claim.ts, claim.event_id))
        if first is not touch:
            found.append(("duplicate_click_id", len(claims) + 1.0, first.media_source))


def _engagements(touch: Touch, others: Sequence[Touch], window_ms: Millis) -> int:
    """Largest number of clicks of this site in any stretch of time that contains this click."""
    site = touch.media_source, touch.site_id
    times = [one.time for one in others if (one.media_source, one.site_id) == site]
    times.append(touch.time)
    times.sort()
    ends = range(bisect_left(times, touch.time), bisect_right(times, touch.time + window_ms))
    return max(
        bisect_right(times, times[end]) - bisect_left(times, times[end] - window_ms) for end in ends
    )


def _by_site(
    found: _Found, event_id: str, verdicts: Sequence[SiteVerdict], rules: FraudRules
) -> None:
    """Use the latest verdict of each reason: a lower probability withdraws an earlier verdict."""
    for reason in SITE_REASONS:
        judged = [one for one in verdicts if one.event_id == event_id and one.reason == reason]
        latest = max(judged, key=lambda verdict: (verdict.ts, verdict.value), default=None)
        if latest is not None and latest.value >= rules.site_posterior_min:
            found.append((reason, latest.value, ""))
