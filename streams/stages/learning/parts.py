"""Named parts as state, cut into chunks; and earlier states of the learners, to relearn from.

A part is compressed, and written only when it changed. A base is a copy of all parts of the
learners of targets as they were at some offset of the examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import lz4.frame
from msgspec import Struct

from online_models.learning.registry import most_redundant
from schemas.time import DAY_MS, HOUR_MS
from streams.stages.contract import StateReader

_CHUNK_BYTES = 400_000
"""Stored parts are cut into values of this size, well below the broker's message limit."""

BASES = "base/"
# Bound of the state: a base is as large as all learners together.
BASES_MAX = 6
BASE_EVERY_MS = HOUR_MS
"""Log time between bases, in ms. When there are too many, older ones are thinned out first."""
BASE_AGE_MS_MAX = 6 * DAY_MS
"""The log of examples must still reach back to a base."""


STORE_AFTER_EXAMPLES = 200
STORE_AFTER_EXAMPLES_MAX = 100_000
"""Examples that are learned again after a crash, at most."""
_STORE_BYTES_PER_EXAMPLE = 64


class Base(Struct, frozen=True, array_like=True, gc=False):
    """The learners as they were before this offset was read. No chunks: they were untrained."""

    offset: int
    time: int
    chunks: dict[str, int]  # by name of the part


PartChanges = dict[bytes, bytes | None]


class StoredParts:
    """The latest parts, in memory and as state."""

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}
        self._chunks: dict[str, int] = {}

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> dict[str, bytes]:
        """Bases stay where they are until one is needed."""
        chunks: dict[str, dict[str, bytes]] = {}
        for key, chunk in entries:
            name, number = key.decode().rsplit("/", 1)
            if not name.startswith(BASES):
                chunks.setdefault(name, {})[number] = chunk
        for name, found in chunks.items():
            self.parts[name] = _whole(found[number] for number in sorted(found))
            self._chunks[name] = len(found)
        return self.parts

    def store(self, parts: dict[str, bytes]) -> PartChanges:
        """The changes to write to the state; None deletes a key."""
        changes: PartChanges = {}
        for name in sorted(self.parts.keys() | parts.keys()):
            part = parts.get(name)
            if part == self.parts.get(name):
                continue
            chunks = [] if part is None else cut(part)
            for number in range(len(chunks), self._chunks.get(name, 0)):
                changes[chunk_key(name, number)] = None
            for number, chunk in enumerate(chunks):
                changes[chunk_key(name, number)] = chunk
            self._chunks[name] = len(chunks)
        self.parts = parts
        return changes


def new_base(offset: int, time: int, parts: Mapping[str, bytes]) -> tuple[Base, PartChanges]:
    """A base of these parts, and the changes that store it."""
    changes: PartChanges = {}
    counts: dict[str, int] = {}
    for name, part in parts.items():
        chunks = cut(part)
        counts[name] = len(chunks)
        for number, chunk in enumerate(chunks):
            changes[chunk_key(f"{BASES}{offset}/{name}", number)] = chunk
    return Base(offset, time, counts), changes


def read_base(base: Base, state: StateReader) -> dict[str, bytes]:
    """The parts of a base. A part with a missing chunk is left out."""
    parts = {}
    for name in base.chunks:
        chunks = [state.get(key) for key in _keys_of(base, name)]
        if None not in chunks:
            parts[name] = _whole(one or b"" for one in chunks)
    return parts


def store_after(stored_bytes: int) -> int:
    """Examples after which the learners are stored: the larger they are, the less often."""
    by_size = stored_bytes // _STORE_BYTES_PER_EXAMPLE
    return min(max(STORE_AFTER_EXAMPLES, by_size), STORE_AFTER_EXAMPLES_MAX)


def thinned(bases: list[Base], now: int) -> tuple[list[Base], PartChanges]:
    """The bases that are kept, and the deletion of the others. `now`: log time in ms."""
    kept = [base for base in bases if now - base.time <= BASE_AGE_MS_MAX]
    while len(kept) > BASES_MAX:
        kept.pop(most_redundant([base.time for base in kept], range(len(kept))))
    gone = [base for base in bases if base not in kept]
    return kept, deletion_of(gone)


def deletion_of(bases: Iterable[Base]) -> PartChanges:
    """The changes that delete these bases."""
    return {key: None for base in bases for name in base.chunks for key in _keys_of(base, name)}


def cut(part: bytes) -> list[bytes]:
    """A part compressed (LZ4), in chunks that fit into one message each."""
    packed = lz4.frame.compress(part)
    return [packed[at : at + _CHUNK_BYTES] for at in range(0, len(packed), _CHUNK_BYTES)]


def chunk_key(name: str, number: int) -> bytes:
    return f"{name}/{number:04d}".encode()


def _whole(chunks: Iterable[bytes]) -> bytes:
    """The part; empty when it is damaged, which no reader takes for a part."""
    try:
        whole: bytes = lz4.frame.decompress(b"".join(chunks))
    except RuntimeError:
        return b""
    return whole


def _keys_of(base: Base, name: str) -> list[bytes]:
    return [
        chunk_key(f"{BASES}{base.offset}/{name}", number) for number in range(base.chunks[name])
    ]


def without_prefix(parts: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    """The parts whose name begins with the prefix, named without it."""
    return {
        name.removeprefix(prefix): part for name, part in parts.items() if name.startswith(prefix)
    }


def with_prefix(parts: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    """The reverse of `without_prefix`."""
    return {f"{prefix}{name}": part for name, part in parts.items()}
