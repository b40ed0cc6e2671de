"""Watches a sample of devices, whether they install or not, to learn what moves them.

Whoever looks only at installs cannot tell what advertisements do: those who saw them and did not
install are missing. So of some devices, chosen by a hash of their key, everything is reported
that they were shown from one touchpoint on: until the window ends, or until the install. Both are
reported at the same age, when nothing that counts can come any more; were installs reported
first, a learner would see hardly anyone else at first, and too many of them after every rise in
traffic.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable

from attribution.rules.rules import Rules
from schemas.records import (
    ExposurePath,
    ExposureTouch,
    Flag,
    Touch,
    TouchKind,
    channel_of,
)
from schemas.time import MILLISECOND, EventMs, LogMs

DEVICE_PREFIX = "d:"
"""Keys of devices begin with it, then come the app and a pseudonym."""

NOT_WATCHED = EventMs(-1)
_FORGED = Flag.SIGNATURE_MISSING | Flag.SIGNATURE_INVALID | Flag.SIGNATURE_STALE


def watched_from(key: str, rules: Rules) -> EventMs:
    """0: from its first touchpoint on; NOT_WATCHED: never."""
    if not rules.watched_one_in or not key.startswith(DEVICE_PREFIX):
        return NOT_WATCHED
    # Other bits than those that choose the partition of a key.
    is_sampled = (zlib.crc32(key.encode()) >> 16) % rules.watched_one_in == 0
    return EventMs(0) if is_sampled else NOT_WATCHED


def sampled_path_due(
    touches: Iterable[Touch], watched_until: EventMs, rules: Rules
) -> LogMs | None:
    """Log time at which the next window may be reported; None: no window has begun."""
    begin = _begin(touches, watched_until)
    if begin is None:
        return None
    # Once log time has come so far, no record that the window waits for can still count.
    return LogMs(begin + rules.watch_window_ms + rules.late_ms_max)


def close_sampled_path(
    key: str, touches: list[Touch], installs: list[EventMs], watched_until: EventMs, rules: Rules
) -> tuple[ExposurePath, EventMs]:
    """The window that is over, and until when the device has been watched then.

    There must be one. Touchpoints and times of installs come in order of time.
    """
    begin = _begin(touches, watched_until)
    assert begin is not None
    end = begin + rules.watch_window_ms
    installed = next((time for time in installs if begin <= time < end), None)
    if installed is not None:
        end = installed
    since = begin - rules.click_window_ms_max
    path = ExposurePath(
        path_id=hashlib.sha256(f"{key}:{begin}".encode()).hexdigest()[:24],
        app_id=key.split(":", 2)[1],
        begin_time=begin,
        end_time=end,
        is_installed=installed is not None,
        touches=[exposure(touch) for touch in touches if since <= touch.time <= end],
        prior_installs=sum(time < begin for time in installs),
        weight=float(rules.watched_one_in),
    )
    return path, end if installed is None else end + MILLISECOND


def exposure(touch: Touch) -> ExposureTouch:
    return ExposureTouch(
        channel_of(touch.media_source, touch.channel),
        touch.time,
        touch.kind is TouchKind.CLICK,
        touch.flags,
    )


def is_forged(touch: Touch) -> bool:
    """Whether its media source should have signed it, and has not, or not now."""
    return touch.flags & _FORGED > 0


def _begin(touches: Iterable[Touch], watched_until: EventMs) -> EventMs | None:
    first = max(watched_until, EventMs(1))
    return next((touch.time for touch in touches if touch.time >= first), None)
