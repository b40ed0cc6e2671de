"""The states that one decision touches, decoded and encoded once, and the timers of all states.

A stored value consists of eight bytes, the log time at which the state is due (0: never), and the
encoded state. So timers are rebuilt after a restart without decoding states. States of a later
version than 1 begin with a marker (see `schemas.records.stored_format`).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from schemas.records import StoredFormat
from schemas.time import HOUR_MS, LogMs
from streams.stages.contract import DueTimes, IndexedEntries, StateReader

S = TypeVar("S")
_encode = msgspec.msgpack.Encoder().encode
DUE_BYTES = 8
EXPIRES_FROM = 1 << 63
"""Added to a due time: there is nothing to do then, but the state may be forgotten from then on."""
UNREAD_FROM = 1 << 62
"""Added to a due time: it is due once the log is read up to it, which may be before its time."""
NEVER = 0
"""A due time that never comes."""
BEYOND_ALL = 1 << 64
"""A due time after every other."""
WATERMARKS_KEY = b"\x00watermarks"
NEAR_TIMERS_MAX = 20_000
"""Timers that are read from the state at once."""
HEAP_SLACK = 8
"""Superseded times that are kept beside twice the number of timers."""
RESERVED = 0  # first byte of keys that hold no state of their own


def stored_expiry(key: bytes, value: bytes) -> int:
    """Log time from which this stored value may be forgotten; 0: not by time, or not at all."""
    due = int.from_bytes(value[:DUE_BYTES])
    return due - EXPIRES_FROM if due >= EXPIRES_FROM and key[0] != RESERVED else 0


def stored_due(key: bytes, value: bytes) -> int:
    """When there is something to do for this stored value; 0: never, or not by a timer."""
    due = int.from_bytes(value[:DUE_BYTES])
    return due if due < EXPIRES_FROM and key[:1] != b"\x00" else 0


def read_at_start(entries: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
    """The entries that have to be read where timers are the only memory of a stage."""
    return entries.at_start() if isinstance(entries, IndexedEntries) else entries


class Timers:
    """Due times of keys, at most one per key: the latest setting counts.

    Times from `UNREAD_FROM` on go by a clock of their own: how far the log is read.

    Where the state keeps due times, only those up to an hour ahead are in memory, and the others
    are read from the state when their hour comes. Call `begin` before each decision then.
    """

    def __init__(self) -> None:
        self._due: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []
        self._unread: list[tuple[int, bytes]] = []
        self._held: list[tuple[int, bytes]] = []
        self._begun_with: StateReader | None = None
        self._state: DueTimes | None = None
        self._near_until = BEYOND_ALL  # up to here all are in memory
        self._unwritten: dict[bytes, int] = {}  # settings that the state does not have yet

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        for key, value in entries:
            if key[0] != RESERVED:
                self.set(key, int.from_bytes(value[:DUE_BYTES]))

    def begin(self, state: StateReader) -> None:
        """A decision begins: the state has everything that was set before."""
        self._unwritten.clear()
        if state is self._begun_with:
            return
        self._begun_with = state
        if not isinstance(state, DueTimes) or not state.keeps_due_times:
            return
        self._state, self._near_until = state, 0
        self._due, self._heap, self._unread, self._held = {}, [], [], []
        unread = UNREAD_FROM - 1
        while unread < EXPIRES_FROM - 1:
            found, unread = state.due_between(unread, EXPIRES_FROM - 1, NEAR_TIMERS_MAX)
            for due, key in found:
                self._remember(key, due)

    def set(self, key: bytes, due: int) -> None:
        """Set the timer of a key. 0, and times from `EXPIRES_FROM` on, remove it."""
        if due >= EXPIRES_FROM:
            due = 0
        if self._state is not None:
            self._unwritten[key] = due
        if due == 0 or self._near_until < due < UNREAD_FROM:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._remember(key, due)

    def _remember(self, key: bytes, due: int) -> None:
        self._due[key] = due
        heap = self._unread if due >= UNREAD_FROM else self._heap
        heapq.heappush(heap, (due, key))
        if len(heap) > 2 * len(self._due) + HEAP_SLACK:
            self._forget_superseded()

    def _forget_superseded(self) -> None:
        """Timers that are set again and again leave their old times behind."""
        timers = [(due, key) for key, due in self._due.items()]
        self._heap = [timer for timer in timers if timer[0] < UNREAD_FROM]
        self._unread = [timer for timer in timers if timer[0] >= UNREAD_FROM]
        heapq.heapify(self._heap)
        heapq.heapify(self._unread)
        self._held = []  # They are due again, and will be held again.

    def pop_due(self, now: LogMs) -> list[bytes]:
        """Remove and return every key due at or before `now`, the earliest first."""
        return [key for _, key in self.pop_moments(now)]

    def pop_moments(self, now: LogMs) -> list[tuple[LogMs, bytes]]:
        """Remove and return due times and keys at or before `now`, the earliest first."""
        while self._near_until < now:
            self._read_near(now + HOUR_MS)
        return self._pop(self._heap, now)

    def pop_read(self, read_until: LogMs) -> list[bytes]:
        """Remove and return every key that waited for the log to be read up to here, the earliest
        first."""
        # A clock that stands for "all" is beyond every time, and must stay below the next range.
        until = min(UNREAD_FROM + read_until, EXPIRES_FROM - 1)
        return [key for _, key in self._pop(self._unread, until)]

    def hold(self, key: bytes, due: LogMs) -> None:
        """Keep a key that was due at this time, and is not met before `pop_held` says so."""
        self._due[key] = due
        heapq.heappush(self._held, (due, key))

    def pop_held(self, until: LogMs) -> list[tuple[LogMs, bytes]]:
        """Remove and return due times and keys that are held and were due until then."""
        return self._pop(self._held, until)

    def _read_near(self, until: int) -> None:
        """Read the timers up to `until` from the state, or the next ones if there are many."""
        assert self._state is not None
        before = self._near_until
        found, self._near_until = self._state.due_between(before, until, NEAR_TIMERS_MAX)
        unwritten = self._unwritten
        for due, key in found:
            if key not in unwritten:
                self._remember(key, due)
        for key, due in unwritten.items():
            if before < due <= self._near_until:
                self._remember(key, due)

    def _pop(self, heap: list[tuple[int, bytes]], now: int) -> list[tuple[LogMs, bytes]]:
        pending = self._due
        moments = []
        while heap and heap[0][0] <= now:
            due, key = heapq.heappop(heap)
            if pending.get(key) == due:
                del pending[key]
                moments.append((LogMs(due), key))
        return moments

    def keys(self) -> Iterable[bytes]:
        """All keys that have a timer in memory."""
        return self._due.keys()

    def __len__(self) -> int:
        """Number of timers in memory."""
        return len(self._due)


@dataclass(frozen=True)
class Codec(Generic[S]):
    """Reads and writes a stored state, and tells when it is due."""

    format: StoredFormat[S]
    due: Callable[[S], int]  # log time, NEVER, or EXPIRES_FROM + log time


class WorkingSet(Generic[S]):
    """States by key for one decision: read once from the store, then changed in memory."""

    def __init__(self, codec: Codec[S], timers: Timers, store: StateReader) -> None:
        self._codec = codec
        self._timers = timers
        self._store = store
        timers.begin(store)
        self._states: dict[bytes, S | None] = {}
        self._changed: dict[bytes, int] = {}  # to when the new state is due
        self._first_expiry = BEYOND_ALL

    def load(self, keys: Iterable[bytes]) -> None:
        """Read the keys that are not loaded yet, all at once."""
        decode = self._codec.format.decode_quickly
        states = self._states
        keys = [key for key in keys if key not in states]
        for key, value in zip(keys, self._store.get_many(keys), strict=True):
            if value is None:
                states[key] = None
                continue
            content = memoryview(value)[DUE_BYTES:]
            try:
                states[key] = decode(content)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                states[key] = self._codec.format.decode(content)

    def get(self, key: bytes) -> S | None:
        if key not in self._states:
            self.load([key])
        return self._states[key]

    def put(self, key: bytes, state: S | None) -> None:
        """Replace a state and its timer; None deletes the key."""
        self._states[key] = state
        due = 0 if state is None else self._codec.due(state)
        self._changed[key] = due
        self._timers.set(key, due)
        if EXPIRES_FROM <= due < self._first_expiry:
            self._first_expiry = due

    def silence(self, key: bytes) -> None:
        """Keep a state, but let no timer of it fire before it is changed by a record again."""
        state = self.get(key)
        if state is not None:
            self._changed[key] = NEVER
            self._timers.set(key, NEVER)

    def encoded(self, key: bytes) -> bytes:
        """The state of a key as it would be stored, without its due time; empty: there is none."""
        state = self.get(key)
        return b"" if state is None else self._codec.format.marker + _encode(state)

    def due_of(self, key: bytes) -> int:
        """When the state of a key is due, as far as it was decided."""
        due = self._changed.get(key)
        if due is None:
            (value,) = self._store.get_many([key])
            due = int.from_bytes(value[:DUE_BYTES]) if value else NEVER
        return due

    def forget_expired(self, named: Iterable[bytes], before: LogMs) -> int:
        """Delete states that could be forgotten before this log time; return their number.

        `named` are the keys that the store returned. States changed by this decision are checked as
        well: whether the store has them yet depends on batch boundaries, and must not matter.
        """
        if self._first_expiry < EXPIRES_FROM + before:
            named = {*named, *self._changed}
        keys = sorted(named)
        forgotten = 0
        for key, value in zip(keys, self._store.get_many(keys), strict=True):
            due = self._changed.get(key)
            if due is None:
                due = int.from_bytes(value[:DUE_BYTES]) if value else 0
            if EXPIRES_FROM <= due < EXPIRES_FROM + before:
                self.put(key, None)
                forgotten += 1
        return forgotten

    def changes(self) -> dict[bytes, bytes | None]:
        """Encoded changes, sorted by key."""
        encode, marker, states = _encode, self._codec.format.marker, self._states
        changed: dict[bytes, bytes | None] = {}
        for key in sorted(self._changed):
            state = states[key]
            if state is None:
                changed[key] = None
            else:
                changed[key] = self._changed[key].to_bytes(DUE_BYTES) + marker + encode(state)
        return changed
