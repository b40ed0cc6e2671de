"""Rows whose features were hashed and packed before, by `Encoder.pack`.

Features are frozen once per landmark and scored by several models, then and later; so they are kept
as bytes. Bytes that are not packed features are as unusable as values that are not finite.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from online_models.hazard.encoding import Encoded, Packed

MALFORMED = Packed(bytes(4), struct.pack("<f", math.nan))
"""Stands in for bytes that are not packed features, and is as unusable."""


class PackedAsk(NamedTuple):
    """A question with packed features. `elapsed_ms`: age of the install when it is asked, not
    before the landmark; None: at the landmark itself.

    To ask at a later landmark with features of the install alone, keep landmark 0 and pass the age
    as `elapsed_ms`.
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
    """The smallest `AtLandmark`."""

    landmark: int
    slots: bytes
    values: bytes


class PackedGroup(NamedTuple):
    """The outcome of a bin, with the install's features at each landmark where it was at risk: all
    rows are predicted before any is learned, since they share their label."""

    bin: int
    label: bool
    platform: str
    snapshots: Sequence[AtLandmark]


def unpacked(rows: Iterable[tuple[bytes, bytes]]) -> Encoded:
    """Packed rows as `Encoder.encode` gives them, with values rounded to float32.

    A malformed row, with another number of slots than of values, becomes an unusable one. Slots
    out of range stay: kernels detect them.
    """
    given = list(rows)
    if len(given) == 1 and _is_whole(given[0]):  # Most questions are single.
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
