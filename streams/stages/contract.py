"""The contract between a stage and the runtime that drives it.

A stage is a deterministic state machine over its input partitions: same state, same records, same
effects. The runtime polls a batch, calls `decide`, commits every effect in one checkpoint, applies
the state changes, and only then calls `decide` again. A stage object may keep memory, such as
timers and watermarks. When a checkpoint fails the object is discarded and rebuilt from the state;
it is never repaired.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from schemas.records import Source
from schemas.time import LogMs

TopicPartition = tuple[str, int]
"""Topic name without the configured prefix, and partition number."""

CLOCK_KEY = b"\x00clock"
"""Key of a clock tick on a source topic: its timestamp advances log time; it carries no event."""


class LogRecord(Protocol):
    """One consumed message. aiokafka's ConsumerRecord has this shape, and so do the test logs."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...  # milliseconds since 1970, as stored in the log
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


def is_tick(record: LogRecord) -> bool:
    """Whether a record of a source topic is a clock tick. One with a value is an event, whatever
    key its producer gave it."""
    return record.key == CLOCK_KEY and not record.value


class Message(NamedTuple):
    """One message to produce. `timestamp` is milliseconds since 1970; None: the broker's clock."""

    key: bytes | None
    value: bytes | None
    timestamp: int | None = None


@dataclass(slots=True)
class Effects:
    """Everything that one decision changes. Committed together or not at all."""

    messages: dict[TopicPartition, list[Message]] = field(default_factory=dict)
    changes: dict[bytes, bytes | None] = field(default_factory=dict)  # None deletes the key
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    """Next offset to read, per input partition. Empty: there is nothing to commit yet, and then
    `messages` and `changes` must be empty too."""

    def send(self, topic: str, partition: int, message: Message) -> None:
        self.messages.setdefault((topic, partition), []).append(message)


def positions_after(records: Iterable[LogRecord]) -> dict[TopicPartition, int]:
    """The positions of a stage that has decided these records, in offset order within each
    partition."""
    return {(record.topic, record.partition): record.offset + 1 for record in records}


class OffsetRange(NamedTuple):
    """A range of offsets in one partition: `first` is included, `end` is not."""

    tp: TopicPartition
    first: int
    end: int


class StateReader(Protocol):
    """The state of a stage as of its last checkpoint. Reads block on local disk, never on Kafka."""

    def get(self, key: bytes) -> bytes | None: ...

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Values in the order of `keys`; None for a key that is not there."""

    def expired(self, now: LogMs) -> list[bytes]:
        """Keys, sorted, whose values were due to expire before the hour of log time `now`.

        Each key is returned once per expiry that was written. The value may have been given a
        later expiry since, so the caller looks at it before it deletes the key.
        """


@runtime_checkable
class DueTimes(Protocol):
    """A state that keeps, in order, when its values are due."""

    keeps_due_times: bool
    """False: it does not, and a stage remembers all of them."""

    def due_between(
        self, after: int, until: int, count: int
    ) -> tuple[list[tuple[int, bytes]], int]:
        """Due times later than `after`, with their keys, the earliest first; and how far they go.

        That is `until`, or earlier where there are more than about `count`.
        """


@runtime_checkable
class IndexedEntries(Protocol):
    """The entries of a state that keeps due times, so that not all have to be read."""

    def at_start(self) -> Iterable[tuple[bytes, bytes]]:
        """Those under reserved keys, and of the others one in the newest format."""


class Stage(Protocol):
    """One stage for one partition number.

    Order of calls: `restore` once, then for each batch `snapshots_needed` and `decide`. `restore`
    runs in a worker thread, before anything else; the others run on the event loop and block it,
    so they compute and never wait. No method may read a clock, do I/O of its own, or draw a random
    number that is not derived from its input. What an exception of `decide` means is told in
    `streams.stages.separate.guard`.
    """

    name: str

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Rebuild memory from the whole state: every key with its value, in any order.

        Of `IndexedEntries`, `at_start` is enough for a stage whose memory is timers alone.
        """

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        """Model versions that `decide` on these records may look up. They are fetched first."""

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        """The effects of these records, at least one, in offset order within each partition."""


@runtime_checkable
class TellsLogTime(Protocol):
    """A stage that knows how far the log of any partition has come."""

    def latest_log_time(self) -> LogMs:
        """The latest time that the log has told of, by its watermarks; 0: nothing yet."""


@runtime_checkable
class TellsPassedTime(Protocol):
    """A stage that versions of models depend on: learning, and journeys before it."""

    def passed_log_time(self) -> LogMs:
        """The log time up to which everything is decided or learned; 0: nothing yet."""


@runtime_checkable
class NamesSources(Protocol):
    """A stage that reads source topics. Rows name their events by place, see `place_in_log`."""

    source_logs: Mapping[str, int]
    """Number of the log behind each source topic; 0 where none is given."""

    def source_of(self, record: LogRecord) -> Source:
        """How rows name the event of a record."""


@runtime_checkable
class SetsAside(Protocol):
    """A stage that can decide a batch record by record, after `decide` raised."""

    def decide_apart(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        """As `decide` on a stage that was built anew. A record, or a timer, that raises has no
        effects and is set aside; the others have those that `decide` would give them."""


@runtime_checkable
class RereadsInput(Protocol):
    """A stage that may need part of its input again, for example to learn it anew.

    `missing` is asked before each batch. While it returns a range, `decide` receives the next
    records of that range and no others; an empty batch means that the log no longer holds any.
    The positions of the stage stay where they were.
    """

    def missing(self) -> OffsetRange | None:
        """What is still to be read again; None when nothing is."""
