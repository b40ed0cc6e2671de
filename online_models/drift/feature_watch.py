"""Which features are watched for drift, and when a value of one is new.

Features are frozen once and repeated with every bin, so they are read with the first bin after
their landmark alone. Only a few broad ones are watched: a campaign that ends is no drift.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from online_models.drift.watch import Alarm, DriftStream, DriftWatch
from online_models.hazard.bins import Shape
from online_models.hazard.encoding import Encoder
from online_models.scoring.landmarks import LANDMARKS
from schemas.buckets import is_in_share
from schemas.records import Example, Frozen


class KeyFeature(NamedTuple):
    """A feature that is watched, as of one landmark."""

    name: str
    landmark: str
    most: float
    """The largest usual value: ADWIN expects values in a range of about 1."""


KEY_FEATURES = (
    KeyFeature("platform=ios", "install", 1.0),
    KeyFeature("touch=click", "install", 1.0),
    KeyFeature("match=referrer", "install", 1.0),
    KeyFeature("sessions@1h", "1h", 7.0),
    KeyFeature("events@1h", "1h", 7.0),
    KeyFeature("sessions@1d", "1d", 7.0),
    KeyFeature("events@1d", "1d", 7.0),
)
"""Counts are natural logarithms, at most log(1000)."""

ONE_INSTALL_IN = 8
"""Features change for many installs at once, so one install in so many is enough, by a hash of its
id."""

_float32 = struct.Struct("<f")


class FeatureWatch:
    """Watches key features of one target's examples, by app and media source."""

    def __init__(self, shape: Shape, encoder: Encoder, watch: DriftWatch) -> None:
        self.watch = watch
        self._keys: dict[int, list[tuple[KeyFeature, bytes]]] = {}
        names = [landmark.name for landmark in LANDMARKS]
        for key in KEY_FEATURES:
            slot = encoder.pack({key.name: 1.0}).slots
            self._keys.setdefault(names.index(key.landmark), []).append((key, slot))
        self._first_bins = [shape.first_bin(mark) for mark in range(len(shape.landmarks))]
        self._fresh_bins = frozenset(self._first_bins)

    def read(self, example: Example) -> list[Alarm]:
        """Feed the features that this example is the first to bring; the alarms they raise."""
        if example.bin not in self._fresh_bins or not is_watched(example.install_id):
            return []
        alarms: list[Alarm] = []
        for frozen in example.snapshots:
            mark = frozen.landmark
            is_known = 0 <= mark < len(self._first_bins)
            if is_known and self._first_bins[mark] == example.bin:
                alarms += self._read_new(example, frozen)
        return alarms

    def _read_new(self, example: Example, frozen: Frozen) -> list[Alarm]:
        keys = self._keys.get(frozen.landmark, [])
        if not keys or len(frozen.slots) != len(frozen.values) or len(frozen.slots) % 4:
            return []
        alarms = []
        for key, slot in keys:
            value = _value_at(frozen, slot) / key.most
            stream = DriftStream(
                "feature", example.target, key.name, example.app_id, example.media_source
            )
            alarms.append(self.watch.feed(stream, value, example.matured_at))
        return [alarm for alarm in alarms if alarm is not None]


def is_watched(install_id: str) -> bool:
    """Whether the install is in the sample."""
    return is_in_share("watched", install_id, 1.0 / ONE_INSTALL_IN)


def _value_at(frozen: Frozen, slot: bytes) -> float:
    """The value of a feature, by its packed slot; 0 where it is absent."""
    at = frozen.slots.find(slot)
    while at % 4 and at > 0:
        at = frozen.slots.find(slot, at + 1)
    return float(_float32.unpack_from(frozen.values, at)[0]) if at >= 0 else 0.0
