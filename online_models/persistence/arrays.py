"""Arrays of numbers as bytes: little-endian float64, bit for bit.

Models have two kinds of arrays. Those with a row for every slot of hashed features are large and
mostly zero: only the rows of slots in use are stored. All others are stored as a whole.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from online_models.persistence.envelope import Unusable

_Numbers = NDArray[np.float64]
_Slots = NDArray[np.int64]


def pack_numbers(values: Iterable[float]) -> bytes:
    """Little-endian float64, one after the other."""
    numbers = list(values)
    return struct.pack(f"<{len(numbers)}d", *numbers)


def unpack_numbers(content: bytes) -> tuple[float, ...] | None:
    """The reverse of `pack_numbers`; None: not a whole number of float64."""
    if len(content) % 8:
        return None
    return struct.unpack(f"<{len(content) // 8}d", content)


def unpack_columns(
    contents: Sequence[bytes], sizes: Sequence[int]
) -> list[tuple[float, ...]] | Unusable:
    """Several columns of finite numbers, each of a known size."""
    columns = []
    for content, size in zip(contents, sizes, strict=True):
        numbers = unpack_numbers(content)
        if numbers is None or len(numbers) != size:
            return Unusable(f"{len(content)} bytes in an array of {size}")
        if not all(map(math.isfinite, numbers)):
            return Unusable("numbers are not finite")
        columns.append(numbers)
    return columns


class StoredArrays(Protocol):
    """The part of a stored body that holds a model's arrays, and says what they belong to."""

    @property
    def meaning(self) -> str:
        """Fingerprint of shape, size and prior: what each number stands for."""

    @property
    def seed(self) -> int:
        """Of the hash that gave features their slots."""

    @property
    def platforms(self) -> list[str]:
        """Platforms with a calibration of their own, in the order of their columns."""

    @property
    def used(self) -> bytes:
        """Slots in use, rising, as little-endian int32."""

    @property
    def of_features(self) -> list[memoryview]:
        """Arrays with a row for each slot in use."""

    @property
    def whole(self) -> list[memoryview]:
        """All other arrays."""


class ExpectedModel(NamedTuple):
    """What stored arrays must agree with to be usable under the rules at hand."""

    meaning: str
    seed: int
    slots: int
    platforms_max: int

    def slots_used(self, stored: StoredArrays) -> _Slots | Unusable:
        """The slots that rows of `of_features` belong to, once all else agrees."""
        if stored.seed != self.seed:
            return Unusable(f"names hashed with seed {stored.seed}, expected {self.seed}")
        if stored.meaning != self.meaning:
            return Unusable(f"shape or size {stored.meaning[:64]!r}, expected {self.meaning!r}")
        platforms = stored.platforms
        if len(platforms) > self.platforms_max or len({*platforms}) < len(platforms):
            return Unusable("too many platforms, or one twice")
        if len(stored.used) % 4:
            return Unusable("slots of features are cut off")
        used = np.frombuffer(stored.used, "<i4").astype(np.int64)
        if len(used) and (used[0] < 0 or used[-1] >= self.slots or (np.diff(used) <= 0).any()):
            return Unusable("slots of features are out of range or order")
        return used


def rows_in_use(*arrays: _Numbers) -> _Slots:
    """Slots whose row is not zero in some of these arrays, slots × columns each; rising."""
    used = arrays[0].any(axis=1)
    for numbers in arrays[1:]:
        used |= numbers.any(axis=1)
    return np.flatnonzero(used)


class PackedArrays(NamedTuple):
    """The last three fields of `StoredArrays`, in their order."""

    used: bytes
    of_features: list[memoryview]
    whole: list[memoryview]


class ModelArrays(NamedTuple):
    """The arrays of a model in memory, in the order in which they are stored."""

    of_features: list[_Numbers]  # slots × columns
    whole: list[_Numbers]

    def pack(self, used: _Slots) -> PackedArrays:
        """Copies as few arrays as it can: with all slots in use there are 17 MB of them."""
        return PackedArrays(
            used.astype("<i4").tobytes(),
            [
                _octets(numbers if len(used) == len(numbers) else numbers[used])
                for numbers in self.of_features
            ],
            [_octets(numbers) for numbers in self.whole],
        )

    def fill(self, used: _Slots, stored: StoredArrays) -> Unusable | None:
        """Copy stored numbers into these arrays; why not, if sizes differ or one is not finite.
        What was copied before that stays: throw the model away then."""
        return _fill(self.of_features, stored.of_features, used) or _fill(
            self.whole, stored.whole, slice(None)
        )


def _fill(
    targets: list[_Numbers], contents: list[memoryview], rows: _Slots | slice
) -> Unusable | None:
    if len(targets) != len(contents):
        return Unusable(f"{len(contents)} arrays, expected {len(targets)}")
    for target, content in zip(targets, contents, strict=True):
        shape = target[rows].shape
        if len(content) != 8 * math.prod(shape):
            return Unusable(f"{len(content)} bytes in an array of {shape}")
        numbers = np.frombuffer(content, "<f8").reshape(shape)
        if not np.isfinite(numbers).all():
            return Unusable("weights are not finite")
        target[rows] = numbers
    return None


def _octets(numbers: _Numbers) -> memoryview:
    return np.ascontiguousarray(numbers, "<f8").reshape(-1).view(np.uint8).data
