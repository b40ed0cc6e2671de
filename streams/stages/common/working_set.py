"""The states one decision touches, decoded once and encoded once, and the timers of all states.

A stored value is eight bytes, the log time at which the state wants to be looked at (0: never),
and the encoded state. So timers can be rebuilt from the state without decoding it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from schemas.records import frame_encoder
from schemas.time import LogMs
from streams.stages.contract import StateReader

S = TypeVar("S")
DUE_BYTES = 8
USELESS_FROM = 1 << 63
"""Added to a time, it says that nobody will look then: the state may be forgotten from then on."""
NEVER = 0
"""A due time that never comes."""
_BEYOND_ALL = 1 << 64
WATERMARKS_KEY = b"\x00watermarks"
RESERVED = 0  # first byte of keys that hold no state of their own


def stored_expiry(key: bytes, value: bytes) -> int:
    """Log time from which this stored value may be forgotten; 0: never, or its timer decides."""
    due = int.from_bytes(value[:DUE_BYTES])
    return due - USELESS_FROM if due >= USELESS_FROM and key[0] != RESERVED else 0


class Timers:
    """Which keys are due when. At most one time per key; the latest setting counts."""

    def __init__(self) -> None:
        self._due: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        for key, value in entries:
            if key[0] != RESERVED:
                self.set(key, int.from_bytes(value[:DUE_BYTES]))

    def set(self, key: bytes, due: int) -> None:
        """`due` 0, and a time of uselessness, remove the timer."""
        if due == 0 or due >= USELESS_FROM:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))

    def pop_due(self, now: LogMs) -> list[bytes]:
        """Every key due at or before `now`, earliest first; their timers are gone afterwards."""
        return [key for _, key in self.pop_moments(now)]

    def pop_moments(self, now: LogMs) -> list[tuple[LogMs, bytes]]:
        """The same, each key after its due time."""
        heap, pending = self._heap, self._due
        moments = []
        while heap and heap[0][0] <= now:
            due, key = heapq.heappop(heap)
            if pending.get(key) == due:
                del pending[key]
                moments.append((LogMs(due), key))
        return moments

    def keys(self) -> Iterable[bytes]:
        """Everything that has a timer."""
        return self._due.keys()

    def __len__(self) -> int:
        return len(self._due)


@dataclass(frozen=True)
class Codec(Generic[S]):
    """How a state is stored, and when it wants to be looked at."""

    decode: Callable[[bytes | memoryview], S]
    due: Callable[[S], int]  # or USELESS_FROM + time


class WorkingSet(Generic[S]):
    """States by key for one decision: read from the store once, changed in memory."""

    def __init__(self, codec: Codec[S], timers: Timers, store: StateReader) -> None:
        self._codec = codec
        self._timers = timers
        self._store = store
        self._states: dict[bytes, S | None] = {}
        self._changed: dict[bytes, int] = {}  # to when the new state is due
        self._first_useless = _BEYOND_ALL

    def load(self, keys: Iterable[bytes]) -> None:
        """Read many keys at once, those that are not known yet."""
        decode = self._codec.decode
        states = self._states
        keys = [key for key in keys if key not in states]
        for key, value in zip(keys, self._store.get_many(keys), strict=True):
            states[key] = None if value is None else decode(memoryview(value)[DUE_BYTES:])

    def get(self, key: bytes) -> S | None:
        if key not in self._states:
            self.load([key])
        return self._states[key]

    def put(self, key: bytes, state: S | None) -> None:
        """None forgets the key."""
        self._states[key] = state
        due = 0 if state is None else self._codec.due(state)
        self._changed[key] = due
        self._timers.set(key, due)
        if USELESS_FROM <= due < self._first_useless:
            self._first_useless = due

    def forget_useless(self, named: Iterable[bytes], before: LogMs) -> int:
        """Forget what was useless before this log time; how many states that were.

        The store has named some of them. What this decision changed is looked at as well: whether
        the store has it yet depends on where batches end, and must make no difference.
        """
        if self._first_useless < USELESS_FROM + before:
            named = {*named, *self._changed}
        keys = sorted(named)
        forgotten = 0
        for key, value in zip(keys, self._store.get_many(keys), strict=True):
            due = self._changed.get(key)
            if due is None:
                due = int.from_bytes(value[:DUE_BYTES]) if value else 0
            if USELESS_FROM <= due < USELESS_FROM + before:
                self.put(key, None)
                forgotten += 1
        return forgotten

    def changes(self) -> dict[bytes, bytes | None]:
        """Encoded changes, in a stable order."""
        encode, states = frame_encoder.encode, self._states
        changed: dict[bytes, bytes | None] = {}
        for key in sorted(self._changed):
            state = states[key]
            if state is None:
                changed[key] = None
            else:
                changed[key] = self._changed[key].to_bytes(DUE_BYTES) + encode(state)
        return changed
