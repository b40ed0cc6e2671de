"""Keeps a flood of unreadable messages of one app on one topic from filling the log and the store.

The offsets of a source partition are cut into stretches. In each stretch every app may have a
share of the stretch set aside as dead letters, with their bytes. Further unreadable messages of
that app are settled all the same, each by its offset, but their bytes stay in the source topic
only. Readable messages are never touched, nor is any other app or topic; the next stretch begins
anew, so a flood that has ended leaves nothing behind.

What is copied depends on the offsets of the log alone. A worker that starts in the middle of a
stretch counts again from there: then more messages of a flood are copied, and no decision differs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import msgspec

from streams.stages.common.observer import StageObserver
from streams.stages.contract import LogRecord, TopicPartition

FLOOD_APPS_MAX = 100
"""Apps that are counted on their own in one stretch. Whoever invents app names shares one count."""
OTHER_APPS = "(other)"
NO_APP = "(none)"

_APP = re.compile(rb'"app_id"\s*:\s*("(?:[^"\\\x00-\x1f]|\\.){1,200}")')
_SEARCHED_BYTES = 65_536
_text = msgspec.json.Decoder(str)


def claimed_app(value: bytes | None) -> str:
    """The app that an unreadable message names, wherever in it; NO_APP if it names none."""
    found = _APP.search(value or b"", 0, _SEARCHED_BYTES)
    if found is None:
        return NO_APP
    try:
        return _text.decode(found[1]) or NO_APP
    except (msgspec.DecodeError, UnicodeDecodeError):
        return NO_APP


@dataclass(slots=True)
class _Stretch:
    """Unreadable messages of one stretch of a partition, by app."""

    number: int
    counts: dict[str, int] = field(default_factory=dict)
    flooding: set[str] = field(default_factory=set)


class FloodBreaker:
    """Counts the unreadable messages of one intake partition, by source topic and app."""

    def __init__(self, share_max: float, window: int, observer: StageObserver) -> None:
        """In each stretch of `window` offsets, `share_max` of them may be copied per app."""
        self._window = window
        self._copied_max = int(share_max * window)
        self._observer = observer
        self._stretches: dict[TopicPartition, _Stretch] = {}

    def flooding_app(self, record: LogRecord, reason: str) -> str:
        """Count an unreadable message; the app whose flood it belongs to, empty: copy it."""
        stretch = self._stretch(record)
        app = claimed_app(record.value)
        if app not in stretch.counts and len(stretch.counts) >= FLOOD_APPS_MAX:
            app = OTHER_APPS
        stretch.counts[app] = stretch.counts.get(app, 0) + 1
        if stretch.counts[app] <= self._copied_max:
            return ""
        if app not in stretch.flooding:
            stretch.flooding.add(app)
            self._observer.on_flood(record.topic, app, reason)
        self._observer.on_not_copied(record.topic, app)
        return app

    def _stretch(self, record: LogRecord) -> _Stretch:
        tp = record.topic, record.partition
        number = record.offset // self._window
        known = self._stretches.get(tp)
        if known is None or known.number != number:
            known = self._stretches[tp] = _Stretch(number)
        return known
