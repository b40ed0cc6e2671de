"""What happens when a stage raises: the record at fault is set aside, and the lane goes on.

The stage is built anew from the state of the last checkpoint and decides the batch record by record
(`SetsAside`). It stays at that pace for a while, so that a producer with a bad release costs time
in proportion to what it sends, and not one rebuilding for every batch. What a stage cannot separate
itself is found by halves, message by message. Errors of the machine and errors that are told to a
person pass through: no record is at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from schemas.time import LogMs
from streams.errors import HeadwaterError
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import Outbox
from streams.stages.common.working_set import stored_due
from streams.stages.contract import (
    DueTimes,
    Effects,
    LogRecord,
    NamesSources,
    OffsetRange,
    RereadsInput,
    SetsAside,
    Stage,
    StateReader,
    TellsLogTime,
    TellsPassedTime,
    positions_after,
)
from streams.stages.separate.quarantine import Quarantine, QuarantineSubject, is_poison

SEPARATE_MESSAGES = 20_000
"""After a stage raised, so many messages are decided record by record."""


class StateUnreadableError(HeadwaterError):
    """The state of a lane on disk cannot be read."""


class GuardedStage:
    """A stage of one lane that goes on after it raised. It is used like any `Stage`.

    `create` makes the stage of this lane, `entries` are its state as of the last checkpoint.
    """

    def __init__(
        self,
        create: Callable[[], Stage],
        entries: Callable[[], Iterable[tuple[bytes, bytes]]],
        p: int,
        observer: StageObserver,
    ) -> None:
        self._create = create
        self._entries = entries
        self._p = p
        self._observer = observer
        self._stage = create()
        self._separate = 0  # messages left to decide record by record
        self._reading: _Reading | None = None
        self.name = self._stage.name

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        self._stage.restore(entries)

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return self._stage.snapshots_needed(records)

    def missing(self) -> OffsetRange | None:
        """See `RereadsInput`; None also for a stage that never reads again."""
        return self._stage.missing() if isinstance(self._stage, RereadsInput) else None

    def latest_log_time(self) -> LogMs:
        """See `TellsLogTime`; 0 also for a stage that does not tell."""
        stage = self._stage
        return stage.latest_log_time() if isinstance(stage, TellsLogTime) else LogMs(0)

    def passed_log_time(self) -> LogMs:
        """See `TellsPassedTime`; 0 also for a stage that does not tell."""
        stage = self._stage
        return stage.passed_log_time() if isinstance(stage, TellsPassedTime) else LogMs(0)

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        reading = self._reading
        if reading is None or reading.state is not state:
            reading = self._reading = _Reading(state, self.name)
        reading.begin()
        try:
            return self._decide(records, reading)
        except Exception as error:
            # What a learner holds is in its state now and then only: it sets aside by itself.
            if not is_poison(error) or isinstance(self._stage, RereadsInput):
                raise
        return self._decide_again(records, reading)

    def _decide(self, records: Sequence[LogRecord], reading: _Reading) -> Effects:
        stage = self._stage
        if self._separate > 0 and isinstance(stage, SetsAside):
            self._separate -= len(records)
            return stage.decide_apart(records, reading)
        return stage.decide(records, reading)

    def _decide_again(self, records: Sequence[LogRecord], reading: _Reading) -> Effects:
        self._rebuild(reading)
        if isinstance(self._stage, SetsAside):
            self._separate = SEPARATE_MESSAGES
            try:
                return self._stage.decide_apart(records, reading)
            except Exception as error:
                if not is_poison(error):
                    raise
            self._rebuild(reading)
        return self._decide_halves(records, reading)

    def _decide_halves(self, records: Sequence[LogRecord], reading: _Reading) -> Effects:
        """Decide as many messages together as do not raise; `reading` learns what they change."""
        try:
            effects = self._stage.decide(records, reading)
        except Exception as error:
            if not is_poison(error):
                raise
            self._rebuild(reading)
            if len(records) == 1:
                return self._set_aside(records[0], error)
            half = len(records) // 2
            effects = self._decide_halves(records[:half], reading)
            _add(effects, self._decide_halves(records[half:], reading))
            return effects
        reading.changes.update(effects.changes)
        return effects

    def _rebuild(self, reading: _Reading) -> None:
        """Make the stage anew from its state."""
        reading.try_again()
        self._stage = self._create()
        entries = self._entries()
        self._stage.restore(_Changed(entries, reading.changes) if reading.changes else entries)

    def _set_aside(self, message: LogRecord, error: Exception) -> Effects:
        effects = Effects(positions=positions_after([message]))
        outbox = Outbox(self.name, self._p, self._observer)
        quarantine = Quarantine(self.name, outbox, self._observer)
        quarantine.at(message)
        stage = self._stage
        source = stage.source_of(message) if isinstance(stage, NamesSources) else None
        subject = QuarantineSubject(
            kind="frame" if source is None else "event",
            place="",
            state_key="",
            payload=message.value or b"",
            source=source,
            message_key=message.key or b"",
        )
        quarantine.set_aside(subject, error)
        outbox.flush(effects)
        return effects


class _Changed:
    """The entries of a state after changes that are not written yet."""

    def __init__(
        self, entries: Iterable[tuple[bytes, bytes]], changes: Mapping[bytes, bytes | None]
    ) -> None:
        self._entries = entries
        self._changes = changes

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        changes = self._changes
        yield from (entry for entry in self._entries if entry[0] not in changes)
        yield from ((key, value) for key, value in changes.items() if value is not None)


class _Reading:
    """The state as a stage sees it, also when a batch is decided again.

    A store names an expired key once, so those that were named in vain are named again.
    """

    def __init__(self, state: StateReader, stage: str) -> None:
        self.state = state
        self.changes: dict[bytes, bytes | None] = {}  # of a part of the batch that is decided
        self.keeps_due_times = isinstance(state, DueTimes) and state.keeps_due_times
        self._stage = stage
        self._again: set[bytes] = set()
        self._named: set[bytes] = set()

    def begin(self) -> None:
        """Another batch: the state has all that was decided."""
        self.changes = {}
        if self._named:  # With these, all that was named in vain before was named again.
            self._again, self._named = set(), set()

    def try_again(self) -> None:
        """The same batch once more."""
        self._again |= self._named
        self._named = set()

    def get(self, key: bytes) -> bytes | None:
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        try:
            found = self.state.get_many(keys)
        except Exception as error:
            raise self._fault(error) from error
        if self.changes:
            found = [self.changes.get(k, v) for k, v in zip(keys, found, strict=True)]
        return found

    def expired(self, now: LogMs) -> list[bytes]:
        try:
            found = self.state.expired(now)
        except Exception as error:
            raise self._fault(error) from error
        if self._again:
            found = sorted({*found, *self._again})
        self._named.update(found)
        return found

    def due_between(
        self, after: int, until: int, count: int
    ) -> tuple[list[tuple[int, bytes]], int]:
        """See DueTimes."""
        assert isinstance(self.state, DueTimes)
        try:
            found, reached = self.state.due_between(after, until, count)
        except Exception as error:
            raise self._fault(error) from error
        changes = self.changes
        if changes:
            found = [one for one in found if one[1] not in changes]
            dues = [(stored_due(key, value), key) for key, value in changes.items() if value]
            found = sorted([*found, *(one for one in dues if after < one[0] <= reached)])
        return found, reached

    def _fault(self, error: Exception) -> Exception:
        """RocksDB raises plain exceptions, which would look like a record's fault."""
        if not is_poison(error):
            return error
        return StateUnreadableError(f"the state of {self._stage} cannot be read: {error}")


def _add(effects: Effects, more: Effects) -> None:
    for tp, messages in more.messages.items():
        effects.messages.setdefault(tp, []).extend(messages)
    effects.changes.update(more.changes)
    effects.positions.update(more.positions)
