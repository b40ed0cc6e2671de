"""Feeds one stage and reads what it says, for tests of stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from attribution.rules.rules import Rules
from schemas.records import (
    JourneyFrame,
    JourneyRecord,
    MatchFrame,
    MatchRecord,
    frame_encoder,
    journey_frames,
    match_frames,
)
from schemas.time import LogMs
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.watermarks import AnswerMarks, source_upstreams, stage_upstreams
from streams.stages.contract import Effects, LogRecord, Stage
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from tests.worlds.clock import NOON

Row = dict[str, Any]


class Fed:
    """A stage with its state; effects are applied as by a checkpoint that succeeded."""

    def __init__(self, stage: Stage, state: MemoryStore | None = None) -> None:
        self.stage = stage
        self.state = state or MemoryStore()
        self.offset = 0
        stage.restore(self.state.entries())

    def decide(self, records: Sequence[LogRecord]) -> Effects:
        effects = self.stage.decide(records, self.state)
        self.state.apply(effects.changes, 0)
        return effects

    def match(self, *records: MatchRecord, watermarks: Mapping[str, int] | None = None) -> Effects:
        """One frame on `match`."""
        return self._frame(
            "match", frame_encoder.encode(MatchFrame(_log_times(watermarks), list(records)))
        )

    def journeys(
        self, *records: JourneyRecord, watermarks: Mapping[str, int] | None = None
    ) -> Effects:
        """One frame on `journeys`."""
        frame = JourneyFrame(_log_times(watermarks), list(records))
        return self._frame("journeys", frame_encoder.encode(frame))

    def _frame(self, topic: str, value: bytes) -> Effects:
        self.offset += 1
        return self.decide([MemoryRecord(topic, 0, self.offset, NOON, None, value)])


def all_answered(until: int) -> dict[str, int]:
    """Marks of one partition: sources are read, and all that keys of matching write to others."""
    hops = [*stage_upstreams("matching", 1), *AnswerMarks(0, 1).names]
    return dict.fromkeys([*source_upstreams(1), *hops], until)


def _log_times(watermarks: Mapping[str, int] | None) -> dict[str, LogMs]:
    return {name: LogMs(watermark) for name, watermark in (watermarks or {}).items()}


def fed_journeys(rules: Rules, state: MemoryStore | None = None) -> Fed:
    """The journeys stage of the only partition, without models."""
    observer = StageObserver()
    scorers = Scorers(lambda _: None, observer, ScoringRules())
    return Fed(Journeys(0, 1, rules, scorers, observer), state)


def source(topic: str, fields: Row | bytes, *, offset: int = 0, ts: int = NOON) -> MemoryRecord:
    value = fields if isinstance(fields, bytes) else orjson.dumps(fields)
    return MemoryRecord(topic, 0, offset, ts, b"key", value)


def event(event_type: str, /, **fields: Any) -> Row:
    common = {"schema_version": 1, "event_id": "e1", "app_id": "app", "event_time": NOON}
    return {"type": event_type, **common, **fields}


def decide_with_crashes(
    build: Callable[[MemoryStore | None], Fed], records: Sequence[LogRecord]
) -> list[Effects]:
    """The effects of records one by one, with a crash after every fifth.

    A crash loses what was decided since the last commit; those records are decided again.
    Records have the offsets 0, 1, 2, ...
    """
    stage, found, committed = build(None), [], 0
    for number, record in enumerate(records):
        effects = stage.decide([record])
        found.append(effects)
        committed = max(effects.positions.values(), default=committed)
        if number % 5 == 4:
            stage = build(stage.state)
            found += [stage.decide([again]) for again in records[committed : number + 1]]
    return found


def rows(effects: Effects, topic: str) -> list[Row]:
    """Outcomes of one topic, of all partitions."""
    return [msgspec.json.decode(value) for value in _values(effects, topic)]


def settled(effects: Effects) -> list[tuple[str, str, list[int]]]:
    """Source topic, disposition and offsets of each ledger row."""
    return [
        (row["source_topic"], row["disposition"], row["offsets"]) for row in rows(effects, "ledger")
    ]


def matched(effects: Effects) -> list[MatchFrame]:
    return [match_frames.decode(value) for value in _values(effects, "match")]


def journeyed(effects: Effects) -> list[JourneyFrame]:
    return [journey_frames.decode(value) for value in _values(effects, "journeys")]


def _values(effects: Effects, topic: str) -> list[bytes]:
    return [
        message.value or b""
        for (name, _), messages in sorted(effects.messages.items())
        if name == topic
        for message in messages
    ]


def records_in(frames: list[MatchFrame] | list[JourneyFrame]) -> list[Any]:
    return [record for frame in frames for record in frame.records]
