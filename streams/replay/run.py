"""Replays dumped topics through all stages, and stores the outcomes."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import json

from schemas import topics
from streams.errors import Stop
from streams.kafka.kcat import (
    KcatRecord,
    read_records,
    salvage_line,
)
from streams.progress import Progress
from streams.replay.engine import Replay, SourceOrder, in_time_order
from streams.replay.memory_log import MemoryRecord
from streams.replay.report import RunReport
from streams.replay.unreadable_lines import UnreadableLines
from streams.settings import Settings
from streams.stages.contract import TopicPartition
from streams.store.base import Store
from streams.store.cohorts import build_cohorts
from streams.store.columns import OutcomeDecoder, TableSlice
from streams.store.migrations import apply_migrations, require_usable
from streams.store.reconcile import reconcile
from streams.store.sink.readback import highest_offsets, offsets_present
from streams.store.sink.refused_rows import insert_or_refuse, set_rows_aside
from streams.store.tables import EPOCH, OFFSET, PARTITION, TABLE_OF_TOPIC, TABLES
from streams.wiring.parts import stage_rules
from streams.wiring.store import open_store
from streams.worker.observers import StageMetrics

INSERT_ROWS = 50_000
_PROGRESS_RECORDS = 5_000
_SOURCE_NAMES = frozenset(topic.name for topic in topics.SOURCES)


class _Seen:
    """The offsets of one partition that were read; small, because most runs have no gaps."""

    def __init__(self, first: int) -> None:
        self._first = self._end = first
        self._others: set[int] = set()

    def is_new(self, offset: int) -> bool:
        if self._first <= offset < self._end or offset in self._others:
            return False
        self._others.add(offset)
        while self._end in self._others:
            self._others.discard(self._end)
            self._end += 1
        return True


class SourceReader:
    """Source records of files. Where lines have no offset, they are numbered by partition."""

    def __init__(self, files: Sequence[Path], topic_prefix: str) -> None:
        self._files = files
        self._prefix = topic_prefix
        self.unreadable = UnreadableLines()
        """The lines of the last reading that are no source records."""

    def read(self) -> Iterator[MemoryRecord]:
        """Every record, in the order of the files; of records at one log position, the first."""
        self.unreadable = unreadable = UnreadableLines()
        faults: list[str] = []  # of the record that comes next

        def salvage(line: bytes, fault: str) -> KcatRecord | None:
            record = salvage_line(line)
            if record is None:
                unreadable.add(fault)
            else:
                faults.append(fault)
            return record

        seen: dict[TopicPartition, _Seen] = {}
        next_offset: dict[TopicPartition, int] = defaultdict(int)
        has_offsets = False
        for line in read_records(self._files, on_unreadable=salvage):
            fault = faults.pop() if faults else ""
            topic = line.topic.removeprefix(self._prefix)
            wrong = _misplaced(line, topic)
            if fault and (wrong or (has_offsets and line.offset is None)):
                wrong = fault
            if wrong:
                unreadable.add(wrong)
                continue
            has_offsets = has_offsets or line.offset is not None
            partition = line.partition
            if partition is None:
                partition = zlib.crc32(line.key or b"") % 4
            source = (topic, partition)
            offset = next_offset[source] if line.offset is None else line.offset
            if not seen.setdefault(source, _Seen(offset)).is_new(offset):
                continue
            next_offset[source] = max(next_offset[source], offset + 1)
            if fault:
                unreadable.faults[topic, partition, offset] = fault
            assert line.timestamp_ms is not None
            yield MemoryRecord(topic, partition, offset, line.timestamp_ms, line.key, line.value)


def _misplaced(line: KcatRecord, topic: str) -> str:
    """Why a record cannot be replayed; empty when it can."""
    if topic not in _SOURCE_NAMES:
        known = ", ".join(sorted(_SOURCE_NAMES))
        return f"topic {line.topic!r} is not a source topic; allowed: {known}"
    if line.timestamp_ms is None:
        return f"a record of topic {topic} has no ts: give its log time in ms"
    return ""


def counted(
    records: Iterable[MemoryRecord], total: int, advance: Progress, step: str
) -> Iterator[MemoryRecord]:
    """The same records; reports to `advance` how many of about `total` have passed."""
    advance(step, 0, total)
    for number, record in enumerate(records, start=1):
        if number % _PROGRESS_RECORDS == 0:
            advance(step, min(number, total), total)
        yield record
    advance(step, total, total)


def survey(records: Iterable[MemoryRecord], progress: Callable[[int], None]) -> SourceOrder:
    """Partitions, number and order of the records; reports how many are read to `progress`."""
    order = SourceOrder()
    for record in records:
        order.see(record)
        if order.records % _PROGRESS_RECORDS == 0:
            progress(order.records)
    return order


class RowSink:
    """Stores outcome records in large inserts, and leaves out those that are stored already.

    Offer all records of a topic in offset order, then call `flush` once.
    """

    def __init__(self, store: Store, epoch: str) -> None:
        self._store = store
        self._epoch = epoch
        self._decoders = {t: OutcomeDecoder(table) for t, table in TABLE_OF_TOPIC.items()}
        self._waiting: dict[str, list[MemoryRecord]] = defaultdict(list)

    def take(self, topic: str, records: Sequence[MemoryRecord]) -> None:
        waiting = self._waiting[topic]
        waiting.extend(records)
        if len(waiting) >= INSERT_ROWS:
            self._insert(topic)

    def flush(self) -> None:
        for topic in self._waiting:
            self._insert(topic)

    def _insert(self, topic: str) -> None:
        table = TABLE_OF_TOPIC[topic].name
        records = self._without_stored(table, self._waiting[topic])
        self._waiting[topic] = []
        if not records:
            return
        decoded = self._decoders[topic].decode(
            [record.value for record in records], 0, [record.offset for record in records]
        )
        refused = insert_or_refuse(
            self._store, TABLES[table], _with_positions(decoded, self._epoch)
        )
        if refused:
            values = {(0, record.offset): record.value or b"" for record in records}
            set_rows_aside(self._store, lambda _: self._epoch, refused, values)

    def _without_stored(
        self, table: str, records: Sequence[MemoryRecord]
    ) -> Sequence[MemoryRecord]:
        highest = highest_offsets(self._store, table, self._epoch, [0]).get(0, -1)
        if not records or records[0].offset > highest:
            return records
        between = (records[0].offset, records[-1].offset)
        stored = offsets_present(self._store, table, self._epoch, 0, between)
        return [record for record in records if record.offset not in stored]


def _with_positions(decoded: TableSlice, epoch: str) -> dict[str, list[Any]]:
    rows = len(decoded.offsets)
    positions: dict[str, list[Any]] = {
        EPOCH: [epoch] * rows,
        PARTITION: [decoded.partition] * rows,
        OFFSET: list(decoded.offsets),
    }
    return decoded.columns | positions


def run_replay(
    settings: Settings, files: Sequence[Path], batch: int, advance: Progress, *, is_into: bool
) -> RunReport:
    """Replay `files` into the store of the settings, `batch` records at a time.

    The epoch of the stored rows is a fingerprint of files, rules and batch size, so that a replay
    that is repeated finds its own rows. Stop: a file, a rule file or the store cannot be used, or
    the store has rows already and `is_into` is false.
    """
    began = time.monotonic()
    reader = SourceReader(files, settings.kafka.topic_prefix)
    rules = stage_rules(settings)
    order, contents = _survey(reader.read(), advance)
    if not order.records:
        first = reader.unreadable.examples[:1]
        raise Stop("; ".join(["the files have no records: nothing to replay", *first]))
    fingerprint = hashlib.sha256(contents + json.encode(rules) + str(batch).encode())
    epoch = f"replay-{fingerprint.hexdigest()[:16]}"
    store = open_store(settings)
    try:
        _prepare(store, settings, is_into=is_into)
        sink = RowSink(store, epoch)

        def take(topic: str, records: Sequence[MemoryRecord]) -> None:
            is_letter = topic == topics.DEAD_LETTERS.name
            sink.take(topic, reader.unreadable.locate(records) if is_letter else records)

        replay = Replay(rules, take, StageMetrics())
        records, in_order = in_time_order(reader.read(), order)
        replay.run(counted(records, order.records, advance, "decide"), in_order, batch)
        sink.flush()
        build_cohorts(store)
        seconds = time.monotonic() - began
        accounting = reconcile(store, _expected(store, epoch, order))
        unreadable = reader.unreadable
        return RunReport(accounting, seconds, unreadable.count, tuple(unreadable.examples))
    finally:
        store.close()


def _survey(records: Iterable[MemoryRecord], advance: Progress) -> tuple[SourceOrder, bytes]:
    """The first pass: what the records are and how they are ordered, and their fingerprint."""
    contents = hashlib.sha256()

    def hashed() -> Iterator[MemoryRecord]:
        for record in records:
            contents.update(repr(record[:4]).encode())
            contents.update(record.key or b"")
            contents.update(record.value or b"")
            yield record

    order = survey(hashed(), lambda done: advance("read", done, 0))
    return order, contents.digest()


def _prepare(store: Store, settings: Settings, *, is_into: bool) -> None:
    if settings.store.url is None:
        apply_migrations(store)
    else:
        require_usable(store)
    stored = int(store.query("SELECT count() FROM ledger").rows[0][0])
    if stored and not is_into:
        raise Stop(
            f"{store.place} has rows already: add to them with --into, "
            "or name an empty folder with --data"
        )


def _expected(store: Store, epoch: str, order: SourceOrder) -> int:
    """Events of this replay, and those that were received under other epochs before."""
    others = store.query(
        "SELECT count() FROM v_accounting WHERE epoch != {epoch}", {"epoch": epoch}
    )
    return order.records - order.ticks + int(others.rows[0][0])
