"""When an event happened: what its producer says, corrected by what cannot lie.

The clock of a device is a claim. Four times are known to be right, and each bounds the claim:

* log time: nothing happens after it was logged;
* `sent_time`, by the same clock as `event_time`: a clock that says the event was sent after it was
  logged is ahead by that much, and nothing happens after it was sent;
* the times of the store's servers in an install: nobody opens an app before its download begins, or
  before the click that the store names;
* the age of what a device can still send, and the earliest time that the operator set.

A time within these bounds is never touched, however old: a file of yesterday, a queue that was
offline and a replay all look like that, and a `sent_time` far below log time may be a queue as well
as a slow clock. Outside, the least wrong time within the bounds takes its place.
The answer follows from the record and its log time alone, in whatever order records arrive.
"""

from __future__ import annotations

from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from schemas.events import DeviceEvent, Install
from schemas.time import DAY_MS, SECOND_MS, EventMs, LogMs, Millis

OfDevice = TypeVar("OfDevice", bound=DeviceEvent)

TimeCorrection = Literal[
    "", "ahead_of_log", "sent_time", "before_download", "before_click", "impossible"
]
"""What showed that a time is wrong; empty: nothing did.

`ahead_of_log`: later than its own record. `sent_time`: the clock was ahead when the event was
sent, or the event is later than its sending. `before_download`, `before_click`: a first open before
the store's servers saw the download or the click. `impossible`: an event of the SDK from before any
that a device could still send."""

CLOCK_TOLERANCE_MS = 5 * SECOND_MS
"""Two right clocks differ, as a broker's and a producer's do: up to here a time is not ahead."""


class ClockRules(Struct, frozen=True, kw_only=True):
    """The bounds of event times that the operator sets."""

    earliest_event_time: EventMs = EventMs(0)
    sdk_event_age_ms_max: Millis = 1825 * DAY_MS
    """A device keeps an event no longer than this. What an SDK reports beyond is a wrong clock."""


class CorrectedTime(Struct, frozen=True, gc=False):
    """What a wrong clock said, and what takes its place."""

    time: EventMs
    reported_time: EventMs
    reason: TimeCorrection


class _Bound(Struct, frozen=True, gc=False):
    """The earliest time at which an event can have happened, and how that is known."""

    time: EventMs
    reason: TimeCorrection
    best: EventMs  # the least wrong time where nothing tells how wrong the clock is


def corrected_time(event: DeviceEvent, logged_at: LogMs, rules: ClockRules) -> CorrectedTime | None:
    """What takes the place of the event's time; None: it may be right."""
    claimed, sent = event.event_time, event.sent_time
    now = EventMs(logged_at)  # Log time bounds event times, on purpose.
    if (
        sent is None
        and max(rules.earliest_event_time, now - rules.sdk_event_age_ms_max) <= claimed
        and claimed <= now + CLOCK_TOLERANCE_MS
        and type(event) is not Install
    ):
        return None
    if now < rules.earliest_event_time:
        return None  # This log has no times to go by.
    bound = _bound(event, now, rules)
    time, reason = _right_time(event, now, bound)
    if not reason:
        return None
    if not bound.time <= time <= now + CLOCK_TOLERANCE_MS:
        time = bound.best
    # The store counts whole seconds, so that an estimate may be a little late.
    return CorrectedTime(min(time, now), claimed, reason)


def at_right_time(event: OfDevice, corrected: CorrectedTime | None) -> OfDevice:
    """The event at its corrected time. Its `sent_time` has been used up."""
    if corrected is None:
        return event
    return replace(event, event_time=corrected.time, sent_time=None)


def reported_time(corrected: CorrectedTime | None) -> EventMs:
    """The wrong time as it is kept beside the right one; 0: there is none."""
    return EventMs(0) if corrected is None else max(corrected.reported_time, EventMs(0))


def _right_time(event: DeviceEvent, now: EventMs, bound: _Bound) -> tuple[EventMs, TimeCorrection]:
    """The estimate, not yet bounded, and what is wrong with the claim; "": nothing."""
    claimed, sent = event.event_time, event.sent_time
    if sent is not None and sent > now + CLOCK_TOLERANCE_MS:
        return now - (sent - claimed), "sent_time"
    latest = now if sent is None else min(now, sent)
    if claimed > latest + CLOCK_TOLERANCE_MS:
        is_after_log = claimed > now + CLOCK_TOLERANCE_MS
        reason: TimeCorrection = "ahead_of_log" if is_after_log else "sent_time"
        error = measured_error(event) or Millis(0)
        return (claimed + error if error < 0 else latest), reason
    if claimed >= bound.time:
        return claimed, ""
    error = measured_error(event) or Millis(0)
    if error > 0:
        return claimed + error, bound.reason
    if sent is not None and sent >= claimed:
        return now - (sent - claimed), bound.reason
    return bound.best, bound.reason


def _bound(event: DeviceEvent, now: EventMs, rules: ClockRules) -> _Bound:
    if isinstance(event, Install):
        begun, clicked = _server_times(event)
        seen = [
            (time, reason)
            for time, reason in ((clicked, "before_click"), (begun, "before_download"))
            if rules.earliest_event_time <= time <= now + CLOCK_TOLERANCE_MS
        ]
        if seen:
            time, reason = max(seen)
            time = min(time, now)
            return _Bound(time, reason, time)  # type: ignore[arg-type]  # A tuple of literals.
    if event.source != "sdk":
        return _Bound(rules.earliest_event_time, "", rules.earliest_event_time)
    oldest = max(rules.earliest_event_time, now - rules.sdk_event_age_ms_max)
    return _Bound(oldest, "impossible", now)


def _server_times(event: Install) -> tuple[EventMs, EventMs]:
    """When servers saw the begin of the download, and the click; 0: they do not say.

    Apple names its click or view in the AdServices payload, by the time of its servers.
    """
    begun = _moment(event.install_begin_time_server_s)
    clicked = _moment(event.referrer_click_time_server_s)
    claim = event.adservices
    if claim is not None and claim.attribution:
        clicked = max(clicked, claim.click_time or claim.impression_time or EventMs(0))
    return begun, clicked


def measured_error(event: DeviceEvent) -> Millis | None:
    """How slow the device's clock was at the download or the click, which the store times by both
    clocks; negative: it was ahead; None: the store does not say."""
    if not isinstance(event, Install):
        return None
    pairs = (
        (event.install_begin_time_server_s, event.install_begin_time_s),
        (event.referrer_click_time_server_s, event.referrer_click_time_s),
    )
    for by_server, by_device in pairs:
        if by_server and by_device:
            return Millis((by_server - by_device) * SECOND_MS)
    return None


def _moment(seconds: int | None) -> EventMs:
    """Seconds since 1970 in milliseconds; 0 when the time is unknown."""
    return EventMs((seconds or 0) * SECOND_MS)
