"""Named features as slots of an array, by a hash that every worker computes alike.

Python's own `hash` differs between processes, and so does River's FeatureHasher without a seed.
Names that share a slot add up: of n names in s slots, a name shares its own with about n/s.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from online_models.hazard.rules import Numbers, Places

NAMES_MAX = 2**18
"""Names whose slot is cached. When there are more, the cache is emptied."""


class Packed(NamedTuple):
    """One row of features as it is stored and sent: little-endian uint32 slots, all different, and
    as many float32 values. Values that no model can use (not finite, too large for float32) are
    kept, so that readers can tell."""

    slots: bytes
    values: bytes


class Encoded(NamedTuple):
    """Rows of features, one after the other; row i is `slots[starts[i] : starts[i + 1]]`."""

    starts: Places
    slots: Places
    values: Numbers


class _Remembered(dict[str, int]):
    """The slot of each name, computed once."""

    def __init__(self, slots: int, seed: int) -> None:
        self._mask = slots - 1
        self._key = seed.to_bytes(8, "little")
        self.forgotten = 0

    def __missing__(self, name: str) -> int:
        if len(self) >= NAMES_MAX:
            self.clear()
            self.forgotten += 1
        # Names come from producers: "surrogatepass" encodes every string.
        digest = hashlib.blake2b(
            name.encode(errors="surrogatepass"), digest_size=8, key=self._key
        ).digest()
        slot = self[name] = int.from_bytes(digest, "little") & self._mask
        return slot


class Encoder:
    """Hashes names into `slots` slots, a power of two (ValueError otherwise). Its cache changes no
    result."""

    def __init__(self, slots: int, seed: int) -> None:
        if slots <= 0 or slots & (slots - 1):
            raise ValueError(f"{slots} slots: must be a power of two")
        self._remembered = _Remembered(slots, seed)

    @property
    def forgotten(self) -> int:
        """How often the cache was emptied for want of room."""
        return self._remembered.forgotten

    def slots_of(self, names: Iterable[str]) -> list[int]:
        """The slot of each name, in order."""
        return [*map(self._remembered.__getitem__, names)]

    def pack(self, features: Mapping[str, float]) -> Packed:
        """One row. Values of names that share a slot are added, then rounded to float32."""
        own = [*map(self._remembered.__getitem__, features)]
        values: Iterable[float] = features.values()
        if len({*own}) < len(own):
            merged = _merged(own, values)
            own, values = [*merged], merged.values()
        columns = array("I", own), array("f", values)
        if sys.byteorder == "big":
            for column in columns:
                column.byteswap()
        return Packed(columns[0].tobytes(), columns[1].tobytes())

    def encode(self, rows: Iterable[Mapping[str, float]]) -> Encoded:
        """Several rows, as kernels read them. Values keep their float64."""
        slot_of = self._remembered.__getitem__
        # Lists grow faster than arrays do.
        starts, slots, values = [0], list[int](), list[float]()
        for features in rows:
            own = [*map(slot_of, features)]
            if len({*own}) == len(own):
                slots += own
                values += features.values()
            else:
                merged = _merged(own, features.values())
                slots += merged
                values += merged.values()
            starts.append(len(slots))
        return Encoded(
            np.frombuffer(array("q", starts), np.int64),
            np.frombuffer(array("q", slots), np.int64),
            np.frombuffer(array("d", values), np.float64),
        )


def _merged(slots: list[int], values: Iterable[float]) -> dict[int, float]:
    merged: dict[int, float] = {}
    for slot, value in zip(slots, values, strict=True):
        merged[slot] = merged.get(slot, 0.0) + value
    return merged
