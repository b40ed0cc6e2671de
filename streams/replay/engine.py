"""Runs the stages over records from files: without a broker, in one process.

Records are taken in the order of log time, which is cut into chunks of whole hours. Every stage
finishes a chunk before the next one begins, and the watermark at its end is the time of the latest
record, so the result depends on the records alone: not on the size of batches, and not on how many
records a partition has, or where in the files they stand.

A chunk has as many hours as fill a batch, since every batch costs each stage the states it reads
and writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec

from schemas import topics
from schemas.outcomes import LedgerRow
from schemas.records import MatchFrame, frame_encoder
from schemas.time import HOUR_MS, LOG_TIME_MAX, LogMs
from streams.replay.memory_log import MemoryLog, MemoryRecord
from streams.replay.time_order import sorted_by_time
from streams.runtime.snapshots import SnapshotShelf
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import Repeat
from streams.stages.common.watermarks import ASKED, READ_STEP_MS, source_upstreams, upstream
from streams.stages.common.working_set import stored_expiry
from streams.stages.contract import Effects, Message, Stage, TopicPartition, is_tick
from streams.stages.factory import STAGES, StageRules, stage_factory
from streams.stages.separate.guard import GuardedStage
from streams.worker.cycle_collector import relaxed_collector

CHUNK_MS_MAX = 6 * HOUR_MS
"""Log time of one chunk: models answer with what was learned from the chunks before."""
CHUNK_RECORDS = 4_000
"""Records after which a chunk ends with its hour."""
CHUNK_RECORDS_MAX = 50_000
"""Records of one chunk: bounds memory where an hour has more."""
BATCH_RECORDS = 4_000
"""Records that a stage decides on at once, by default. The result does not depend on it."""

INPUTS = {
    "matching": topics.MATCH.name,
    "journeys": topics.JOURNEYS.name,
    "sites": topics.SITES.name,
    "learning": topics.EXAMPLES.name,
}

OutcomeSink = Callable[[str, Sequence[MemoryRecord]], None]
"""Topic and its next outcome records, in offset order, all of partition 0."""

_ledger = msgspec.json.Decoder(LedgerRow)
_json = msgspec.json.Encoder()


@dataclass(slots=True)
class SourceOrder:
    """The result of a first pass: which partitions appear, and whether times only grow."""

    partitions: set[TopicPartition] = field(default_factory=set)
    records: int = 0
    ticks: int = 0
    is_sorted: bool = True
    _latest: int = 0

    def see(self, record: MemoryRecord) -> None:
        self.partitions.add((record.topic, record.partition))
        self.records += 1
        self.ticks += is_tick(record)
        if record.timestamp < self._latest:
            self.is_sorted = False
        else:
            self._latest = record.timestamp


def in_time_order(
    records: Iterable[MemoryRecord], order: SourceOrder
) -> tuple[Iterable[MemoryRecord], SourceOrder]:
    """The records by log time, and their order then; as they are where that is their order."""
    if order.is_sorted:
        return records, order
    return sorted_by_time(records), replace(order, is_sorted=True)


def chunks(records: Iterable[MemoryRecord]) -> Iterator[list[MemoryRecord]]:
    """The records in chunks: whole hours of log time, of limited length and number of records."""
    chunk: list[MemoryRecord] = []
    for record in records:
        if chunk and _is_cut(chunk, record.timestamp):
            yield chunk
            chunk = []
        chunk.append(record)
    if chunk:
        yield chunk


def _is_cut(chunk: list[MemoryRecord], timestamp: int) -> bool:
    """Whether a record of this time begins another chunk. One that is earlier never does."""
    length = len(chunk)
    if length >= CHUNK_RECORDS and timestamp // HOUR_MS > chunk[-1].timestamp // HOUR_MS:
        return True
    is_later = timestamp // CHUNK_MS_MAX > chunk[0].timestamp // CHUNK_MS_MAX
    return is_later or length >= CHUNK_RECORDS_MAX


class Replay:
    """All stages, one partition each, over a log in memory.

    Call `run` once. `sink` receives the outcomes of each topic in offset order. Without `learns`
    models stay as they are at the start, which changes no decision.
    """

    def __init__(
        self,
        rules: StageRules,
        sink: OutcomeSink,
        observer: StageObserver,
        *,
        learns: bool = True,
    ) -> None:
        self._sink = sink
        self._learns = learns
        self._log = MemoryLog()
        self._shelf = SnapshotShelf()
        intake = replace(rules.intake, passes_watermarks=False)
        rules = replace(rules, intake=intake, keeps_state=False)
        create = stage_factory(rules, self._shelf.find, observer)
        self._states = {name: MemoryStore(stored_expiry) for name in STAGES}
        self._stages: dict[str, Stage] = {
            name: GuardedStage(partial(create, name, 0, 1), state.entries, 0, observer)
            for name, state in self._states.items()
        }
        self._ledger_end = 0

    def run(
        self, records: Iterable[MemoryRecord], order: SourceOrder, batch: int = BATCH_RECORDS
    ) -> None:
        """Decide all records; a stage takes at most `batch` of them at once.

        Where `order` says so, they are put into the order of log time first.
        """
        with relaxed_collector():
            self._run(in_time_order(records, order)[0], order, batch)

    def _run(self, records: Iterable[MemoryRecord], order: SourceOrder, batch: int) -> None:
        log_time = 0
        for chunk in chunks(records):
            for start in range(0, len(chunk), batch):
                part = chunk[start : start + batch]
                self._decide("intake", part)
            # A partition that has no further record holds nothing back: what is read is sorted.
            times = (one.timestamp for one in reversed(chunk))
            log_time = max(log_time, next((ts for ts in times if ts <= LOG_TIME_MAX), 0))
            self._pass_watermark(LogMs(log_time))
            self._drain(batch)
            self._flush(chunk[-1].timestamp)
        if order.records:
            # The log has ended, so no touchpoint is missing any more.
            self._pass_read_marks(LogMs(log_time + READ_STEP_MS))
            self._drain(batch)
            self._flush(log_time)

    def _decide(self, stage: str, records: Sequence[MemoryRecord]) -> None:
        state = self._states[stage]
        effects = self._stages[stage].decide(records, state)
        state.apply(effects.changes, 0)
        for message in effects.messages.pop((topics.MODEL_SNAPSHOTS.name, 0), []):
            assert message.key is not None
            self._shelf.add(message.key, message.value)
        self._log.append(effects, records[-1].timestamp)

    def _pass_watermark(self, watermark: LogMs) -> None:
        watermarks = dict.fromkeys([*source_upstreams(1), upstream(ASKED, 0)], watermark)
        self._pass_watermarks(watermarks, watermark)

    def _pass_read_marks(self, watermark: LogMs) -> None:
        names = upstream(topics.TOUCHPOINTS.name, 0), upstream(topics.INSTALLS.name, 0)
        self._pass_watermarks(dict.fromkeys(names, watermark), watermark)

    def _pass_watermarks(self, watermarks: dict[str, LogMs], watermark: LogMs) -> None:
        frame = Message(None, frame_encoder.encode(MatchFrame(watermarks, [])))
        self._log.append(Effects({(topics.MATCH.name, 0): [frame]}), watermark)

    def _drain(self, batch: int) -> None:
        """Run the later stages until none has a record left."""
        moved = True
        while moved:
            moved = False
            for stage, topic in INPUTS.items():
                while records := self._log.take(topic, 0):
                    if stage == "learning" and not self._learns:
                        continue
                    moved = True
                    for start in range(0, len(records), batch):
                        self._decide(stage, records[start : start + batch])

    def _flush(self, timestamp: int) -> None:
        for topic in topics.OUTCOMES:
            records = self._log.take(topic.name, 0)
            if topic is topics.LEDGER:
                records = self._merged_ledger(records, timestamp)
            if records:
                self._sink(topic.name, records)

    def _merged_ledger(self, records: list[MemoryRecord], timestamp: int) -> list[MemoryRecord]:
        """One row per stage, source partition, disposition and move, whatever the batches were."""
        offsets: dict[tuple[str, ...], list[int]] = defaultdict(list)
        repeats: dict[tuple[str, ...], list[Repeat]] = defaultdict(list)
        rows: dict[tuple[str, ...], LedgerRow] = {}
        for record in records:
            row = _ledger.decode(record.value or b"")
            key: tuple[str, ...] = (
                row.stage,
                row.source_topic,
                str(row.source_partition),
                row.disposition,
                str(row.move),
                row.flood_app,
                row.flood_reason,
            )
            rows[key] = row
            offsets[key] += row.offsets
            named = zip(row.repeat_offsets, row.repeat_ids, row.repeats_of, strict=True)
            repeats[key] += map(Repeat._make, named)
        merged = []
        for key in sorted(rows):
            row = _with_repeats(rows[key], repeats[key], sorted(offsets[key]))
            name = f"{row.source_topic}-{row.source_partition}".encode()
            merged.append(
                MemoryRecord(
                    topics.LEDGER.name, 0, self._ledger_end, timestamp, name, _json.encode(row)
                )
            )
            self._ledger_end += 1
        return merged


def _with_repeats(row: LedgerRow, repeats: list[Repeat], offsets: list[int]) -> LedgerRow:
    repeats.sort()
    return msgspec.structs.replace(
        row,
        offsets=offsets,
        repeat_ids=[one.event_id for one in repeats],
        repeats_of=[one.repeats for one in repeats],
        repeat_offsets=[one.offset for one in repeats],
    )
