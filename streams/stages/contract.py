"""What the shell and a stage say to each other.

A stage is a deterministic state machine over its input partitions. The shell polls a batch,
calls `decide`, makes every effect durable in one checkpoint, applies the state changes, and
only then calls `decide` again. A stage object may keep memory (timers, watermarks); when a
checkpoint fails the object is thrown away and rebuilt from the state, never repaired.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from schemas.time import LogMs

TopicPartition = tuple[str, int]

CLOCK_KEY = b"\x00clock"
"""Key of a clock tick on a source topic: its timestamp moves log time on, it carries no event."""


class LogRecord(Protocol):
    """One consumed message: aiokafka's ConsumerRecord has this shape, and so have test logs."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...  # milliseconds since 1970, as the log has it
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


class Message(NamedTuple):
    """One message to produce. `timestamp` is milliseconds since 1970; None lets the log choose."""

    key: bytes | None
    value: bytes | None
    timestamp: int | None = None


@dataclass(slots=True)
class Effects:
    """All that one decision changes. Committed together, or not at all."""

    messages: dict[TopicPartition, list[Message]] = field(default_factory=dict)
    changes: dict[bytes, bytes | None] = field(default_factory=dict)  # None deletes the key
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    """Next offset to read per input partition. Empty: nothing is to be committed yet."""

    def send(self, topic: str, partition: int, message: Message) -> None:
        self.messages.setdefault((topic, partition), []).append(message)


class OffsetRange(NamedTuple):
    """Of a log: from `first` up to, but without, `end`."""

    tp: TopicPartition
    first: int
    end: int


class StateReader(Protocol):
    """State as of the last checkpoint."""

    def get(self, key: bytes) -> bytes | None: ...

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]: ...

    def expired(self, now: LogMs) -> list[bytes]:
        """Keys, in order, whose values were useless before the hour of log time `now`; some may
        have been put off since. Asked again, it names only further ones."""


class Stage(Protocol):
    """One stage for one partition number."""

    name: str

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Rebuild memory from the whole state, once, before the first decision."""

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        """Model versions that `decide` on these records will look up."""

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects: ...


@runtime_checkable
class RereadsInput(Protocol):
    """A stage that may need part of its input once more.

    While `missing` names a stretch, `decide` is given its records, and nothing else; no records
    when the log has none there. Positions stay where they were.
    """

    def missing(self) -> OffsetRange | None: ...
