"""How far log time has come, by what upstream partitions have said in the log."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from schemas import topics
from schemas.outcomes import Freshness
from schemas.records import frame_encoder
from schemas.time import LogMs, Millis
from streams.stages.common.outbox import Outbox

_decoder = msgspec.msgpack.Decoder(dict[str, LogMs])
WATERMARK_STEP_MS = Millis(1_000)
FRESHNESS_STEP_MS = Millis(60_000)
"""Stage time is reported to storing at most once per this much log time."""


def source_upstreams(partitions: int) -> list[str]:
    return [
        upstream(topic.name, partition)
        for topic in topics.SOURCES
        for partition in range(partitions)
    ]


def stage_upstreams(stage: str, partitions: int) -> list[str]:
    return [upstream(stage, partition) for partition in range(partitions)]


def upstream(name: str, partition: int) -> str:
    return f"{name}-{partition}"


class Watermarks:
    """Latest watermark of every expected upstream; 0 until it has spoken."""

    def __init__(self, expected: Iterable[str]) -> None:
        self._latest = dict.fromkeys(expected, LogMs(0))

    def restore(self, value: bytes) -> None:
        self.advance(_decoder.decode(value))

    def encode(self) -> bytes:
        return frame_encoder.encode(self._latest)

    def advance(self, said: dict[str, LogMs]) -> None:
        """Watermarks never go back; upstreams that are not expected are ignored."""
        latest = self._latest
        for name, watermark in said.items():
            if watermark > latest.get(name, watermark):
                latest[name] = watermark

    def minimum(self, names: Iterable[str]) -> LogMs:
        latest = self._latest
        return min(latest[name] for name in names)


class WatermarkStep:
    """Passes a watermark on only when it has advanced by a step of log time.

    Without it a stage that writes to itself would answer every watermark with a watermark.
    """

    def __init__(self, name: str, step_ms: Millis = WATERMARK_STEP_MS) -> None:
        self._name = name
        self._step_ms = step_ms
        self._passed_on = LogMs(0)

    def take(self, watermark: LogMs) -> dict[str, LogMs]:
        if watermark < self._passed_on + self._step_ms:
            return {}
        self._passed_on = watermark
        return {self._name: watermark}


class FreshnessReport:
    """Says how far a stage partition has come, not more often than readers need."""

    def __init__(self, stage: str, partition: int) -> None:
        self._stage = stage
        self._partition = partition
        self._reported = LogMs(0)

    def say(self, stage_time: LogMs, outbox: Outbox) -> None:
        if stage_time < self._reported + FRESHNESS_STEP_MS:
            return
        self._reported = stage_time
        name = upstream(self._stage, self._partition)
        row = Freshness(stage=self._stage, partition=self._partition, stage_time=stage_time)
        outbox.say(topics.FRESHNESS.name, name, row)
