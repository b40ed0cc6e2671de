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
from schemas.time import LogMs
from streams.stages.contract import StateReader

S = TypeVar("S")
_encode = msgspec.msgpack.Encoder().encode
DUE_BYTES = 8
EXPIRES_FROM = 1 << 63
"""Added to a due time: there is nothing to do then, but the state may be forgotten from then on."""
UNREAD_FROM = 1 << 62
"""Added to a due time: it is due once the log is read up to it, which may be before its time."""
NEVER = 0
"""A due time that never comes."""
_BEYOND_ALL = 1 << 64
WATERMARKS_KEY = b"\x00watermarks"
RESERVED = 0  # first byte of keys that hold no state of their own


def stored_expiry(key: bytes, value: bytes) -> int:
    """Log time from which this stored value may be forgotten; 0: not by time, or not at all."""
    due = int.from_bytes(value[:DUE_BYTES])
    return due - EXPIRES_FROM if due >= EXPIRES_FROM and key[0] != RESERVED else 0


class Timers:
    """Due times of keys, at most one per key: the latest setting counts.

    Times from `UNREAD_FROM` on go by a clock of their own: how far the log is read.
    """

    def __init__(self) -> None:
        self._due: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []
        self._unread: list[tuple[int, bytes]] = []

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        for key, value in entries:
            if key[0] != RESERVED:
                self.set(key, int.from_bytes(value[:DUE_BYTES]))

    def set(self, key: bytes, due: int) -> None:
        """Set the timer of a key. 0, and times from `EXPIRES_FROM` on, remove it."""
        if due == 0 or due >= EXPIRES_FROM:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = due
            heapq.heappush(self._unread if due >= UNREAD_FROM else self._heap, (due, key))

    def pop_due(self, now: LogMs) -> list[bytes]:
        """Remove and return every key due at or before `now`, the earliest first."""
        return [key for _, key in self.pop_moments(now)]

    def pop_moments(self, now: LogMs) -> list[tuple[LogMs, bytes]]:
        """Remove and return due times and keys at or before `now`, the earliest first."""
        return self._pop(self._heap, now)

    def pop_read(self, read_until: LogMs) -> list[bytes]:
        """Remove and return every key that waited for the log to be read up to here, the earliest
        first."""
        # A clock that stands for "all" is beyond every time, and must stay below the next range.
        until = min(UNREAD_FROM + read_until, EXPIRES_FROM - 1)
        return [key for _, key in self._pop(self._unread, until)]

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
        """All keys that have a timer."""
        return self._due.keys()

    def __len__(self) -> int:
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
        self._states: dict[bytes, S | None] = {}
        self._changed: dict[bytes, int] = {}  # to when the new state is due
        self._first_expiry = _BEYOND_ALL

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
