"""Sampled paths: the touchpoints of some devices, whether they install or not.

Installs alone do not show the effect of advertising, because people who saw an advertisement and
did not install are missing. So some devices are sampled by a hash of their key, and all their
touchpoints are reported, from a first one until the window ends or the app is installed. Both kinds
of path are reported at the same age, once no record that counts can arrive any more. If installs
were reported sooner, a learner would see hardly any other path at first, and too many installs
after every rise in traffic.
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
"""Device keys consist of this prefix, the app and a pseudonym."""

NOT_WATCHED = EventMs(-1)  # stored; devices that are sampled have the end of their last path
_FORGED = Flag.SIGNATURE_MISSING | Flag.SIGNATURE_INVALID | Flag.SIGNATURE_STALE


def watched_from(key: str, rules: Rules) -> EventMs:
    """0 if the device with this key is sampled (from its first touchpoint on), else NOT_WATCHED."""
    if not rules.watched_one_in or not key.startswith(DEVICE_PREFIX):
        return NOT_WATCHED
    # These bits are independent of those that choose the partition of a key.
    is_sampled = (zlib.crc32(key.encode()) >> 16) % rules.watched_one_in == 0
    return EventMs(0) if is_sampled else NOT_WATCHED


def sampled_path_due(
    touches: Iterable[Touch], watched_until: EventMs, rules: Rules
) -> LogMs | None:
    """Log time at which the next path may be reported; None: no path has begun."""
    begin = _begin(touches, watched_until)
    if begin is None:
        return None
    # Once log time has come so far, no record that the window waits for can still count.
    return LogMs(begin + rules.watch_window_ms + rules.late_ms_max)


def close_sampled_path(
    key: str, touches: list[Touch], installs: list[EventMs], watched_until: EventMs, rules: Rules
) -> tuple[ExposurePath, EventMs]:
    """The path that has ended, and the end of the period that it covers.

    There must be such a path. `touches` and `installs` are in order of time.
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
    """A touchpoint as part of a path."""
    return ExposureTouch(
        channel_of(touch.media_source, touch.channel),
        touch.time,
        touch.kind is TouchKind.CLICK,
        touch.flags,
    )


def is_forged(touch: Touch) -> bool:
    """Whether a required signature is missing, wrong or stale."""
    return touch.flags & _FORGED > 0


def _begin(touches: Iterable[Touch], watched_until: EventMs) -> EventMs | None:
    first = max(watched_until, EventMs(1))
    return next((touch.time for touch in touches if touch.time >= first), None)
