"""Log time of a stage: the minimum of the watermarks that upstream partitions wrote to the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from schemas import topics
from schemas.outcomes import Freshness
from schemas.records import frame_encoder
from schemas.time import LogMs, Millis
from streams.stages.common.outbox import Outbox
from streams.stages.common.working_set import WATERMARKS_KEY

_decoder = msgspec.msgpack.Decoder(dict[str, LogMs])
WATERMARK_STEP_MS = Millis(1_000)
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
        self.advance(_decoder.decode(value))

    def restore_from(self, entries: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
        """Take the watermarks out of a stage's entries, and yield the others."""
        for key, value in entries:
            if key == WATERMARKS_KEY:
                self.restore(value)
            else:
                yield key, value

    def encode(self) -> bytes:
        return frame_encoder.encode(self._latest)

    def advance(self, watermarks: dict[str, LogMs]) -> None:
        """Raise watermarks. They never fall; upstreams that are not expected are ignored."""
        latest = self._latest
        for name, watermark in watermarks.items():
            if watermark > latest.get(name, watermark):
                latest[name] = watermark

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
