"""Watches residuals and features for changes of their mean: by app and media source.

A stream holds the signed residuals of a target (label minus prediction), or the values of one
feature, of one app and media source. Every stream may raise an alarm by chance, so the accepted
chance is shared among all streams that are watched (Bonferroni): the more streams, the stronger
the evidence that each needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from online_models.drift.adwin import STREAM_VALUE_MAX, Adwin, MeanChange
from online_models.persistence.arrays import pack_numbers, unpack_numbers
from online_models.persistence.envelope import Unusable
from online_models.persistence.layout import Layout
from schemas.time import DAY_MS

STREAMS_MAX = 256
"""Streams watched at a time. One without a value for `IDLE_MS` makes room for another."""

IDLE_MS = 7 * DAY_MS

_TIME_MAX = 2**62

StreamKind = Literal["residual", "feature"]


class DriftRules(Struct, frozen=True):
    delta: float = 0.002
    """Accepted chance of a false alarm of all streams together, about, in 20,000 labels of each:
    measured at base rates from 2 to 30 %, one stream takes between a tenth and all of it."""
    streams_max: int = STREAMS_MAX


class DriftStream(NamedTuple):
    """Name of a stream. `subject`: the feature's name; empty for residuals."""

    kind: StreamKind
    target: str
    subject: str
    app_id: str
    media_source: str


class Alarm(NamedTuple):
    """The mean of a stream has changed. `raised_at`: log time in ms."""

    stream: DriftStream
    change: MeanChange
    raised_at: int
    number: int
    """Counted from 1, over all streams."""


class DriftCounts(Struct):
    """Since the beginning of the log. `refused`: values of streams for which there was no room;
    `unusable`: values that were not finite, or too large."""

    alarms: int = 0
    refused: int = 0
    unusable: int = 0


class DriftWatch:
    """Feeds an `Adwin` per stream. Alarms depend on the values and their order alone."""

    def __init__(self, rules: DriftRules | None = None) -> None:
        self.rules = rules or DriftRules()
        self.counts = DriftCounts()
        self._streams: dict[DriftStream, tuple[int, Adwin]] = {}  # least recently fed first

    @property
    def streams(self) -> int:
        return len(self._streams)

    def feed(self, stream: DriftStream, value: float, at: int) -> Alarm | None:
        """`value`: in a range of about 1; `at`: log time in ms since 1970."""
        return next(iter(self.feed_each(stream, (value,), at)), None)

    def feed_each(self, stream: DriftStream, values: Sequence[float], at: int) -> list[Alarm]:
        """The same for one value or more that became known at the same time."""
        if not (
            math.isfinite(sum(values))
            and -STREAM_VALUE_MAX < min(values) <= max(values) < STREAM_VALUE_MAX
        ):
            self.counts.unusable += sum(
                not -STREAM_VALUE_MAX < value < STREAM_VALUE_MAX for value in values
            )
        watched = self._watched(stream, at)
        if watched is None:
            self.counts.refused += len(values)
            return []
        alarms = []
        for change in watched.extend(values, self.rules.delta / len(self._streams)):
            self.counts.alarms += 1
            alarms.append(Alarm(stream, change, at, self.counts.alarms))
        return alarms

    def _watched(self, stream: DriftStream, at: int) -> Adwin | None:
        known = self._streams.pop(stream, None)
        if known is None:
            if len(self._streams) >= self.rules.streams_max and not self._makes_room(at):
                return None
            known = at, Adwin()
        # A clock that jumped back must not make a stream look silent.
        self._streams[stream] = max(at, known[0]), known[1]
        return known[1]

    def _makes_room(self, at: int) -> bool:
        longest_silent = next(iter(self._streams))
        if at - self._streams[longest_silent][0] < IDLE_MS:
            return False
        del self._streams[longest_silent]
        return True


class _Body(Struct, frozen=True, array_like=True, gc=False):
    counts: DriftCounts
    streams: list[DriftStream]
    fed_at: list[int]
    windows: list[bytes]  # little-endian float64


DRIFT_LAYOUT = Layout("drift/1", _Body, "a drift watch")


def dump_drift(watch: DriftWatch) -> bytes:
    """Everything that `load_drift` needs to go on bit for bit."""
    streams = watch._streams
    body = _Body(
        counts=watch.counts,
        streams=list(streams),
        fed_at=[at for at, _ in streams.values()],
        windows=[pack_numbers(adwin.numbers()) for _, adwin in streams.values()],
    )
    return DRIFT_LAYOUT.dump(body).content


def load_drift(content: bytes, rules: DriftRules) -> DriftWatch | Unusable:
    """The watch in `content`; it goes on bit for bit."""
    opened = DRIFT_LAYOUT.load(content)
    if isinstance(opened, Unusable):
        return opened
    body = opened.body
    if not len({*body.streams}) == len(body.fed_at) == len(body.windows) <= rules.streams_max:
        return Unusable("there must be as many windows as streams, and no more than are watched")
    watch = DriftWatch(rules)
    watch.counts = body.counts
    for stream, at, window in zip(body.streams, body.fed_at, body.windows, strict=True):
        adwin = Adwin.of_numbers(unpack_numbers(window) or ())
        if adwin is None:
            return Unusable("a window holds what no window can hold")
        watch._streams[stream] = at, adwin
    return watch
