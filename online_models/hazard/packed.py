"""Rows whose features were hashed and packed before, `Encoder.pack`: nothing is looked up again.

A landmark's features are frozen once and asked of several models then and later; so they are kept
as bytes. Rows that are not bytes of features are as unusable as features that are not numbers.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from online_models.hazard.encoding import Encoded, Packed

MALFORMED = Packed(bytes(4), struct.pack("<f", math.nan))
"""Stands for bytes that are not packed features: no more usable than they are."""


class PackedAsk(NamedTuple):
    """A question. `elapsed_ms` None: at the landmark itself; else not before it.

    Features of the install, asked again at a later landmark, keep landmark 0 with its age as
    `elapsed_ms`.
    """

    slots: bytes
    values: bytes
    landmark: int
    platform: str = ""
    elapsed_ms: int | None = None


class AtLandmark(Protocol):
    """Features as they were frozen at a landmark."""

    @property
    def landmark(self) -> int: ...

    @property
    def slots(self) -> bytes: ...

    @property
    def values(self) -> bytes: ...


class PackedSnapshot(NamedTuple):
    """The least that is `AtLandmark`."""

    landmark: int
    slots: bytes
    values: bytes


class PackedGroup(NamedTuple):
    """What a bin said of an install, with its features at each landmark where it was at risk: all
    are predicted before any is learned, since they share their label."""

    bin: int
    label: bool
    platform: str
    snapshots: Sequence[AtLandmark]


def unpacked(rows: Iterable[tuple[bytes, bytes]]) -> Encoded:
    """As `Encoder.encode` of the same features, had their values been rounded to float32.

    In place of a row that is not made of so many places and values stands one that is unusable,
    and kernels know a place out of range from one that is in it.
    """
    given = list(rows)
    if len(given) == 1 and _is_whole(given[0]):  # Most questions come alone.
        slots, values = given[0]
        return Encoded(
            np.array((0, len(slots) // 4), np.int64),
            np.frombuffer(slots, "<u4").astype(np.int64),
            np.frombuffer(values, "<f4").astype(np.float64),
        )
    lengths = [len(slots) for slots, _ in given]
    if lengths != [len(values) for _, values in given] or any(size % 4 for size in lengths):
        given = [row if _is_whole(row) else MALFORMED for row in given]
        lengths = [len(slots) for slots, _ in given]
    starts = np.zeros(len(given) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return Encoded(
        starts // 4,
        np.frombuffer(b"".join([slots for slots, _ in given]), "<u4").astype(np.int64),
        np.frombuffer(b"".join([values for _, values in given]), "<f4").astype(np.float64),
    )


def _is_whole(row: tuple[bytes, bytes]) -> bool:
    return len(row[0]) == len(row[1]) and not len(row[0]) % 4
