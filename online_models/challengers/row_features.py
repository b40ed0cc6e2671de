"""The features that River challengers see of a row: a dict of names, all of them numbers.

Examples carry hashed features. Names that this product gives itself are known again by their slot;
those that producers give, such as campaigns, stay `#SLOT`. A row is one bin as seen from one
landmark, which three more features say: `landmark=`, `bin=` and `age`, the logarithm of the hours
until the bin begins.
"""

from __future__ import annotations

import math
import struct
from functools import lru_cache

from online_models.features.features import ActivityBucket, activity_until
from online_models.hazard.encoding import Encoder
from online_models.hazard.rules import HazardRules
from online_models.scoring.landmarks import LANDMARKS
from online_models.value.shape import paid_features
from schemas.time import HOUR_MS

RowFeatures = dict[str, float]

_OWN_NAMES = (
    *(f"platform={one}" for one in ("ios", "android", "web", "other")),
    *(f"hour={one}" for one in range(24)),
    *(f"weekday={one}" for one in range(7)),
    *(f"os={one}" for one in range(40)),
    *(f"touch={one}" for one in ("", "click", "impression")),
    *(f"ctit_log2={one}" for one in ("none", *range(25))),
    *paid_features(1.0, 1),
)


class RowNames:
    """Gives features their names, and rows what they are about."""

    def __init__(self, rules: HazardRules) -> None:
        self._names = _SlotNames(rules.slots, rules.seed)
        shape = rules.shape
        self._landmarks = [f"landmark={one.name}" for one in shape.landmarks]
        self._bins = [f"bin={number}" for number in range(shape.bins)]
        self._ages = [math.log1p(edge / HOUR_MS) for edge in shape.edges[:-1]]

    def snapshot(self, slots: bytes, values: bytes, landmark: int) -> RowFeatures:
        """The features of a snapshot, whose bytes are well formed."""
        count = len(slots) // 4
        own = struct.unpack(f"<{count}I", slots)
        numbers = struct.unpack(f"<{count}f", values)
        named = dict(zip(map(self._names.__getitem__, own), numbers, strict=True))
        named[self._landmarks[landmark]] = 1.0
        return named

    def row(self, snapshot: RowFeatures, bin_: int) -> RowFeatures:
        """Those of one bin as seen from the snapshot."""
        return {**snapshot, self._bins[bin_]: 1.0, "age": self._ages[bin_]}


class _SlotNames(dict[int, str]):
    def __init__(self, slots: int, seed: int) -> None:
        super().__init__(_known(slots, seed))

    def __missing__(self, slot: int) -> str:
        name = self[slot] = f"#{slot}"
        return name


@lru_cache(maxsize=4)
def _known(slots: int, seed: int) -> dict[int, str]:
    names = [*_OWN_NAMES]
    for number, landmark in enumerate(LANDMARKS[1:], start=1):
        for newest in range(number + 1):
            buckets = [ActivityBucket(int(one == newest)) for one in range(1, number + 1)]
            names += activity_until(landmark.name, buckets)
    own = Encoder(slots, seed).slots_of(names)
    return dict(zip(reversed(own), reversed(names), strict=True))  # The first name of a slot stays.
