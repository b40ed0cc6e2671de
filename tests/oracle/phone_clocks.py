"""When an event happened, read a second time: everything known of its time, one after the other."""

from __future__ import annotations

from typing import Any

from schemas.events import DeviceEvent, Install
from tests.oracle.rulebook import DAY, SECOND

NEAR = 5 * SECOND
SDK_AGE = 1825 * DAY


def right_time(event: Any, ts: int, earliest: int) -> tuple[int, str]:
    """The time that counts, and why it is not the reported one; "" when it is."""
    claimed = event.event_time
    if not isinstance(event, DeviceEvent) or ts < earliest:
        return claimed, ""
    floor, why, fallback = bound(event, ts, earliest)
    guess, wrong = claimed, ""
    sent = event.sent_time
    if sent is not None and sent - ts > NEAR:
        guess, wrong = claimed + ts - sent, "sent_time"
    elif claimed - ts > NEAR or (sent is not None and claimed - sent > NEAR):
        wrong = "ahead_of_log" if claimed - ts > NEAR else "sent_time"
        guess = claimed + phone_error(event)
        if guess >= claimed:
            guess = min(ts, sent) if sent is not None else ts
    elif claimed < floor:
        wrong, guess = why, fallback
        if phone_error(event) > 0:
            guess = claimed + phone_error(event)
        elif sent is not None and sent >= claimed:
            guess = ts - (sent - claimed)
    if not wrong:
        return claimed, ""
    return (min(guess, ts) if floor <= guess <= ts + NEAR else fallback), wrong


def bound(event: DeviceEvent, ts: int, earliest: int) -> tuple[int, str, int]:
    """The first moment that is possible, what says so, and the best guess if nothing else is."""
    seen = []
    if isinstance(event, Install):
        begun = 1_000 * (event.install_begin_time_server_s or 0)
        clicked = 1_000 * (event.referrer_click_time_server_s or 0)
        if event.adservices and event.adservices.attribution:
            apple = event.adservices.click_time or event.adservices.impression_time or 0
            clicked = max(clicked, apple)
        seen = [(begun, "before_download"), (clicked, "before_click")]
        seen = [one for one in seen if earliest <= one[0] <= ts + NEAR]
    if seen:
        time, why = max(seen)
        return min(time, ts), why, min(time, ts)
    if event.source != "sdk":
        return earliest, "", earliest
    return max(earliest, ts - SDK_AGE), "impossible", ts


def phone_error(event: DeviceEvent) -> int:
    """What to add to the phone's clock, where the store stamped the same moment."""
    if not isinstance(event, Install):
        return 0
    if event.install_begin_time_server_s and event.install_begin_time_s:
        return 1_000 * (event.install_begin_time_server_s - event.install_begin_time_s)
    if event.referrer_click_time_server_s and event.referrer_click_time_s:
        return 1_000 * (event.referrer_click_time_server_s - event.referrer_click_time_s)
    return 0


def has_twins(event: Install) -> bool:
    """Whether the store stamped a moment that the phone stamped too."""
    twins = (
        (event.install_begin_time_server_s, event.install_begin_time_s),
        (event.referrer_click_time_server_s, event.referrer_click_time_s),
    )
    return any(by_server and by_phone for by_server, by_phone in twins)


def is_measured(event: Install, ts: int) -> bool:
    """Whether the phone's clock can be judged at all: by the store's twin of a time of its own, or
    by when it sent the event."""
    is_sent_now = event.sent_time is not None and abs(ts - event.sent_time) <= 60 * SECOND
    return has_twins(event) or is_sent_now


def store_time(by_server: int | None, by_phone: int | None, shift: int) -> tuple[int, bool]:
    """A time of the store in milliseconds, and whether only the phone says it."""
    if by_server:
        return 1_000 * by_server, False
    return (max(1_000 * by_phone + shift, 0), True) if by_phone else (0, False)
