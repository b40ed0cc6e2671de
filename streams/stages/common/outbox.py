"""Outboxes: collect the frames, outcomes and ledger entries of one decision, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from schemas import topics
from schemas.outcomes import Disposition, LedgerRow, Outcome
from schemas.records import FRAME_BYTES_MAX, Source, frame_encoder, partition_of
from schemas.time import LogMs
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects, Message

R = TypeVar("R")
REPEAT_BYTES_MAX = 400_000
"""Ids of duplicates that one decision names in the ledger, in bytes of the row, which is one
message of Kafka. Duplicates beyond are counted only."""
LEDGER_OFFSETS_MAX = 20_000
"""Offsets of one ledger row: more take several rows, so that each fits into a message."""
_json = msgspec.json.Encoder()
_BEFORE_ALL = LogMs(1)


class Repeat(NamedTuple):
    """A duplicate: its offset, its event, and what it repeats."""

    offset: int
    event_id: str
    repeats: str


class FrameOutbox(Generic[R]):
    """Collects records for the partitions of one internal topic."""

    def __init__(self, topic: str, partitions: int, frame: Callable[..., Any]) -> None:
        self._topic = topic
        self._partitions = partitions
        self._frame = frame
        self._records: list[list[R]] = [[] for _ in range(partitions)]

    def add(self, key: str, record: R) -> None:
        """Add a record to the partition of `key`."""
        self._records[partition_of(key, self._partitions)].append(record)

    def add_to_all(self, record: R) -> None:
        """Add a record to every partition."""
        for records in self._records:
            records.append(record)

    def absorb(self, other: FrameOutbox[R]) -> None:
        """Take over what another one has collected."""
        for records, more in zip(self._records, other._records, strict=True):
            records += more

    def verify(self) -> None:
        """Raise whatever encoding the records would raise."""
        for records in self._records:
            if records:
                frame_encoder.encode(self._frame({}, records))

    def flush(
        self, effects: Effects, watermarks: dict[str, LogMs], *, is_for_all: bool = True
    ) -> None:
        """Add a frame for each partition that has records, and `is_for_all` for the others too.

        The watermarks apply once all records of the frame are read.
        """
        for partition, records in enumerate(self._records):
            if records or (watermarks and is_for_all):
                for value in self._encode(watermarks, records):
                    effects.send(self._topic, partition, Message(None, value))

    def _encode(self, watermarks: dict[str, LogMs], records: Sequence[R]) -> list[bytes]:
        value = frame_encoder.encode(self._frame(watermarks, records))
        if len(value) <= FRAME_BYTES_MAX or len(records) <= 1:
            return [value]
        middle = len(records) // 2
        first, second = records[:middle], records[middle:]
        # Names what follows: whoever reads the first half knows that there is more to wait for.
        named = dict.fromkeys(watermarks, _BEFORE_ALL)
        return self._encode(named, first) + self._encode(watermarks, second)


class Outbox:
    """Collects outcomes and ledger entries of one stage partition."""

    def __init__(self, stage: str, partition: int, observer: StageObserver) -> None:
        self._stage = stage
        self._observer = observer
        self._partition = partition
        self._messages: dict[str, list[Message]] = {}
        self._offsets: dict[tuple[int, int, Disposition, int], list[int]] = {}
        self._floods: dict[tuple[int, int, str, str], list[int]] = {}
        self._repeats: dict[tuple[int, int], list[Repeat]] = {}
        self._repeat_room = REPEAT_BYTES_MAX

    def add(self, topic: str, key: str, outcome: Outcome) -> None:
        """Add an outcome for a topic."""
        message = Message(key.encode(), _json.encode(outcome))
        self._messages.setdefault(topic, []).append(message)

    def limit_as(self, other: Outbox) -> None:
        """Name no more duplicates than another one still may."""
        self._repeat_room = other._repeat_room

    def absorb(self, other: Outbox) -> None:
        """Take over what a scratch has collected."""
        for topic, messages in other._messages.items():
            self._messages.setdefault(topic, []).extend(messages)
        for row, offsets in other._offsets.items():
            self._offsets.setdefault(row, []).extend(offsets)
        for place, repeats in other._repeats.items():
            self._repeats.setdefault(place, []).extend(repeats)
        for flood, offsets in other._floods.items():
            self._floods.setdefault(flood, []).extend(offsets)
        self._repeat_room = other._repeat_room

    def settle(self, source: Source, disposition: Disposition, move: int = 0) -> None:
        """Add a source offset to the ledger row of its disposition."""
        topic, partition, offset = source
        self._offsets.setdefault((topic, partition, disposition, move), []).append(offset)

    def settle_flood(self, source: Source, app_id: str, reason: str) -> None:
        """Add an unreadable message to the ledger row of its flood: it is not copied."""
        topic, partition, offset = source
        self._floods.setdefault((topic, partition, app_id, reason), []).append(offset)

    def repeat(self, source: Source, event_id: str, repeats: str = "") -> None:
        """Name the event of a duplicate, and what it repeats if that is not its own id."""
        topic, partition, offset = source
        self._repeat_room -= len(_json.encode((event_id, repeats)))
        if not event_id:
            return
        if self._repeat_room < 0:
            self._observer.on_evicted("repeat_bytes_max", 1)
            return
        repeats = "" if repeats == event_id else repeats
        self._repeats.setdefault((topic, partition), []).append(Repeat(offset, event_id, repeats))

    def flush(self, effects: Effects) -> None:
        """Add everything collected to the effects."""
        for (topic, partition, disposition, move), offsets in sorted(self._offsets.items()):
            name = topics.SOURCES[topic].name
            repeats = sorted(self._repeats.get((topic, partition), ()))
            named = repeats if disposition == "duplicate" else []
            offsets.sort()
            for at in range(0, len(offsets), LEDGER_OFFSETS_MAX):
                row = LedgerRow(
                    stage=self._stage,
                    disposition=disposition,
                    move=move,
                    source_topic=name,
                    source_partition=partition,
                    offsets=offsets[at : at + LEDGER_OFFSETS_MAX],
                    repeat_ids=[one.event_id for one in named],
                    repeats_of=[one.repeats for one in named],
                    repeat_offsets=[one.offset for one in named],
                )
                self.add(topics.LEDGER.name, f"{name}-{partition}", row)
                named = []
            self._observer.on_settled(self._stage, disposition, len(offsets))
        for (topic, partition, app_id, reason), offsets in sorted(self._floods.items()):
            name = topics.SOURCES[topic].name
            row = LedgerRow(
                stage=self._stage,
                disposition="dead_lettered",
                source_topic=name,
                source_partition=partition,
                offsets=sorted(offsets),
                flood_app=app_id,
                flood_reason=reason,
            )
            self.add(topics.LEDGER.name, f"{name}-{partition}", row)
            self._observer.on_settled(self._stage, "dead_lettered", len(offsets))
        for topic_name, messages in self._messages.items():
            effects.messages.setdefault((topic_name, self._partition), []).extend(messages)
