"""Log time of a stage: the minimum of the watermarks that upstream partitions wrote to the log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from schemas import topics
from schemas.outcomes import Freshness
from schemas.records import MARK_BYTE, StoredFormat
from schemas.time import HOUR_MS, LogMs, Millis
from streams.stages.common.outbox import Outbox
from streams.stages.common.working_set import DUE_BYTES, RESERVED, WATERMARKS_KEY, read_at_start

WATERMARKS: StoredFormat[dict[str, LogMs]] = StoredFormat("watermarks", dict[str, LogMs])
_encode = msgspec.msgpack.Encoder().encode
WATERMARK_STEP_MS = Millis(1_000)
READ_STEP_MS = Millis(50)
READ = "read"
"""Name of the marks up to which matching has read touchpoints and installs."""
ASKED = "asked"
"""Name of the log time of the latest install that a partition of intake has read."""
ANSWERED = "answered"
"""Name of the marks up to which matching has answered what its partitions ask each other."""
ANSWER_ROUNDS = 4
"""So often keys of matching write to keys after the first time, before all is said: to the original
of an original, and back to both, and from there to the account that paid. Longer chains of restores
are answered as well, but who is asked or told may be forgotten first where log time leaps."""
CLOSED = "closed"
"""Name of the marks up to which matching has said all that it will say to journeys."""
NOTHING_READ = LogMs(1)
READ_LEAP_MS_MAX = Millis(60_000)
"""How much of one advance of log time counts as waiting for partitions that are behind. Live,
advances are shorter; a partition that catches up leaps, and others need as many steps as it did."""
WAIT_STEPS = 64
"""Steps in which waiting is noted, so that its memory is bounded."""
FRESHNESS_STEP_MS = Millis(60_000)
"""Log time between two reports of a stage partition to storing."""


def source_upstreams(partitions: int) -> list[str]:
    """Names of all partitions of the source topics."""
    return [
        upstream(topic.name, partition)
        for topic in topics.SOURCES
        for partition in range(partitions)
    ]


def stage_upstreams(stage: str, partitions: int) -> list[str]:
    """Names of all partitions of a stage."""
    return [upstream(stage, partition) for partition in range(partitions)]


def upstream(name: str, partition: int) -> str:
    """Name of one partition in watermarks."""
    return f"{name}-{partition}"


class Watermarks:
    """Latest watermark of every expected upstream partition; 0 until the first one arrives."""

    def __init__(self, expected: Iterable[str]) -> None:
        self._latest = dict.fromkeys(expected, LogMs(0))

    def restore(self, value: bytes) -> None:
        self.advance(WATERMARKS.decode(value))

    def restore_from(
        self,
        entries: Iterable[tuple[bytes, bytes]],
        states: StoredFormat[Any],
        *,
        is_all: bool = False,
    ) -> Iterator[tuple[bytes, bytes]]:
        """Take the watermarks out of a stage's entries, and yield the others: all of them, or those
        that a stage needs whose only memory is timers.

        Raises NewerFormatError for a state that a newer build wrote, before anything is decided.
        """
        for key, value in entries if is_all else read_at_start(entries):
            if key == WATERMARKS_KEY:
                self.restore(value)
                continue
            if key[0] != RESERVED and value.startswith(MARK_BYTE, DUE_BYTES):
                states.require_known(value[DUE_BYTES:])
            yield key, value

    def encode(self) -> bytes:
        return WATERMARKS.marker + _encode(self._latest)

    def advance(self, watermarks: dict[str, LogMs]) -> None:
        """Raise watermarks. They never fall; upstreams that are not expected are ignored."""
        latest = self._latest
        for name, watermark in watermarks.items():
            if watermark > latest.get(name, watermark):
                latest[name] = watermark

    def of(self, names: Iterable[str]) -> list[LogMs]:
        """The watermarks of these upstreams that have arrived."""
        latest = self._latest
        return [mark for name in names if (mark := latest[name])]

    def minimum(self, names: Iterable[str]) -> LogMs:
        """The log time that all of these upstreams have reached."""
        latest = self._latest
        return min(latest[name] for name in names)


class WatermarkStep:
    """Passes a watermark on only once it has advanced by a step of log time.

    Otherwise a stage that writes to itself would answer every watermark with another one.
    """

    def __init__(self, name: str, step_ms: Millis = WATERMARK_STEP_MS) -> None:
        self._name = name
        self._step_ms = step_ms
        self._passed_on = LogMs(0)

    def take(self, watermark: LogMs) -> dict[str, LogMs]:
        """The watermark to pass on, by name; empty: it has not advanced enough."""
        if watermark < self._passed_on + self._step_ms:
            return {}
        self._passed_on = watermark
        return {self._name: watermark}


class AnswerMarks:
    """How far the partitions of matching have answered each other, round by round.

    A mark is behind what its partition wrote before. So whoever has read the marks of all for one
    round has read what they wrote until then, and its own mark for the next round is behind the
    answers. After the last round nothing is on its way that older records led to.
    """

    def __init__(self, p: int, partitions: int) -> None:
        rounds = [ANSWERED, *(f"{ANSWERED}{n}" for n in range(2, ANSWER_ROUNDS + 1))]
        self._steps = [WatermarkStep(upstream(name, p), HOUR_MS) for name in rounds]
        self._rounds = [stage_upstreams(name, partitions) for name in rounds]
        self._closed_step = WatermarkStep(upstream(CLOSED, p), HOUR_MS)

    @property
    def names(self) -> list[str]:
        return [name for names in self._rounds for name in names]

    def take(self, marks: Watermarks, hops: Sequence[str]) -> dict[str, LogMs]:
        """The marks to pass on to all of matching; `hops` are those of what was written first."""
        passed: dict[str, LogMs] = {}
        for step, before in zip(self._steps, [hops, *self._rounds], strict=False):
            passed |= step.take(marks.minimum(before))
        return passed

    def closed(self, marks: Watermarks) -> LogMs:
        """The log time up to which all is answered."""
        return marks.minimum(self._rounds[-1])

    def take_closed(self, marks: Watermarks) -> dict[str, LogMs]:
        """The mark to pass on to journeys."""
        return self._closed_step.take(self.closed(marks))


class BroadcastStep:
    """When the watermarks of one intake partition go to every partition of the next stage.

    Partitions that get a record hear of them with it. The others do by a step of log time, or one
    event would make a message for each of them; and soon where somebody waits, which an install and
    a clock tick say.
    """

    def __init__(self) -> None:
        self._held: dict[str, LogMs] = {}  # not yet known to everybody
        self._passed_on: LogMs | None = None
        self._asked = LogMs(0)

    def take(
        self, watermarks: dict[str, LogMs], first: LogMs, *, is_awaited: bool
    ) -> tuple[dict[str, LogMs], bool]:
        """All watermarks that not everybody knows, and whether to tell everybody now.

        `first` is the log time of the first record ever, 0 if that was read before: then nobody
        knows what was passed on.
        """
        if self._passed_on is None:
            self._passed_on = first
        held = self._held
        held.update(watermarks)
        now = max(held.values(), default=self._passed_on)
        if is_awaited:
            self._asked = now
        is_soon = now <= self._asked + WATERMARK_STEP_MS
        step = READ_STEP_MS if is_soon else WATERMARK_STEP_MS
        if not is_awaited and now < self._passed_on + step:
            return held, False
        self._held, self._passed_on = {}, now
        return held, True


class ReadMark:
    """Tells the next stage how far touchpoints and installs are read, soon where it waits for it.

    Each journeys partition hears of it with the first frame ever, and from then on by a step of
    log time; a short one while an install is known that is not passed yet.
    """

    def __init__(self, partition: int, wait_ms: Millis) -> None:
        self._name = upstream(READ, partition)
        self._limit = ReadLimit(wait_ms)
        self._passed_on = LogMs(0)

    def take(self, read: Sequence[LogMs], asked: LogMs) -> dict[str, LogMs]:
        """The mark to pass on, from the watermarks of the partitions to be read.

        `asked` is the log time of the latest install that is known.
        """
        mark = LogMs(max(self._limit.read_through(read), NOTHING_READ))
        passed_on = self._passed_on
        is_awaited = asked >= passed_on and (mark > asked or mark >= passed_on + READ_STEP_MS)
        if passed_on and not is_awaited and mark < passed_on + WATERMARK_STEP_MS:
            return {}
        self._passed_on = mark
        return {self._name: mark}


class ReadLimit:
    """The log time up to which all partitions are read. One that stands still holds the others back
    for `wait_ms` at most.

    Waiting is counted by the advances of the furthest partition, each as `READ_LEAP_MS_MAX` at
    most: whatever is read within one batch says nothing of how long others were waited for. After
    a restart it is counted anew.
    """

    def __init__(self, wait_ms: Millis) -> None:
        self._wait_ms = wait_ms
        self._step_ms = wait_ms // WAIT_STEPS
        self._waited = 0
        self._furthest = LogMs(0)
        self.passed: deque[tuple[int, LogMs]] = deque()  # how far, by what was waited until then
        self._given_up = LogMs(0)

    def read_through(self, marks: Sequence[LogMs]) -> LogMs:
        """The log time up to which what these marks stand for is read, or waited for in vain."""
        furthest, passed = max(marks), self.passed
        if furthest > self._furthest:
            self._waited += min(furthest - self._furthest, READ_LEAP_MS_MAX)
            self._furthest = furthest
            if not passed or self._waited >= passed[-1][0] + self._step_ms:
                passed.append((self._waited, furthest))
            while passed and passed[0][0] <= self._waited - self._wait_ms:
                self._given_up = passed.popleft()[1]
        return max(min(marks), self._given_up)


class FreshnessReport:
    """Reports the log time of a stage partition as an outcome, no more often than readers need."""

    def __init__(self, stage: str, partition: int) -> None:
        self._stage = stage
        self._partition = partition
        self._reported = LogMs(0)

    def report(self, stage_time: LogMs, outbox: Outbox) -> None:
        """Add an outcome if log time has advanced by `FRESHNESS_STEP_MS`."""
        if stage_time < self._reported + FRESHNESS_STEP_MS:
            return
        self._reported = stage_time
        name = upstream(self._stage, self._partition)
        row = Freshness(stage=self._stage, partition=self._partition, stage_time=stage_time)
        outbox.add(topics.FRESHNESS.name, name, row)
